/* SPDX-License-Identifier: MIT */
#include "engine/call/private.h"

#include "base/minmax.h"
#include "base/precondition.h"
#include "engine/board/status.h"

static __attribute__((noinline)) void begin_special(struct call *c, int64_t now_ns)
{
    const struct binding *b = c->binding;
    c->observe = b->facts != NULL;
    if (b->special & SPECIAL_PLACES)
        c->places = (uint8_t)((1U << (c->policy->fallback.count + 1)) - 1);
    if (!c->observe)
        return;
    if (b->facts != c->slot)
        slot_count(b->facts, COUNT_REQUESTS, 1);
    call_begin_lag(c, now_ns);
}

HOT void call_begin(struct call *c, struct binding *b, int64_t app_timeout_ns, int64_t now_ns)
{
    precondition(b->slot && b->policy && b->board);
    binding_refresh(b, now_ns);
    int64_t app = app_timeout_ns > 0 ? later_by(now_ns, app_timeout_ns) : INT64_MAX;
    *c = (struct call){
        .binding = b,
        .policy = b->policy,
        .slot = b->slot,
        .begun_ns = now_ns,
        .deadline_ns = smaller(app, later_by(now_ns, b->policy->max_elapsed_ns)),
        .app_deadline_ns = app,
    };
    slot_count(b->slot, COUNT_REQUESTS, 1);
    if (events_are_wanted())
        c->id = events_new_id();
    if (unlikely(b->special & ~SPECIAL_PERMITS))
        begin_special(c, now_ns);
}

void call_set_timeout(struct call *c, int64_t app_timeout_ns)
{
    if (app_timeout_ns <= 0)
        return;
    c->app_deadline_ns = later_by(c->begun_ns, app_timeout_ns);
    c->deadline_ns = smaller(c->deadline_ns, c->app_deadline_ns);
}

/* What classify() returns for a plain success, without reading its tables. */
static const struct verdict good_verdict = {.class = CLASS_SUCCESS, .alive = true};

static bool is_plain_success(const struct attempt *a)
{
    if (a->protocol == PROTOCOL_CONNECT)
        return !a->os_errno && !a->curl_code;
    return a->protocol == PROTOCOL_HTTP && !a->curl_code && !a->header_cut &&
           a->http_status >= 200 && a->http_status < 300;
}

/* The usual case: a success of a healthy host, by a request that was not a probe. */
static bool changes_nothing(const struct call *c, const struct slot *s, int64_t now_ns)
{
    return c->last.class == CLASS_SUCCESS && !c->lease_ns && c->policy->breaker != BREAKER_OFF &&
           breaker_expects_success(&s->breaker, now_ns) && status_expects_success(s);
}

static inline bool expects_success(const struct call *c, const struct slot *s,
                                   const struct slot *facts, int64_t now_ns)
{
    return !c->lease_ns && status_expects_success(facts) &&
           (c->policy->breaker == BREAKER_OFF || breaker_expects_success(&s->breaker, now_ns));
}

static __attribute__((noinline)) bool expects_success_specially(const struct call *c,
                                                                struct slot *s, int64_t now_ns)
{
    return !(c->binding->special & (SPECIAL_SLOW | SPECIAL_PLACES)) &&
           expects_success(c, s, call_facts(c, s), now_ns);
}

bool call_expects_success(const struct call *c, int64_t now_ns)
{
    struct slot *s = call_slot(c);
    return unlikely(c->binding->special) ? expects_success_specially(c, s, now_ns)
                                         : expects_success(c, s, s, now_ns);
}

/* What few bindings have. Before the breakers of the host get the result. */
static __attribute__((noinline)) void report_special(struct call *c, struct slot *s,
                                                     const struct attempt *a, int64_t now_ns,
                                                     int64_t wall_ns)
{
    const struct binding *b = c->binding;
    if (b->special & SPECIAL_SLOW)
        call_judge_speed(c, s, a);
    if (b->proxy.slot)
        call_proxy_report(c, a, now_ns, wall_ns);
    if (c->places)
        call_place_report(c, a, now_ns, wall_ns);
    if (b->special & SPECIAL_ADAPTIVE)
        call_adapt(c, s, a, now_ns);
    if (b->special & SPECIAL_SLO)
        call_note_answer(c, a, now_ns);
}

/* The host is not judged by the failure of one place while requests can still go to another one. */
static void judge_request(struct call *c, struct slot *s, int64_t now_ns, int64_t wall_ns,
                          uint64_t random)
{
    if (unlikely(c->places)) {
        call_judge_place(c, now_ns, wall_ns, random);
        c->spares_host =
            (c->slow || !call_is_success(&c->last)) && call_untried_place(c, now_ns) >= 0;
    }
    call_update_breakers(c, s, now_ns, wall_ns, random);
}

