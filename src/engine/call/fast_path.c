/* SPDX-License-Identifier: MIT */
#include "engine/call/fast_path.h"

#include "base/events.h"
#include "base/minmax.h"
#include "engine/board/status.h"
#include "engine/call/private.h"

static bool slot_is_clear(const struct slot *s, int64_t now_ns)
{
    return breaker_is_calm(&s->breaker) &&
           atomic_load_explicit(&s->pause_until_ns, memory_order_relaxed) <= now_ns;
}

bool binding_is_clear(const struct binding *b, int64_t now_ns)
{
    const unsigned before_the_attempt = SPECIAL_PERMITS | SPECIAL_PLACES;
    return !b->lane_count && !b->scope && !(b->special & before_the_attempt) &&
           slot_is_clear(b->slot, now_ns) && (!b->facts || slot_is_clear(b->facts, now_ns));
}

HOT bool fast_path_is_clear(const struct fast_path *p, int64_t now_ns)
{
    return slot_is_clear(p->slot, now_ns) &&
           atomic_load_explicit(&p->slot->key, memory_order_relaxed) == p->key;
}

HOT bool fast_path_count(const struct fast_path *p, int64_t duration_ns, int64_t now_ns,
                         int64_t wall_ns)
{
    struct slot *s = p->slot;
    if (p->policy->breaker == BREAKER_OFF || !slot_touch(s, p->key, now_ns) ||
        !breaker_expects_success(&s->breaker, now_ns) || !status_expects_success(s) ||
        (events_are_wanted() && events_are_traced()))
        return false;
    slot_count(s, COUNT_REQUESTS, 1);
    call_count_attempt(s, larger(duration_ns, 0));
    call_count_success(s, wall_ns);
    atomic_fetch_add_explicit(&p->board->header->changes, 1, memory_order_release);
    return true;
}
