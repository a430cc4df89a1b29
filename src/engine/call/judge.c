/* SPDX-License-Identifier: MIT
 *
 * Applies the verdict on an attempt to counters, status and breakers of the host and the proxy. */
#include "engine/call/private.h"

#include "base/events.h"
#include "engine/board/alert.h"
#include "engine/board/circuit.h"
#include "engine/board/slo_slot.h"
#include "engine/board/status.h"
#include "engine/board/view.h"
#include "engine/policy/curl_codes.h"

#include <errno.h>

/* reason: as in circuit.h. */
static void announce(const struct call *c, const struct party *party, const char *reason,
                     int64_t now_ns)
{
    circuit_announce(c->binding->board, party->slot,
                     &(struct circuit_change){.name = party->name,
                                              .id = c->id,
                                              .reason = reason,
                                              .observed = !call_breaker_enforced(c, party)},
                     now_ns);
}

void call_announce_breaker(const struct call *c, const struct party *party, int64_t now_ns)
{
    announce(c, party, NULL, now_ns);
}

int call_errno(const struct attempt *a)
{
    switch (a->curl_code) {
    case 0: /* a connect() */
    case CURL_CODE_COULDNT_CONNECT:
    case CURL_CODE_SSL_CONNECT_ERROR:
    case CURL_CODE_SEND_ERROR:
    case CURL_CODE_RECV_ERROR:
        return a->os_errno;
    case CURL_CODE_OPERATION_TIMEDOUT: /* also of a connect() */
        return a->os_errno == ETIMEDOUT ? ETIMEDOUT : 0;
    default:
        return 0;
    }
}

bool call_is_success(const struct verdict *v)
{
    return v->class == CLASS_SUCCESS || (v->alive && !v->counted && v->class != CLASS_C);
}

/* Statuses that a gateway sends for a server that is gone. A 500 is a fault of one page, and a
 * 503 with a hint is class C. */
static bool is_outage_status(const struct verdict *v, int status)
{
    return status == 502 || (status == 503 && v->class != CLASS_C) || status == 504 ||
           (status >= 520 && status <= 524);
}

static bool is_outage(const struct verdict *v, const struct attempt *a)
{
    if (!v->counted)
        return false;
    if (v->reason == REASON_HTTP_5XX)
        return is_outage_status(v, a->http_status);
    if (v->class != CLASS_A && v->class != CLASS_B)
        return false;
    switch (v->reason) {
    case REASON_DNS:
    case REASON_CONNECT:
    case REASON_TLS:
    case REASON_TIMEOUT:
        return true;
    case REASON_RESET: /* no response, or an incomplete one */
        return a->http_status < 100 || a->header_cut;
    default:
        return false;
    }
}

enum reason call_outage(const struct verdict *v, const struct attempt *a)
{
    return is_outage(v, a) ? v->reason : REASON_NONE;
}

/* A transfer of another protocol than HTTP may just be long. */
void call_judge_speed(struct call *c, struct slot *s, const struct attempt *a)
{
    int64_t took_ns = a->protocol == PROTOCOL_CONNECT ? a->duration_ns : a->answered_ms * NS_PER_MS;
    c->slow = !c->lookup_only && took_ns > c->policy->slow_after_ns && call_is_success(&c->last);
    if (c->slow)
        slot_count(call_facts(c, s), COUNT_SLOW, 1);
}

/* Attempts that were reported to the breaker, including this one. */
static uint64_t results_of(const struct slot *s)
{
    return slot_counter(s, COUNT_ATTEMPTS) - slot_counter(s, COUNT_UNJUDGED);
}

/* Whether a request succeeded within breaker_after. The wall clock may have been set. */
static bool has_recent_success(const struct slot *s, const struct policy *p, int64_t wall_ns)
{
    int64_t last_ms = atomic_load_explicit(&s->last_success_ms, memory_order_relaxed), ago_ms;
    if (last_ms <= 0 || __builtin_sub_overflow(wall_ns / NS_PER_MS, last_ms, &ago_ms))
        return false;
    return (ago_ms < 0 ? -ago_ms : ago_ms) < p->breaker_after_ns / NS_PER_MS;
}

