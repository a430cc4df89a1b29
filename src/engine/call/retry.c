/* SPDX-License-Identifier: MIT
 *
 * Whether a failed attempt is repeated, when, and whether the budget allows it. */
#include "engine/call/private.h"

#include "base/events.h"
#include "base/minmax.h"
#include "engine/policy/backoff.h"
#include "engine/policy/repeatable.h"

/* The back-off of a throttled request starts here. */
#define THROTTLED_BASE_NS NS_PER_S

struct plan {
    int64_t base_ns;
    int64_t hint_ns;
    int64_t least_ns; /* the shortest delay that jitter may give */
    int64_t room_ns;  /* the longest delay that the deadline allows */
    int elsewhere;    /* the other place where it is made, at once; -1: none */
};

/* The retry would be refused by the breaker of the host or of its proxy. */
static bool breaker_refuses(struct call *c, struct slot *s, int64_t now_ns)
{
    struct party party = call_host_party(c, s);
    c->by_proxy = false;
    if (call_breaker_enforced(c, &party) &&
        breaker_open_until_ns(&s->breaker, party.policy, party.operation, now_ns))
        return true;
    c->by_proxy =
        call_proxy_party(c, &party) && call_breaker_enforced(c, &party) &&
        breaker_open_until_ns(&party.slot->breaker, party.policy, party.operation, now_ns);
    return c->by_proxy;
}

/* A place that was not tried need not be given time to recover. But a server that throttles speaks for all
 * places, and a proxy that failed is before them all. */
static int elsewhere(struct call *c, const struct verdict *v, int64_t now_ns)
{
    bool may = unlikely(c->places) && (v->class == CLASS_A || v->class == CLASS_B) && !v->proxy;
    return may ? call_untried_place(c, now_ns) : -1;
}

static enum stop unrepeatable(const struct call *c, const struct attempt *a, int64_t now_ns)
{
    if (a->committed)
        return a->hold_exceeded ? STOP_HOLD_LIMIT : STOP_COMMITTED;
    if (a->protocol != PROTOCOL_CONNECT)
        return STOP_BODY;
    return c->cannot_wait                               ? STOP_NONBLOCKING
           : now_ns > c->app_deadline_ns - CALL_ROOM_NS ? STOP_PROGRAM_TIMEOUT
                                                        : STOP_PROGRAM;
}

/* Everything that decides about a retry except the budget. made: attempts including this one. */
static enum stop why_not(struct call *c, struct slot *s, const struct attempt *a,
                         const struct verdict *v, int made, int64_t now_ns, struct plan *plan)
{
    const struct policy *p = c->policy;
    if (a->ended_by_program)
        return STOP_PROGRAM;
    if (!repeatable_after(v, a, p))
        return v->max_tries == 1 || v->class == CLASS_D || v->class == CLASS_E ? STOP_CLASS
                                                                               : STOP_METHOD;
    if (a->committed || !a->replayable)
        return unrepeatable(c, a, now_ns);
    if (made >= p->max_attempts)
        return STOP_ATTEMPTS;
    if (v->max_tries && made >= v->max_tries)
        return STOP_CLASS;
    plan->base_ns =
        v->class == CLASS_C ? larger(p->base_delay_ns, THROTTLED_BASE_NS) : p->base_delay_ns;
    plan->hint_ns = call_hint_ns(c, a);
    if (plan->hint_ns > p->retry_after_max_ns)
        return STOP_HINT;
    plan->elsewhere = plan->hint_ns > 0 ? -1 : elsewhere(c, v, now_ns);
    plan->least_ns = plan->elsewhere >= 0 ? 0
                     : plan->hint_ns > 0
                         ? plan->hint_ns
                         : backoff_delay_ns(p, plan->base_ns, made, c->previous_delay_ns, 0);
    plan->room_ns = c->deadline_ns - CALL_ROOM_NS - now_ns;
    if (plan->least_ns > plan->room_ns)
        return call_deadline_stop(c);
    return breaker_refuses(c, s, now_ns) ? STOP_BREAKER : STOP_NOTHING;
}

static int64_t delay_of(const struct call *c, const struct plan *plan, int made, uint64_t random)
{
    if (plan->elsewhere >= 0)
        return 0;
    int64_t d = plan->hint_ns > 0 ? backoff_after_hint_ns(plan->hint_ns, random)
                                  : backoff_delay_ns(c->policy, plan->base_ns, made,
                                                     c->previous_delay_ns, random);
    if (d > plan->room_ns) /* spread over the time that is left, instead of all at its end */
        d = plan->least_ns + call_random_below(plan->room_ns - plan->least_ns, random);
    return d;
}

