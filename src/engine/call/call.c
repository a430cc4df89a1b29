/* SPDX-License-Identifier: MIT */
#include "engine/call/parts.h"

#include "base/minmax.h"
#include "base/precondition.h"
#include "engine/board/status.h"
#include "engine/policy/backoff.h"

#include <string.h>

/* A throttled request starts its back-off here. */
#define THROTTLED_BASE_NS NS_PER_S

HOT void call_begin(struct call *c, struct binding *b, int64_t app_timeout_ns, int64_t now_ns)
{
    precondition(b->slot && b->policy && b->board);
    call_hold(b, now_ns);
    int64_t app = app_timeout_ns > 0 ? later_by(now_ns, app_timeout_ns) : INT64_MAX;
    *c = (struct call){
        .binding = b,
        .policy = b->policy,
        .slot = b->slot,
        .begun_ns = now_ns,
        .deadline_ns = smaller(app, later_by(now_ns, b->policy->max_elapsed_ns)),
        .app_deadline_ns = app,
        .observe = b->config->mode == MODE_OBSERVE,
    };
    slot_count(b->slot, COUNT_REQUESTS, 1);
}

void call_bound_by(struct call *c, int64_t app_timeout_ns)
{
    if (app_timeout_ns <= 0)
        return;
    c->app_deadline_ns = later_by(c->begun_ns, app_timeout_ns);
    c->deadline_ns = smaller(c->deadline_ns, c->app_deadline_ns);
}

void call_wait_over(struct call *c, struct slot *s, int64_t now_ns)
{
    if (now_ns > c->asked_ns)
        slot_count(s, COUNT_WAITED_NS, (uint64_t)(now_ns - c->asked_ns));
    c->waiting = false;
}

/* How long the server asked to wait; -1: it did not, or hints are off. */
static int64_t hint_of(const struct call *c, const struct attempt *a, const struct hints *h,
                       int64_t wall_ns)
{
    if (a->protocol != PROTOCOL_HTTP || a->http_status < 100 || !c->policy->retry_after_max_ns)
        return -1;
    return hints_wait_ns(h, wall_ns);
}

/* The hint holds for all who want something of this origin. With a 2xx, Retry-After speaks of that
 * one resource (come back for the result), not of the origin; an empty quota always does. */
static void set_gate(const struct call *c, struct slot *s, const struct attempt *a, int64_t now_ns,
                     int64_t wall_ns)
{
    bool good = a->http_status < 300;
    if (likely(good && !hints_exhausted(&a->hints)))
        return;
    struct hints h = a->hints;
    if (good)
        h.retry_after_s = h.retry_at_s = -1;
    int64_t hint_ns = hint_of(c, a, &h, wall_ns), max_ns = c->policy->retry_after_max_ns;
    if (hint_ns <= 0 || call_is_overflow(c, s))
        return;
    /* What no one could have set must not stand in the way of what is true. */
    int64_t seen = atomic_load_explicit(&s->pause_until_ns, memory_order_relaxed);
    if (seen > now_ns && seen - now_ns > SLOT_PAUSE_MAX_NS)
        atomic_compare_exchange_strong_explicit(&s->pause_until_ns, &seen, 0, memory_order_relaxed,
                                                memory_order_relaxed);
    hint_ns = smaller(hint_ns, max_ns);
    if (call_raise(&s->pause_until_ns, now_ns + hint_ns))
        atomic_store_explicit(&s->pause_s, (uint16_t)smaller(hint_ns / NS_PER_S, UINT16_MAX),
                              memory_order_relaxed);
}

struct plan {
    int64_t base_ns;
    int64_t hint_ns;
    int64_t least_ns; /* the shortest delay that jitter may give */
    int64_t room_ns;  /* the longest that the deadline leaves */
};

/* A retry would be refused: by the host's circuit, or by its proxy's. */
static bool is_shut(const struct call *c, struct slot *s, int64_t now_ns)
{
    struct party who = call_host(c, s);
    if (call_breaker_enforced(c, &who) &&
        breaker_open_until_ns(&s->breaker, who.policy, who.operation, now_ns))
        return true;
    return call_proxy(c, &who) && call_breaker_enforced(c, &who) &&
           breaker_open_until_ns(&who.slot->breaker, who.policy, who.operation, now_ns);
}

/* Everything that decides about a retry but the budget. made: attempts with this one. */
static bool plan_retry(const struct call *c, struct slot *s, const struct attempt *a,
                       const struct verdict *v, int made, int64_t now_ns, int64_t wall_ns,
                       struct plan *plan)
{
    const struct policy *p = c->policy;
    if (!classify_repeatable(v, a, p) || a->committed || !a->replayable ||
        made >= p->max_attempts || (v->max_tries && made >= v->max_tries))
        return false;
    plan->base_ns =
        v->class == CLASS_C ? larger(p->base_delay_ns, THROTTLED_BASE_NS) : p->base_delay_ns;
    plan->hint_ns = hint_of(c, a, &a->hints, wall_ns);
    if (plan->hint_ns > p->retry_after_max_ns)
        return false;
    plan->least_ns =
        larger(plan->hint_ns, backoff_delay_ns(p, plan->base_ns, made, c->previous_delay_ns, 0));
    plan->room_ns = c->deadline_ns - CALL_ROOM_NS - now_ns;
    if (plan->least_ns > plan->room_ns)
        return false;
    return !is_shut(c, s, now_ns);
}

