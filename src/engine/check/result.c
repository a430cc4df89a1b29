/* SPDX-License-Identifier: MIT */
#include "engine/check/result.h"

#include "base/clock.h"
#include "base/events.h"
#include "engine/board/alert.h"
#include "engine/board/status.h"
#include "engine/policy/classify.h"

static void count_failure(struct slot *s, const struct attempt *a, int64_t wall_ms)
{
    static const struct policy plain;
    struct verdict v = classify(a, &plain);
    if (v.class == CLASS_SUCCESS) { /* a response with a status that is not expected */
        v.class = CLASS_D;
        v.reason = REASON_OTHER;
    }
    slot_count(s, COUNT_FAILURES, 1);
    atomic_fetch_add_explicit(&s->failures_by[reason_group(v.reason)], 1, memory_order_relaxed);
    atomic_store_explicit(&s->last_error,
                          last_error_pack((struct last_error){.class = v.class,
                                                              .reason = v.reason,
                                                              .curl = a->curl_code,
                                                              .http = a->http_status,
                                                              .os_errno = a->os_errno}),
                          memory_order_relaxed);
    atomic_store_explicit(&s->last_failure_ms, wall_ms, memory_order_relaxed);
}

static void count_success(struct slot *s, int64_t wall_ms)
{
    slot_count(s, COUNT_SUCCESSES, 1);
    atomic_store_explicit(&s->last_success_ms, wall_ms, memory_order_relaxed);
}

static void count_duration(struct slot *s, int64_t took_ns)
{
    int64_t max = atomic_load_explicit(&s->max_ns, memory_order_relaxed);
    slot_attempt(s, took_ns);
    atomic_store_explicit(&s->check_took_ns, took_ns, memory_order_relaxed);
    if (took_ns > max)
        atomic_store_explicit(&s->max_ns, took_ns, memory_order_relaxed);
}

void result_record(struct board *b, struct slot *s, const struct check_config *c,
                   const struct check_result *x, int64_t took_ns, int64_t wall_ms)
{
    enum health_status status;
    bool passed = x->outcome == CHECK_PASSED;
    count_duration(s, took_ns);
    if (passed)
        count_success(s, wall_ms);
    else
        count_failure(s, &x->attempt, wall_ms);
    if (status_result(s, passed, c->unhealthy_after, c->healthy_after, wall_ms, &status)) {
        events_emit(&(struct event){
            .kind = EVENT_HEALTH, .host = c->name, .state = status_name(status), .wait_ns = -1});
        board_alert(b);
    }
}
