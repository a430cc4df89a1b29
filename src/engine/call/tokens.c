/* SPDX-License-Identifier: MIT
 *
 * The tokens of a start: one of each rate of each bucket, or none. */
#include "engine/board/gcra.h"
#include "engine/call/private.h"

/* The earliest start at or after t_ns that every rate of every bucket allows. */
int64_t call_earliest_start(struct call *c, int64_t now_ns, int64_t t_ns)
{
    const struct binding *b = c->binding;
    int64_t start_ns = t_ns;
    for (int i = 0; i < b->lane_count + c->paced; i++) {
        const struct lane *l = &b->lane[i];
        int64_t tat = atomic_load_explicit(l->tat, memory_order_relaxed);
        int64_t e = gcra_earliest(gcra_clamp(tat, now_ns), t_ns, &l->rate, c->policy->cost);
        if (e > start_ns) {
            start_ns = e;
            c->lane = (uint8_t)i;
        }
    }
    return start_ns;
}

struct taken {
    int64_t before, after;
};

/* Takes the cost from every rate of every bucket for a start at t_ns, or from none. */
static inline bool take_each(const struct call *c, int64_t now_ns, int64_t t_ns,
                             struct taken *taken)
{
    const struct binding *b = c->binding;
    for (int i = 0; i < b->lane_count + c->paced; i++) {
        const struct lane *l = &b->lane[i];
        struct taken *k = &taken[i];
        if (gcra_take(l->tat, now_ns, t_ns, &l->rate, c->policy->cost, &k->before, &k->after) ==
            t_ns)
            continue;
        while (i-- > 0)
            gcra_undo(b->lane[i].tat, taken[i].before, taken[i].after);
        return false;
    }
    return true;
}

static __attribute__((noinline)) bool take_many(const struct call *c, int64_t now_ns, int64_t t_ns)
{
    struct taken taken[LIMITS_MAX * RATES_MAX + 1];
    return take_each(c, now_ns, t_ns, taken);
}

/* A single bucket needs little stack. Kept out of line, so that a refusal needs none. */
static __attribute__((noinline)) bool take_few(const struct call *c, int64_t now_ns, int64_t t_ns)
{
    struct taken taken[RATES_MAX];
    return take_each(c, now_ns, t_ns, taken);
}

bool call_take_tokens(const struct call *c, int64_t now_ns, int64_t t_ns)
{
    return c->binding->lane_count + c->paced > RATES_MAX ? take_many(c, now_ns, t_ns)
                                                         : take_few(c, now_ns, t_ns);
}

/* If all starts that were reserved over a time t are made at its end, they do not exceed the
 * burst as long as the bucket would have filled in t. A call that is no later than that breaks
 * no limit. */
bool call_missed_start(const struct call *c, int64_t now_ns)
{
    int lanes = c->binding->lane_count + (c->paced && c->paced_start);
    const struct binding *b = c->binding;
    int64_t late_ns = now_ns - c->reserved_ns;
    if (late_ns <= CALL_LATE_NS)
        return false;
    for (int i = 0; i < lanes; i++) {
        const struct rate *r = &b->lane[i].rate;
        uint32_t n = c->policy->cost < r->burst ? c->policy->cost : r->burst;
        if (late_ns > gcra_span_ns(r, r->burst - n))
            return true;
    }
    return false;
}