static int64_t delay_of(const struct call *c, const struct plan *plan, int made, uint64_t random)
{
    int64_t d =
        larger(backoff_delay_ns(c->policy, plan->base_ns, made, c->previous_delay_ns, random),
               backoff_after_hint_ns(plan->hint_ns, random));
    if (d > plan->room_ns) /* spread over what is left, rather than all at its end */
        d = plan->least_ns +
            (int64_t)(((unsigned __int128)(uint64_t)(plan->room_ns - plan->least_ns) * random) >>
                      64);
    return d;
}

/* At the end of the header block, or else at the end of the attempt: once for each. */
static void note_denied(struct call *c, struct slot *s, const struct attempt *a, enum reason reason,
                        int made)
{
    if (c->denied == made)
        return;
    c->denied = made;
    slot_count(s, COUNT_BUDGET_DENIED, 1);
    events_emit(&(struct event){.kind = EVENT_DENIED,
                                .host = c->binding->name,
                                .attempt = made,
                                .reason = reason_name(reason),
                                .curl = a->curl_code,
                                .http = a->http_status,
                                .os_errno = a->os_errno,
                                .wait_ns = -1,
                                .observed = c->observe});
}

bool call_would_retry(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns)
{
    struct plan plan;
    struct slot *s = call_slot(c);
    struct verdict v = classify(a, c->policy);
    if (c->observe || !plan_retry(c, s, a, &v, c->attempts + 1, now_ns, wall_ns, &plan))
        return false;
    const struct policy *p = c->policy;
    if (budget_would_allow(&s->budget, p->retry_budget_percent, p->retry_reserve_ns, now_ns))
        return true;
    note_denied(c, s, a, v.reason, c->attempts + 1);
    return false;
}

static void count_retry(struct slot *s, enum reason reason)
{
    slot_count(s, COUNT_RETRIES, 1);
    atomic_fetch_add_explicit(&s->retries_by[reason_group(reason)], 1, memory_order_relaxed);
}

void call_retry_made(struct call *c, struct slot *s)
{
    c->planned = false;
    count_retry(s, c->last.reason);
    struct party proxy;
    if (call_proxy(c, &proxy))
        count_retry(proxy.slot, c->last.reason);
}

void call_retry_dropped(struct call *c, struct slot *s)
{
    c->planned = false;
    budget_give_back(&s->budget, c->policy->retry_budget_percent);
}

static bool pay(const struct policy *p, struct slot *s, int64_t now_ns)
{
    if (!budget_take(&s->budget, p->retry_budget_percent, p->retry_reserve_ns, now_ns))
        return false;
    float fill_ms = (float)budget_fill_ms(p->retry_budget_percent, p->retry_reserve_ns);
    if (atomic_load_explicit(&s->budget_fill_ms, memory_order_relaxed) != fill_ms)
        atomic_store_explicit(&s->budget_fill_ms, fill_ms, memory_order_relaxed);
    return true;
}

static __attribute__((noinline)) bool retry(struct call *c, struct slot *s, const struct attempt *a,
                                            int64_t now_ns, int64_t wall_ns, uint64_t random,
                                            int64_t *at_ns)
{
    struct plan plan;
    const struct verdict *v = &c->last;
    if (!plan_retry(c, s, a, v, c->attempts, now_ns, wall_ns, &plan))
        return false;
    if (!pay(c->policy, s, now_ns)) {
        note_denied(c, s, a, v->reason, c->attempts);
        return false;
    }
    int64_t delay_ns = delay_of(c, &plan, c->attempts, random);
    c->previous_delay_ns = delay_ns;
    c->planned = true;
    if (c->observe)
        call_retry_made(c, s);
    events_emit(&(struct event){.kind = EVENT_RETRY,
                                .host = c->binding->name,
                                .attempt = c->attempts,
                                .reason = reason_name(v->reason),
                                .curl = a->curl_code,
                                .http = a->http_status,
                                .os_errno = a->os_errno,
                                .wait_ns = delay_ns,
                                .observed = c->observe});
    *at_ns = now_ns + delay_ns;
    return !c->observe;
}

/* What classify says of these, without a look at its tables. */
static const struct verdict good_verdict = {.class = CLASS_SUCCESS, .alive = true};

static bool plainly_good(const struct attempt *a)
{
    if (a->protocol == PROTOCOL_CONNECT)
        return !a->os_errno && !a->curl_code;
    return a->protocol == PROTOCOL_HTTP && !a->curl_code && !a->header_cut &&
           a->http_status >= 200 && a->http_status < 300;
}

/* The usual case: a good answer of a host that is well, to a request that was no probe. */
static bool changes_nothing(const struct call *c, const struct slot *s, int64_t now_ns)
{
    return c->last.class == CLASS_SUCCESS && !c->lease_ns && c->policy->breaker != BREAKER_OFF &&
           breaker_expects_success(&s->breaker, now_ns) && status_expects_success(s);
}

