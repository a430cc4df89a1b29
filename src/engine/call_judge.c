/* SPDX-License-Identifier: MIT */
#include "engine/call_parts.h"

#include "engine/health.h"

void call_tell_breaker(const struct call *c, const struct party *who, int64_t now_ns)
{
    enum breaker_state state = breaker_state_at(&who->slot->breaker, now_ns);
    if (state == BREAKER_OPEN)
        slot_count(who->slot, COUNT_BREAKER_OPENED, 1);
    events_emit(&(struct event){.kind = EVENT_BREAKER,
                                .host = who->name,
                                .state = breaker_state_name(state),
                                .wait_ns = -1,
                                .observed = !call_breaker_enforced(c, who)});
    history_change(c->binding->board->history, who->slot->key, CHANGE_BREAKER, (int)state, now_ns);
    health_alert(c->binding->board);
}

bool call_is_success(const struct verdict_of_class *v)
{
    return v->class == CLASS_SUCCESS || (v->alive && !v->counted && v->class != CLASS_C);
}

bool call_feeds_breaker(const struct verdict_of_class *v)
{
    return v->counted &&
           (v->class == CLASS_A || v->class == CLASS_B || v->reason == REASON_HTTP_5XX);
}

/* All that the breaker has learnt from, and this attempt. */
static uint64_t results_of(const struct slot *s)
{
    return slot_counter(s, COUNT_ATTEMPTS) - slot_counter(s, COUNT_UNJUDGED);
}

void call_judge(struct call *c, const struct party *who, const struct verdict_of_class *v,
                int64_t now_ns, int64_t wall_ns, uint64_t random)
{
    struct slot *s = who->slot;
    const struct policy *p = who->policy;
    bool good = call_is_success(v);
    int64_t *lease = call_lease(c, who), lease_ns = *lease;
    *lease = 0;
    if (likely(good && p->breaker != BREAKER_OFF && breaker_expects_success(&s->breaker, now_ns) &&
               health_expects_success(s)))
        return;
    if (call_is_overflow(c, s))
        return;
    if (likely(call_breaker_used(c, who) && (good || call_feeds_breaker(v)))) {
        /* Counting the results is some work, and asked for only now and then. */
        uint64_t results =
            unlikely(breaker_wants_results(&s->breaker, good, now_ns)) ? results_of(s) : 0;
        if (unlikely(breaker_report(&s->breaker, p, good, lease_ns, results, now_ns, random)))
            call_tell_breaker(c, who, now_ns);
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
                                    .host = who->name,
                                    .state = health_status_name(status),
                                    .wait_ns = -1});
        history_change(c->binding->board->history, s->key, CHANGE_STATUS, (int)status, now_ns);
        health_alert(c->binding->board);
    }
}

/* The outcome of a request whose last attempt ended so: what is local is neither. */
static bool is_failure(const struct verdict_of_class *v)
{
    return !call_is_success(v) && v->class != CLASS_E && v->reason != REASON_LOCAL;
}

HOT void call_count_success(struct slot *s, int64_t wall_ns)
{
    int64_t wall_ms = wall_ns / NS_PER_MS;
    slot_count(s, COUNT_SUCCESSES, 1);
    if (atomic_load_explicit(&s->last_success_ms, memory_order_relaxed) != wall_ms)
        atomic_store_explicit(&s->last_success_ms, wall_ms, memory_order_relaxed);
    budget_success(&s->budget);
}

HOT void call_count_outcome(const struct call *c, struct slot *s, const struct verdict_of_class *v,
                            int64_t wall_ns)
{
    int64_t wall_ms = wall_ns / NS_PER_MS;
    if (call_is_success(v)) {
        call_count_success(s, wall_ns);
        if (c->attempts > 1) {
            slot_count(s, COUNT_RECOVERED, 1);
            budget_give_back(&s->budget, c->policy->retry_budget_percent);
        }
    } else if (is_failure(v)) {
        slot_count(s, COUNT_FAILURES, 1);
        if (c->attempts > 1)
            slot_count(s, COUNT_EXHAUSTED, 1);
        atomic_fetch_add_explicit(&s->failures_by[reason_group(v->reason)], 1,
                                  memory_order_relaxed);
        atomic_store_explicit(&s->last_error, c->last_error, memory_order_relaxed);
        atomic_store_explicit(&s->last_failure_ms, wall_ms, memory_order_relaxed);
    }
}
