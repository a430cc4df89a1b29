/* SPDX-License-Identifier: MIT
 *
 * The adaptive rate of a host: what answers do to it, and when a request may start by it. Its lane
 * follows the binding's others.
 *
 * A start is reserved only a little ahead, because the rate changes: starts that were reserved at a rate that
 * is too high would come long after the cut. Who comes too early for that asks again later. The longer a
 * request has waited, the further ahead it may reserve, so that the oldest gets the next start. */
#include "engine/call/private.h"

#include "base/events.h"
#include "base/minmax.h"
#include "engine/board/alert.h"
#include "engine/board/gcra.h"

#define LEAD_NS       (250 * NS_PER_MS)
#define LEAD_PER_WAIT 32
#define ASKS_PER_WAIT 8 /* a request that has waited for 8 s asks once a second */
#define LEAST_WAIT_NS (10 * NS_PER_MS)

/* The configured rates as they limit requests of this cost. */
static uint64_t ceiling_milli(const struct binding *b, uint32_t *burst)
{
    uint64_t least = 0;
    for (const struct lane *l = b->lane; l < b->lane + b->lane_count; l++) {
        int64_t each_ns = gcra_span_ns(&l->rate, b->policy->cost);
        uint64_t milli = each_ns > 0 ? 1000 * (uint64_t)NS_PER_S / (uint64_t)each_ns : 0;
        least = milli && (!least || milli < least) ? milli : least;
        if (l->rate.burst / b->policy->cost < *burst)
            *burst = 1;
    }
    return least;
}

static uint64_t ceiling_of(const struct binding *b)
{
    uint32_t burst = ADAPTIVE_BURST;
    return ceiling_milli(b, &burst);
}

void call_use_adaptive_rate(struct call *c, struct slot *s, int64_t now_ns)
{
    struct binding *b = c->binding;
    struct adaptive_view v;
    uint32_t burst = ADAPTIVE_BURST;
    c->paced = !call_is_overflow(c, s) &&
               adaptive_read(&s->adaptive, ceiling_milli(b, &burst), now_ns, &v);
    if (!c->paced)
        return;
    struct lane *l = &b->lane[b->lane_count];
    *l = (struct lane){
        .tat = &s->adaptive.tat_ns, .rate = adaptive_rate(v.rate_milli), .slot = s, .key = b->key};
    /* A request counts as one, whatever its cost: so many tokens take as long as one. */
    l->rate.interval_ns = larger(l->rate.interval_ns / b->policy->cost, 1);
    l->rate.burst = burst * b->policy->cost;
}

bool call_is_limited(const struct call *c, int64_t now_ns)
{
    struct adaptive_view v;
    const struct binding *b = c->binding;
    const struct slot *s = call_slot(c);
    return b->lane_count || (b->special & SPECIAL_PERMITS) ||
           ((b->special & SPECIAL_ADAPTIVE) && !call_is_overflow(c, s) &&
            adaptive_read(&s->adaptive, 0, now_ns, &v));
}

static const struct lane *lane_of(const struct call *c)
{
    return &c->binding->lane[c->binding->lane_count];
}

static int64_t earliest_ns(const struct call *c, int64_t now_ns, int64_t t_ns)
{
    const struct lane *l = lane_of(c);
    int64_t tat = atomic_load_explicit(l->tat, memory_order_relaxed);
    return gcra_earliest(gcra_clamp(tat, now_ns), t_ns, &l->rate, c->policy->cost);
}

/* In observe mode nobody asks again. */
int64_t call_pace_again_ns(struct call *c, int64_t from_ns, int64_t start_ns, int64_t now_ns)
{
    int64_t waited_ns = now_ns - c->wait_from_ns, lead_ns = LEAD_NS + waited_ns / LEAD_PER_WAIT;
    if (start_ns - from_ns <= lead_ns || c->observe)
        return 0;
    int64_t paced_ns = earliest_ns(c, now_ns, from_ns);
    if (paced_ns - from_ns > lead_ns)
        return larger(paced_ns - lead_ns,
                      now_ns + larger(waited_ns / ASKS_PER_WAIT, LEAST_WAIT_NS));
    c->paced = false; /* the other lanes are the slower ones: its token is taken at their start */
    return 0;
}

/* The limits of the other lanes hold for about the time of the start only, so it cannot be much later. */
bool call_pace_reserved(struct call *c, int64_t late_ns, int64_t now_ns)
{
    if (likely(!c->paced || c->paced_start))
        return true;
    const struct lane *l = lane_of(c);
    int64_t before, after, t = earliest_ns(c, now_ns, now_ns);
    if (t - c->reserved_ns > late_ns ||
        gcra_take(l->tat, now_ns, t, &l->rate, c->policy->cost, &before, &after) != t)
        return false;
    c->reserved_ns = t;
    c->paced_start = true;
    return true;
}

static __attribute__((noinline)) void tell_cut(const struct call *c, const struct attempt *a,
                                               const struct adaptive_view *v)
{
    struct board *b = c->binding->board;
    board_expect_end(b, v->off_ns);
    events_emit(&(struct event){.kind = EVENT_ADAPTIVE,
                                .id = c->id,
                                .host = c->binding->name,
                                .state = v->first ? "on" : "cut",
                                .http = a->http_status,
                                .rate_milli = v->rate_milli,
                                .wait_ns = -1,
                                .observed = c->observe});
    if (v->first)
        board_alert(b);
}

void call_adapt(struct call *c, struct slot *s, const struct attempt *a, int64_t now_ns)
{
    struct adaptive_view v;
    if (call_is_overflow(c, s) || attempt_refused_by_proxy(a) || a->protocol == PROTOCOL_CONNECT)
        return;
    if (c->last.class == CLASS_C) {
        if (call_hint_ns(c, a) <= 0 &&
            adaptive_throttled(&s->adaptive, ceiling_of(c->binding), now_ns, &v))
            tell_cut(c, a, &v);
    } else if (call_is_success(&c->last)) {
        adaptive_accepted(&s->adaptive, now_ns);
    }
}