bool call_is_calm(const struct call *c, int64_t now_ns)
{
    const struct slot *s = call_slot(c);
    return !c->lease_ns && status_expects_success(s) &&
           (c->policy->breaker == BREAKER_OFF || breaker_expects_success(&s->breaker, now_ns));
}

void call_give_leases_back(struct call *c, struct slot *s)
{
    struct party proxy;
    if (unlikely(c->lease_ns))
        breaker_cancel(&s->breaker, c->lease_ns);
    if (unlikely(c->proxy_lease_ns) && call_proxy(c, &proxy))
        breaker_cancel(&proxy.slot->breaker, c->proxy_lease_ns);
    c->lease_ns = c->proxy_lease_ns = 0;
}

HOT bool call_report(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns,
                     uint64_t random, int64_t *at_ns)
{
    precondition(c->binding && at_ns);
    struct slot *s = call_slot(c);
    int64_t duration_ns = larger(a->duration_ns, 0);
    c->last = likely(plainly_good(a)) ? good_verdict : classify(a, c->policy);
    c->attempts++;
    c->waiting = false;
    call_count_attempt(s, duration_ns);
    slot_touch(s, c->binding->key, now_ns);
    bool news = !changes_nothing(c, s, now_ns);
    if (unlikely(news)) {
        struct party host = call_host(c, s);
        call_judge(c, &host, &c->last, now_ns, wall_ns);
    }
    if (unlikely(c->binding->proxy.slot)) {
        call_proxy_report(c, a, now_ns, wall_ns);
        news = true;
    }
    set_gate(c, s, a, now_ns, wall_ns);
    if (likely(c->last.class == CLASS_SUCCESS)) {
        if (unlikely(news))
            call_settle(c, s, now_ns, wall_ns, random);
        return false;
    }
    if (!call_says_nothing(a, &c->last))
        c->outage = call_outage(&c->last, a);
    c->last_error = last_error_pack((struct last_error){.class = c->last.class,
                                                        .reason = c->last.reason,
                                                        .curl = a->curl_code,
                                                        .http = a->http_status,
                                                        .os_errno = a->os_errno});
    bool again = retry(c, s, a, now_ns, wall_ns, random, at_ns);
    if (again || !call_is_success(&c->last))
        atomic_fetch_add_explicit(&s->failed_attempts, 1, memory_order_relaxed);
    if (again) {
        if (unlikely(c->lease_ns || c->proxy_lease_ns) && !c->outage && !c->proxy_outage)
            call_give_leases_back(c, s); /* it may have to wait long */
        c->unsettled = true;
        c->random = random;
    } else {
        call_settle(c, s, now_ns, wall_ns, random);
    }
    return again;
}

bool call_report_cut(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns,
                     uint64_t random, int64_t *at_ns)
{
    const struct call before = *c;
    bool again = call_report(c, a, now_ns, wall_ns, random, at_ns);
    c->last = before.last;
    c->proxy_last = before.proxy_last;
    c->last_error = before.last_error;
    return again;
}

/* Gives back what an admission leased and no report settled. */
static void let_go(struct call *c, struct slot *s, int64_t now_ns)
{
    if (c->waiting)
        call_wait_over(c, s, now_ns);
    if (unlikely(c->lease_ns || c->proxy_lease_ns))
        call_give_leases_back(c, s);
    if (c->planned)
        call_retry_dropped(c, s);
    c->reserved_ns = 0;
}

HOT void call_end(struct call *c, int64_t now_ns, int64_t wall_ns)
{
    precondition(c->binding);
    struct slot *s = call_slot(c);
    if (unlikely(c->unsettled)) /* the retry was not made after all */
        call_settle(c, s, now_ns, wall_ns, c->random);
    let_go(c, s, now_ns);
    if (c->attempts) {
        call_count_outcome(c, s, &c->last, wall_ns);
        if (unlikely(c->binding->proxy.slot))
            call_proxy_end(c, wall_ns);
    }
    atomic_fetch_add_explicit(&c->binding->board->header->changes, 1, memory_order_release);
}

HOT bool passage_count(const struct passage *p, int64_t duration_ns, int64_t now_ns,
                       int64_t wall_ns)
{
    struct slot *s = p->slot;
    if (p->policy->breaker == BREAKER_OFF || !slot_touch(s, p->key, now_ns) ||
        !breaker_expects_success(&s->breaker, now_ns) || !status_expects_success(s))
        return false;
    slot_count(s, COUNT_REQUESTS, 1);
    call_count_attempt(s, larger(duration_ns, 0));
    call_count_success(s, wall_ns);
    atomic_fetch_add_explicit(&p->board->header->changes, 1, memory_order_release);
    return true;
}

void call_abandon(struct call *c, int64_t now_ns)
{
    struct slot *s = call_slot(c);
    let_go(c, s, now_ns);
    if (c->unsettled)
        call_leave_unjudged(c, s);
}
