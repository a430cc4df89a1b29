/* SPDX-License-Identifier: MIT */
#include "engine/publish/pause_end.h"

#include "base/clock.h"
#include "base/events.h"
#include "base/minmax.h"
#include "engine/board/alert.h"
#include "engine/board/pause.h"
#include "engine/board/slo_slot.h"
#include "engine/board/view.h"

static bool announce_one(struct slot *s, const char *name, enum pause_extent extent, int64_t now_ns)
{
    int64_t ended_ns = pause_take_end(s, extent, now_ns);
    if (!ended_ns)
        return false;
    events_emit(&(struct event){.kind = EVENT_PAUSE,
                                .host = name,
                                .state = "over",
                                .part = extent == PAUSE_OF_PART,
                                .ended_ns = clock_wall_ns() - (now_ns - ended_ns),
                                .wait_ns = -1});
    return extent == PAUSE_OF_ALL;
}

/* Of the programs that enforce, and of those that observe. */
static void announce_adaptive(struct board *b, struct slot *s, const char *name, int64_t now_ns,
                              int64_t *next_ns)
{
    struct adaptive_view v;
    struct slot *of[] = {s, board_find(b, board_observed_key(atomic_load(&s->key)))};
    for (int i = 0; i < 2 && of[i]; i++) {
        int64_t ended_ns = adaptive_take_end(&of[i]->adaptive, now_ns);
        if (ended_ns)
            events_emit(&(struct event){.kind = EVENT_ADAPTIVE,
                                        .host = name,
                                        .state = "off",
                                        .ended_ns = clock_wall_ns() - (now_ns - ended_ns),
                                        .wait_ns = -1,
                                        .observed = i == 1});
        if (adaptive_read(&of[i]->adaptive, 0, now_ns, &v))
            *next_ns = smaller(*next_ns, v.off_ns);
    }
}

/* The SLO of a host begins and ceases to burn by time, too. */
static bool notice_slo(struct board *b, struct slot *s, const char *name, int64_t now_ns,
                       int64_t *next_ns)
{
    bool changed = slo_slot_notice(b, s, name, 0, now_ns, clock_wall_ns());
    *next_ns = smaller(*next_ns, slo_slot_next_ns(b, s, now_ns));
    return changed;
}

static int64_t end_ns(const struct slot *s, enum pause_extent extent, int64_t now_ns)
{
    struct pause_shown p;
    return pause_show(s, extent, now_ns, &p) ? p.until_ns : INT64_MAX;
}

/* Looks at all hosts. *next_ns: the first end that is still to come. */
static bool announce_all(struct board *b, int64_t now_ns, int64_t *next_ns)
{
    char name[VIEW_NAME_SIZE];
    bool changed = false;
    for (uint32_t i = 0; i < board_size(b); i++) {
        struct slot *s = &b->slots[i];
        if (!view_host(b, i, name))
            continue;
        changed |= notice_slo(b, s, name, now_ns, next_ns);
        announce_adaptive(b, s, name, now_ns, next_ns);
        for (int extent = PAUSE_OF_ALL; extent <= PAUSE_OF_PART; extent++) {
            changed |= announce_one(s, name, (enum pause_extent)extent, now_ns);
            *next_ns = smaller(*next_ns, end_ns(s, (enum pause_extent)extent, now_ns));
        }
    }
    return changed;
}

/* Whoever raises a pause sets the word of the slot first, then that of the header. So after the word of
 * the header is taken, every pause is either found in its slot or noted in the header again. */
bool pause_end_announce(struct board *b, int64_t now_ns, int64_t *next_ns)
{
    _Atomic int64_t *first = &b->header->pause_end_ns;
    int64_t due_ns = atomic_load(first);
    bool is_ahead = due_ns > now_ns && due_ns - now_ns <= PAUSE_MAX_NS; /* otherwise damaged */
    *next_ns = due_ns && is_ahead ? due_ns : INT64_MAX;
    if (!due_ns || is_ahead || !atomic_compare_exchange_strong(first, &due_ns, 0))
        return false;
    bool changed = announce_all(b, now_ns, next_ns);
    if (*next_ns != INT64_MAX)
        board_expect_end(b, *next_ns);
    if (changed) {
        atomic_fetch_add(&b->header->alerts, 1);
        atomic_store(&b->header->snapshot_due_ns, 0);
    }
    return changed;
}