HOT bool call_report(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns,
                     uint64_t random, int64_t *at_ns)
{
    precondition(c->binding && at_ns);
    struct slot *s = call_slot(c);
    int64_t duration_ns = larger(a->duration_ns, 0);
    c->last = likely(is_plain_success(a)) ? good_verdict : call_classify(c, a);
    c->attempts++;
    c->waiting = false;
    if (unlikely(c->id))
        call_tell_attempt(c, a);
    call_count_attempt(s, duration_ns);
    slot_touch(s, c->binding->key, now_ns);
    const unsigned special = c->binding->special;
    bool news = (unlikely(special) && call_special_but_permits(c, special, now_ns)) ||
                !changes_nothing(c, s, now_ns);
    if (unlikely(news)) {
        struct party host = call_host_party(c, s);
        if (host.facts != s)
            call_show_attempt(c, &host, &c->last, duration_ns);
        call_update_status(c, &host, &c->last, now_ns, wall_ns);
        if (unlikely(special & ~SPECIAL_PERMITS))
            report_special(c, s, a, now_ns, wall_ns);
    }
    if (unlikely(a->hint.wait_ns || a->hint.misread))
        call_set_pause(c, s, a, now_ns, wall_ns);
    if (likely(c->last.class == CLASS_SUCCESS)) {
        if (unlikely(news))
            judge_request(c, s, now_ns, wall_ns, random);
        return false;
    }
    if (!call_is_inconclusive(a, &c->last))
        c->outage = call_outage(&c->last, a);
    c->last_error = last_error_pack((struct last_error){.class = c->last.class,
                                                        .reason = c->last.reason,
                                                        .curl = a->curl_code,
                                                        .http = a->http_status,
                                                        .os_errno = call_errno(a)});
    bool again = call_plan_retry(c, s, a, now_ns, random, at_ns);
    c->wait_from_ns = now_ns;
    if (again || !call_is_success(&c->last))
        atomic_fetch_add_explicit(&s->failed_attempts, 1, memory_order_relaxed);
    if (again) {
        if (unlikely(c->lease_ns || c->proxy_lease_ns || c->place_lease_ns) && !c->outage &&
            !c->proxy_outage && !c->place_outage)
            call_release_leases(c, s, now_ns); /* the retry may wait long */
        c->breakers_pending = true;
        c->random = random;
    } else {
        judge_request(c, s, now_ns, wall_ns, random);
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
    c->result_curl = before.result_curl;
    c->result_http = before.result_http;
    c->result_errno = before.result_errno;
    return again;
}

/* Gives back what was taken or leased by call_admit or call_plan_retry and not used. */
static void release_claims(struct call *c, struct slot *s, int64_t now_ns)
{
    if (c->waiting)
        call_wait_over(c, s, now_ns);
    if (unlikely(c->lease_ns | c->proxy_lease_ns | c->place_lease_ns))
        call_release_leases(c, s, now_ns);
    if (c->retry_planned) {
        call_back_off_over(c, now_ns);
        if (!c->stop)
            c->stop = now_ns > c->deadline_ns ? call_deadline_stop(c) : STOP_PROGRAM;
        call_retry_dropped(c, s);
    }
    c->reserved_ns = 0;
}

static __attribute__((noinline)) void end_special(struct call *c, struct slot *s, int64_t now_ns,
                                                  int64_t wall_ns)
{
    if (c->attempts) {
        if (!call_observes_nothing(c, s))
            call_count_outcome(c, s, &c->last, wall_ns);
        if (c->observe)
            call_show_outcome(c, call_facts(c, s), &c->last, wall_ns);
        call_proxy_end(c, wall_ns);
        if (c->observe ? c->falls_back && !call_observes_nothing(c, s) : c->place > 0)
            slot_count(s, COUNT_FALLBACK_USED, 1);
    }
    if (c->mark)
        call_give_back_permits(c, now_ns);
    if (c->binding->special & SPECIAL_SLO)
        call_count_slo(c, s, now_ns, wall_ns);
    if (c->observe)
        call_end_lag(c, s, now_ns);
}

HOT void call_end(struct call *c, int64_t now_ns, int64_t wall_ns)
{
    precondition(c->binding);
    struct slot *s = call_slot(c);
    if (unlikely(c->breakers_pending)) /* the retry was not made */
        judge_request(c, s, now_ns, wall_ns, c->random);
    release_claims(c, s, now_ns);
    if (unlikely(c->binding->special & ~SPECIAL_PERMITS))
        end_special(c, s, now_ns, wall_ns);
    else if (likely(c->attempts))
        call_count_outcome(c, s, &c->last, wall_ns);
    else if (c->mark) /* the attempt has no result; else call_report has given it back */
        call_give_back_permits(c, now_ns);
    atomic_fetch_add_explicit(&c->binding->board->header->changes, 1, memory_order_release);
    if (unlikely(c->id))
        call_tell_end(c, now_ns);
}

void call_abandon(struct call *c, int64_t now_ns)
{
    struct slot *s = call_slot(c);
    release_claims(c, s, now_ns);
    if (c->breakers_pending)
        call_count_unjudged(c, s);
    if (c->places)
        call_leave_place(c, now_ns);
    if (c->mark)
        call_give_back_permits(c, now_ns);
    if (c->observe)
        call_end_lag(c, s, now_ns);
    if (c->id) {
        c->stop = STOP_PROGRAM;
        call_tell_end(c, now_ns);
    }
}