/* No request can get through. After any other failure, other users or other pages may still be
 * served. */
static bool is_unreachable(enum reason outage)
{
    return outage == REASON_CONNECT || outage == REASON_DNS;
}

/* An unreachable proxy blocks all requests; one that accepts connections but does not respond may
 * be waiting for one host. */
static unsigned failed_operation(const struct party *party, enum reason outage)
{
    return party->is_proxy && is_unreachable(outage) ? BREAKER_EVERYTHING : party->operation;
}

void call_update_breaker(struct call *c, const struct party *party, const struct verdict *v,
                         enum reason outage, int64_t now_ns, int64_t wall_ns, uint64_t random)
{
    struct slot *s = party->slot;
    const struct policy *p = party->policy;
    bool good = call_is_success(v);
    /* Through a proxy, it is the host that is slow. */
    bool slow = unlikely(c->slow) && good && !party->is_proxy;
    int64_t *lease = call_probe_lease(c, party), lease_ns = *lease;
    *lease = 0;
    if (likely(good && !slow && p->breaker != BREAKER_OFF &&
               breaker_expects_success(&s->breaker, now_ns)))
        return;
    if (call_is_overflow(c, s))
        return;
    /* For a probe, a 5xx that is not an outage is a success: the host responds again. */
    good |= lease_ns > 0 && v->reason == REASON_HTTP_5XX && v->counted && !outage;
    bool spared = c->spares_host && !party->is_proxy && !party->is_place;
    if (!spared && call_breaker_used(c, party) &&
        (good ? !c->lookup_only : outage != REASON_NONE)) {
        /* Adding up the results takes some time, and the breaker needs them only now and then. */
        struct breaker_result r = {.success = good,
                                   .slow = slow,
                                   .recent_success = outage && has_recent_success(s, p, wall_ns),
                                   .unreachable = is_unreachable(outage),
                                   .elsewhere = party->is_place,
                                   .operation = failed_operation(party, outage),
                                   .lease_ns = lease_ns};
        if (outage && p->breaker_after_ns) {
            r.successes = slot_counter(s, COUNT_SUCCESSES);
            r.failures = slot_counter(s, COUNT_FAILURES);
        }
        if (unlikely(breaker_wants_results(&s->breaker, good && !slow, now_ns)))
            r.results = results_of(s);
        if (unlikely(breaker_report(&s->breaker, p, &r, now_ns, random))) {
            circuit_note_since(c->binding->board, s, now_ns, wall_ns);
            announce(c, party, slow ? "slow" : NULL, now_ns);
        }
    } else {
        slot_count(s, COUNT_UNJUDGED, 1);
        if (lease_ns)
            breaker_cancel(&s->breaker, lease_ns);
    }
}

void call_update_breakers(struct call *c, struct slot *s, int64_t now_ns, int64_t wall_ns,
                          uint64_t random)
{
    struct party party = call_host_party(c, s);
    c->breakers_pending = false;
    call_update_breaker(c, &party, &c->last, c->outage, now_ns, wall_ns, random);
    if (call_proxy_party(c, &party))
        call_update_breaker(c, &party, &c->proxy_last, c->proxy_outage, now_ns, wall_ns, random);
}

void call_release_probes(struct call *c, struct slot *s)
{
    struct party proxy;
    if (unlikely(c->lease_ns))
        breaker_cancel(&s->breaker, c->lease_ns);
    if (unlikely(c->proxy_lease_ns) && call_proxy_party(c, &proxy))
        breaker_cancel(&proxy.slot->breaker, c->proxy_lease_ns);
    c->lease_ns = c->proxy_lease_ns = 0;
}

void call_count_unjudged(struct call *c, struct slot *s)
{
    struct party proxy;
    c->breakers_pending = false;
    slot_count(s, COUNT_UNJUDGED, 1);
    if (call_proxy_party(c, &proxy))
        slot_count(proxy.slot, COUNT_UNJUDGED, 1);
}

