/* SPDX-License-Identifier: MIT
 *
 * A server's hint (Retry-After and friends) pauses its host: all callers, in all processes of the
 * board, wait until it expires. */
#include "engine/call/private.h"

#include "base/hash.h"
#include "base/minmax.h"

int64_t call_hint_ns(const struct call *c, const struct attempt *a, const struct hints *h,
                     int64_t wall_ns)
{
    if (a->protocol != PROTOCOL_HTTP || a->http_status < 100 || !c->policy->retry_after_max_ns)
        return -1;
    return hints_wait_ns(h, wall_ns);
}

void call_set_pause(const struct call *c, struct slot *s, const struct attempt *a, int64_t now_ns,
                    int64_t wall_ns)
{
    struct hints h = a->hints;
    if (a->http_status < 300)
        h.retry_after_s = h.retry_at_s = -1;
    int64_t hint_ns = call_hint_ns(c, a, &h, wall_ns), max_ns = c->policy->retry_after_max_ns;
    if (hint_ns <= 0 || call_is_overflow(c, s))
        return;
    /* Too far ahead for any policy: damaged. It must not hide the real hint. */
    int64_t seen = atomic_load_explicit(&s->pause_until_ns, memory_order_relaxed);
    if (seen > now_ns && seen - now_ns > SLOT_PAUSE_MAX_NS)
        atomic_compare_exchange_strong_explicit(&s->pause_until_ns, &seen, 0, memory_order_relaxed,
                                                memory_order_relaxed);
    hint_ns = smaller(hint_ns, max_ns);
    if (call_raise(&s->pause_until_ns, now_ns + hint_ns))
        atomic_store_explicit(&s->pause_s, (uint16_t)smaller(hint_ns / NS_PER_S, UINT16_MAX),
                              memory_order_relaxed);
}

/* The hint may have been stored by a process whose policy accepts longer hints. Then this policy's
 * limit is the longest wait, from its beginning. A time further ahead than any policy allows is not a
 * hint. */
int64_t call_pause_end_slowly(const struct call *c, const struct slot *s, int64_t pause_ns,
                              int64_t now_ns)
{
    if (pause_ns - now_ns > SLOT_PAUSE_MAX_NS || call_is_overflow(c, s))
        return 0;
    int64_t from_ns = c->waiting ? c->wait_from_ns : now_ns;
    pause_ns = smaller(pause_ns, from_ns + c->policy->retry_after_max_ns);
    return pause_ns > now_ns ? pause_ns : 0;
}

/* If all waiting callers started at the end of the pause, the result of the first would come too
 * late for the others. So each starts later, by up to half of the hint, like a retry; but not
 * after latest_ns. If there is a rate, it spreads the starts. The random part is taken from the
 * time and order of arrival. */
int64_t call_after_pause(const struct call *c, const struct slot *s, int64_t pause_ns,
                         int64_t latest_ns)
{
    if (c->binding->lane_count || pause_ns >= latest_ns)
        return pause_ns;
    int64_t hint_ns = atomic_load_explicit(&s->pause_s, memory_order_relaxed) * NS_PER_S;
    int64_t most_ns = smaller(hint_ns, c->policy->retry_after_max_ns) / 2;
    int64_t least_ns = 0, left_ns = latest_ns - pause_ns;
    if (most_ns > left_ns) {
        most_ns = left_ns;
        least_ns = left_ns / 2; /* those with little time left must not start all at once, either */
    }
    uint64_t came[] = {(uint64_t)c->wait_from_ns, slot_counter(s, COUNT_WAITED)};
    uint64_t random = hash_bytes(came, sizeof came, c->binding->key);
    return pause_ns + least_ns + call_random_below(most_ns - least_ns, random);
}