/* Called at the end of the header block and at the end of the attempt: counts once. */
static void note_denied(struct call *c, struct slot *s, const struct attempt *a, enum reason reason,
                        int made)
{
    if (c->denied_attempt == made)
        return;
    c->denied_attempt = made;
    slot_count(s, COUNT_BUDGET_DENIED, 1);
    events_emit(&(struct event){.kind = EVENT_DENIED,
                                .id = c->id,
                                .host = c->binding->name,
                                .attempt = made,
                                .reason = reason_name(reason),
                                .curl = a->curl_code,
                                .http = a->http_status,
                                .os_errno = call_errno(a),
                                .wait_ns = -1,
                                .observed = c->observe});
}

static enum stop would_stop(struct call *c, const struct attempt *a, int64_t now_ns)
{
    struct plan plan;
    struct slot *s = call_slot(c);
    struct verdict v = call_classify(c, a);
    enum stop stop = why_not(c, s, a, &v, c->attempts + 1, now_ns, &plan);
    const struct policy *p = c->policy;
    if (stop ||
        budget_would_allow(&s->budget, p->retry_budget_percent, p->retry_reserve_ns, now_ns))
        return stop;
    note_denied(c, s, a, v.reason, c->attempts + 1);
    return STOP_BUDGET;
}

bool call_would_retry(struct call *c, const struct attempt *a, int64_t now_ns)
{
    if (c->observe)
        return false;
    enum stop stop = would_stop(c, a, now_ns);
    if (!a->committed)
        c->stop_at_headers = stop;
    return !stop;
}

static void count_retry(struct slot *s, enum reason reason)
{
    slot_count(s, COUNT_RETRIES, 1);
    atomic_fetch_add_explicit(&s->retries_by[reason_group(reason)], 1, memory_order_relaxed);
}

void call_retry_made(struct call *c, struct slot *s)
{
    c->retry_planned = false;
    count_retry(s, c->last.reason);
    struct party proxy;
    if (call_proxy_party(c, &proxy))
        count_retry(proxy.slot, c->last.reason);
}

void call_retry_dropped(struct call *c, struct slot *s)
{
    c->retry_planned = false;
    budget_give_back(&s->budget, c->policy->retry_budget_percent);
}

static bool take_budget(const struct policy *p, struct slot *s, int64_t now_ns)
{
    if (!budget_take(&s->budget, p->retry_budget_percent, p->retry_reserve_ns, now_ns))
        return false;
    float fill_ms = (float)budget_fill_ms(p->retry_budget_percent, p->retry_reserve_ns);
    if (atomic_load_explicit(&s->budget_fill_ms, memory_order_relaxed) != fill_ms)
        atomic_store_explicit(&s->budget_fill_ms, fill_ms, memory_order_relaxed);
    return true;
}

bool call_plan_retry(struct call *c, struct slot *s, const struct attempt *a, int64_t now_ns,
                     uint64_t random, int64_t *at_ns)
{
    struct plan plan;
    const struct verdict *v = &c->last;
    enum stop at_headers = c->stop_at_headers;
    c->stop_at_headers = STOP_NOTHING;
    if (call_observes_nothing(c, s)) {
        c->stop = STOP_OBSERVE;
        return false;
    }
    c->stop = why_not(c, s, a, v, c->attempts, now_ns, &plan);
    if (c->stop == STOP_COMMITTED && at_headers)
        c->stop = at_headers; /* that is why it was committed */
    if (c->stop)
        return false;
    if (!take_budget(c->policy, s, now_ns)) {
        note_denied(c, s, a, v->reason, c->attempts);
        c->stop = STOP_BUDGET;
        return false;
    }
    int64_t delay_ns = delay_of(c, &plan, c->attempts, random);
    if (plan.elsewhere < 0)
        c->previous_delay_ns = delay_ns;
    c->retry_planned = true;
    if (c->observe) {
        c->stop = STOP_OBSERVE;
        call_retry_made(c, s);
        call_add_lag(c, delay_ns);
        c->falls_back |= plan.elsewhere > 0;
    }
    char place[SLOT_NAME_SIZE];
    events_emit(&(struct event){.kind = EVENT_RETRY,
                                .id = c->id,
                                .host = c->binding->name,
                                .attempt = c->attempts,
                                .reason = reason_name(v->reason),
                                .curl = a->curl_code,
                                .http = a->http_status,
                                .os_errno = call_errno(a),
                                .place = call_place_text(c, call_next_place(c, now_ns), place),
                                .wait_ns = delay_ns,
                                .observed = c->observe});
    *at_ns = now_ns + delay_ns;
    return !c->observe;
}