void call_update_status(const struct call *c, const struct party *party, const struct verdict *v,
                        int64_t now_ns, int64_t wall_ns)
{
    struct slot *s = party->facts;
    const struct policy *p = party->policy;
    enum health_status status, before = status_of(s);
    int64_t since_ms = atomic_load_explicit(&s->status_since_ms, memory_order_relaxed);
    bool good = call_is_success(v);
    if ((!good && !v->counted) || call_is_overflow(c, s) ||
        !status_result(s, good, p->unhealthy_after, p->healthy_after, wall_ns / NS_PER_MS, &status))
        return;
    /* While its circuit is not closed or it is paused, it is still shown as degraded. */
    if (status == STATUS_HEALTHY && before == STATUS_DEGRADED &&
        view_status(c->binding->board, s, now_ns) != STATUS_HEALTHY)
        atomic_store_explicit(&s->status_since_ms, since_ms, memory_order_relaxed);
    events_emit(&(struct event){.kind = EVENT_HEALTH,
                                .id = c->id,
                                .host = party->name,
                                .state = status_name(status),
                                .wait_ns = -1});
    history_change(c->binding->board->history, s->key, CHANGE_STATUS, (int)status, now_ns);
    board_alert(c->binding->board);
}

bool call_is_failure(const struct verdict *v)
{
    return !call_is_success(v) && v->class != CLASS_E && v->reason != REASON_LOCAL;
}

static inline void count_success(struct slot *s, int64_t wall_ms)
{
    slot_count(s, COUNT_SUCCESSES, 1);
    if (atomic_load_explicit(&s->last_success_ms, memory_order_relaxed) != wall_ms)
        atomic_store_explicit(&s->last_success_ms, wall_ms, memory_order_relaxed);
}

HOT void call_count_success(struct slot *s, int64_t wall_ns)
{
    count_success(s, wall_ns / NS_PER_MS);
    budget_success(&s->budget);
}

static void count_failure(const struct call *c, struct slot *s, const struct verdict *v,
                          int64_t wall_ms)
{
    slot_count(s, COUNT_FAILURES, 1);
    atomic_fetch_add_explicit(&s->failures_by[reason_group(v->reason)], 1, memory_order_relaxed);
    atomic_store_explicit(&s->last_error, c->last_error, memory_order_relaxed);
    atomic_store_explicit(&s->last_failure_ms, wall_ms, memory_order_relaxed);
}

HOT void call_count_outcome(const struct call *c, struct slot *s, const struct verdict *v,
                            int64_t wall_ns)
{
    int64_t wall_ms = wall_ns / NS_PER_MS;
    if (call_is_success(v)) {
        call_count_success(s, wall_ns);
        if (c->attempts > 1) {
            slot_count(s, COUNT_RECOVERED, 1);
            budget_give_back(&s->budget, c->policy->retry_budget_percent);
        }
    } else if (call_is_failure(v)) {
        count_failure(c, s, v, wall_ms);
        if (c->attempts > 1)
            slot_count(s, COUNT_EXHAUSTED, 1);
    }
}

/* No breaker gets the result of this attempt: that of enforcing programs must not. */
void call_show_attempt(const struct call *c, const struct party *party, const struct verdict *v,
                       int64_t duration_ns)
{
    struct slot *s = party->facts;
    if ((party->is_proxy || party->is_place) && c->attempts == 1)
        slot_count(s, COUNT_REQUESTS, 1);
    call_count_attempt(s, duration_ns);
    slot_count(s, COUNT_UNJUDGED, 1);
    if (!call_is_success(v))
        atomic_fetch_add_explicit(&s->failed_attempts, 1, memory_order_relaxed);
}

void call_show_outcome(const struct call *c, struct slot *facts, const struct verdict *v,
                       int64_t wall_ns)
{
    if (call_is_success(v))
        count_success(facts, wall_ns / NS_PER_MS);
    else if (call_is_failure(v))
        count_failure(c, facts, v, wall_ns / NS_PER_MS);
}
