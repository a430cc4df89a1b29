/* SPDX-License-Identifier: MIT */
#include "engine/call_parts.h"

#include "engine/backoff.h"
#include "engine/health.h"

#include <string.h>

/* A throttled request starts its back-off here. */
#define THROTTLED_BASE_NS NS_PER_S

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t later_by(int64_t t, int64_t d)
{
    int64_t sum;
    return __builtin_add_overflow(t, d, &sum) ? INT64_MAX : sum;
}

void call_begin(struct call *c, struct binding *b, int64_t app_timeout_ns, int64_t now_ns)
{
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

void call_wait_over(struct call *c, struct slot *s, int64_t now_ns)
{
    if (now_ns > c->asked_ns)
        slot_count(s, COUNT_WAITED_NS, (uint64_t)(now_ns - c->asked_ns));
    c->waiting = false;
}

void call_tell_breaker(struct call *c, struct slot *s, int64_t now_ns)
{
    enum breaker_state state = breaker_state_at(&s->breaker, now_ns);
    if (state == BREAKER_OPEN)
        slot_count(s, COUNT_BREAKER_OPENED, 1);
    events_emit(&(struct event){.kind = EVENT_BREAKER,
                                .host = c->binding->name,
                                .state = breaker_state_name(state),
                                .wait_ns = -1,
                                .observed = !call_breaker_enforced(c, s)});
    health_alert(c->binding->board);
}

static bool is_success(const struct verdict_of_class *v)
{
    return v->class == CLASS_SUCCESS || (v->alive && !v->counted && v->class != CLASS_C);
}

static bool feeds_breaker(const struct verdict_of_class *v)
{
    return v->counted &&
           (v->class == CLASS_A || v->class == CLASS_B || v->reason == REASON_HTTP_5XX);
}

/* All that the breaker has learnt from, and this attempt. */
static uint64_t results_of(const struct slot *s)
{
    return slot_counter(s, COUNT_ATTEMPTS) - slot_counter(s, COUNT_UNJUDGED);
}

/* Status and breaker learn from every attempt that says something about the host. */
static void judge_host(struct call *c, struct slot *s, const struct verdict_of_class *v,
                       int64_t now_ns, int64_t wall_ns, uint64_t random)
{
    const struct policy *p = c->policy;
    bool good = is_success(v);
    int64_t lease_ns = c->lease_ns;
    c->lease_ns = 0;
    if (likely(good && p->breaker != BREAKER_OFF && breaker_expects_success(&s->breaker, now_ns) &&
               health_expects_success(s)))
        return;
    if (call_is_overflow(c, s))
        return;
    if (likely(call_breaker_used(c, s) && (good || feeds_breaker(v)))) {
        /* Counting the results is some work, and asked for only now and then. */
        uint64_t results =
            unlikely(breaker_wants_results(&s->breaker, good, now_ns)) ? results_of(s) : 0;
        if (unlikely(breaker_report(&s->breaker, p, good, lease_ns, results, now_ns, random)))
            call_tell_breaker(c, s, now_ns);
    } else {
        slot_count(s, COUNT_UNJUDGED, 1);
        if (lease_ns)
            breaker_cancel(&s->breaker, lease_ns);
    }
    enum health_status status;
    if ((good || v->counted) &&
        unlikely(health_result(s, good, p->unhealthy_after, p->healthy_after, wall_ns / NS_PER_MS,
                               &status))) {
        events_emit(&(struct event){.kind = EVENT_HEALTH,
                                    .host = c->binding->name,
                                    .state = health_status_name(status),
                                    .wait_ns = -1});
        health_alert(c->binding->board);
    }
}

static void raise(_Atomic int64_t *word, int64_t v)
{
    int64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    while (seen < v && !atomic_compare_exchange_weak_explicit(word, &seen, v, memory_order_relaxed,
                                                              memory_order_relaxed))
        ;
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
    int64_t seen = atomic_load_explicit(&s->gate_until_ns, memory_order_relaxed);
    if (seen > now_ns && seen - now_ns > BOARD_GATE_MAX_NS)
        atomic_compare_exchange_strong_explicit(&s->gate_until_ns, &seen, 0, memory_order_relaxed,
                                                memory_order_relaxed);
    raise(&s->gate_until_ns, now_ns + smaller(hint_ns, max_ns));
}

struct plan {
    int64_t base_ns;
    int64_t hint_ns;
    int64_t least_ns; /* the shortest delay that jitter may give */
    int64_t room_ns;  /* the longest that the deadline leaves */
    bool after_timeout;
};

/* Everything that decides about a retry but the budget. made: attempts with this one. */
static bool plan_retry(const struct call *c, const struct slot *s, const struct attempt *a,
                       const struct verdict_of_class *v, int made, int64_t now_ns, int64_t wall_ns,
                       struct plan *plan)
{
    const struct policy *p = c->policy;
    if (!classify_repeatable(v, a, p) || a->committed || !a->replayable ||
        made >= p->max_attempts || (v->max_tries && made >= v->max_tries))
        return false;
    plan->after_timeout = v->reason == REASON_TIMEOUT;
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
    return !call_breaker_enforced(c, s) || !breaker_open_until_ns(&s->breaker, p, now_ns);
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

bool call_would_retry(const struct call *c, const struct attempt *a, int64_t now_ns,
                      int64_t wall_ns)
{
    struct plan plan;
    struct slot *s = call_slot(c);
    struct verdict_of_class v = classify(a, c->policy);
    if (c->observe || !plan_retry(c, s, a, &v, c->attempts + 1, now_ns, wall_ns, &plan))
        return false;
    /* A probe that fails opens the circuit again. */
    if (c->lease_ns && feeds_breaker(&v) && call_breaker_enforced(c, s))
        return false;
    return budget_would_allow(&s->budget, c->policy->retry_budget_percent, plan.after_timeout);
}

void call_retry_made(struct call *c, struct slot *s)
{
    c->planned = false;
    slot_count(s, COUNT_RETRIES, 1);
    atomic_fetch_add_explicit(&s->retries_by[reason_group(c->last.reason)], 1,
                              memory_order_relaxed);
}

void call_retry_dropped(struct call *c, struct slot *s)
{
    c->planned = false;
    budget_give_back(&s->budget, c->policy->retry_budget_percent, c->planned_dearly);
}

static bool retry(struct call *c, struct slot *s, const struct attempt *a, int64_t now_ns,
                  int64_t wall_ns, uint64_t random, int64_t *at_ns)
{
    struct plan plan;
    const struct verdict_of_class *v = &c->last;
    if (!plan_retry(c, s, a, v, c->attempts, now_ns, wall_ns, &plan))
        return false;
    if (!budget_take(&s->budget, c->policy->retry_budget_percent, plan.after_timeout)) {
        slot_count(s, COUNT_BUDGET_DENIED, 1);
        return false;
    }
    int64_t delay_ns = delay_of(c, &plan, c->attempts, random);
    c->previous_delay_ns = delay_ns;
    c->planned = true;
    c->planned_dearly = plan.after_timeout;
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
static const struct verdict_of_class good_verdict = {.class = CLASS_SUCCESS, .alive = true};

static bool plainly_good(const struct attempt *a)
{
    return a->protocol == PROTOCOL_HTTP && !a->curl_code && !a->header_cut &&
           a->http_status >= 200 && a->http_status < 300;
}

bool call_report(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns,
                 uint64_t random, int64_t *at_ns)
{
    struct slot *s = call_slot(c);
    int64_t duration_ns = larger(a->duration_ns, 0);
    c->last = likely(plainly_good(a)) ? good_verdict : classify(a, c->policy);
    c->attempts++;
    c->waiting = false;
    slot_attempt(s, duration_ns);
    raise(&s->max_ns, duration_ns);
    slot_touch(s, c->binding->key, now_ns);
    judge_host(c, s, &c->last, now_ns, wall_ns, random);
    set_gate(c, s, a, now_ns, wall_ns);
    if (likely(c->last.class == CLASS_SUCCESS))
        return false;
    c->last_error = last_error_pack((struct last_error){.class = c->last.class,
                                                        .reason = c->last.reason,
                                                        .curl = a->curl_code,
                                                        .http = a->http_status,
                                                        .os_errno = a->os_errno});
    bool again = retry(c, s, a, now_ns, wall_ns, random, at_ns);
    if (again || !is_success(&c->last))
        atomic_fetch_add_explicit(&s->failed_attempts, 1, memory_order_relaxed);
    return again;
}

/* The outcome of a request whose last attempt ended so: what is local is neither. */
static bool is_failure(const struct verdict_of_class *v)
{
    return !is_success(v) && v->class != CLASS_E && v->reason != REASON_LOCAL;
}

static void count_outcome(struct call *c, struct slot *s, int64_t wall_ns)
{
    int64_t wall_ms = wall_ns / NS_PER_MS;
    if (is_success(&c->last)) {
        slot_count(s, COUNT_SUCCESSES, 1);
        if (c->attempts > 1)
            slot_count(s, COUNT_RECOVERED, 1);
        if (atomic_load_explicit(&s->last_success_ms, memory_order_relaxed) != wall_ms)
            atomic_store_explicit(&s->last_success_ms, wall_ms, memory_order_relaxed);
        budget_success(&s->budget);
    } else if (is_failure(&c->last)) {
        slot_count(s, COUNT_FAILURES, 1);
        if (c->attempts > 1)
            slot_count(s, COUNT_EXHAUSTED, 1);
        atomic_fetch_add_explicit(&s->failures_by[reason_group(c->last.reason)], 1,
                                  memory_order_relaxed);
        atomic_store_explicit(&s->last_error, c->last_error, memory_order_relaxed);
        atomic_store_explicit(&s->last_failure_ms, wall_ms, memory_order_relaxed);
    }
}

/* Gives back what an admission leased and no report settled. */
static void let_go(struct call *c, struct slot *s, int64_t now_ns)
{
    if (c->waiting)
        call_wait_over(c, s, now_ns);
    if (c->lease_ns)
        breaker_cancel(&s->breaker, c->lease_ns);
    if (c->planned)
        call_retry_dropped(c, s);
    c->lease_ns = 0;
    c->reserved_ns = 0;
}

void call_end(struct call *c, int64_t now_ns, int64_t wall_ns)
{
    struct slot *s = call_slot(c);
    let_go(c, s, now_ns);
    if (c->attempts)
        count_outcome(c, s, wall_ns);
    atomic_fetch_add_explicit(&c->binding->board->header->changes, 1, memory_order_release);
}

void call_abandon(struct call *c, int64_t now_ns)
{
    let_go(c, call_slot(c), now_ns);
}
