/* SPDX-License-Identifier: MIT
 *
 * The events of a request: its waits and refusals, its attempts, and its end with the reason why it was not
 * repeated and the key that decided. */
#include "engine/call/private.h"

#include "base/events.h"
#include "base/log.h"
#include "base/shield.h"
#include "engine/config/source.h"

#include <string.h>

/* ---- the key that decided ------------------------------------------------------------------- */

/* Which key ends a wait for a token or the end of a pause; NULL: the program's timeout. As in
 * latest_start() of admit.c. */
static const char *key_of_time(const struct call *c)
{
    const struct policy *p = c->policy;
    int64_t deadline_ns = c->attempts ? c->deadline_ns : c->app_deadline_ns;
    int64_t last_ns = later_by(deadline_ns - CALL_ROOM_NS, c->lag_ns);
    if (later_by(c->wait_from_ns, p->max_wait_ns) <= last_ns)
        return "max_wait";
    return c->attempts && call_deadline_stop(c) == STOP_DEADLINE ? "max_elapsed" : NULL;
}

static const char *key_of_wait(const struct call *c)
{
    return c->policy->on_limit == ON_LIMIT_FAIL ? "on_limit" : key_of_time(c);
}

static const char *key_of_crowd(const struct call *c)
{
    return c->policy->on_concurrency == ON_LIMIT_FAIL ? "on_concurrency" : key_of_time(c);
}

static const char *key_of_refusal(const struct call *c, enum refusal why)
{
    return why == REFUSED_BREAKER       ? "breaker"
           : why == REFUSED_CONCURRENCY ? key_of_crowd(c)
                                        : key_of_wait(c);
}

static const char *key_of_stop(const struct call *c, enum stop stop)
{
    switch (stop) {
    case STOP_CLASS:
        return c->last.list == LIST_NEVER_ON   ? "never_on"
               : c->last.list == LIST_RETRY_ON ? "retry_on"
                                               : NULL;
    case STOP_METHOD:
        return "retry_methods";
    case STOP_HOLD_LIMIT:
        return "hold_limit";
    case STOP_ATTEMPTS:
        return "max_attempts";
    case STOP_HINT:
        return "retry_after";
    case STOP_DEADLINE:
        return "max_elapsed";
    case STOP_BREAKER:
        return "breaker";
    case STOP_BUDGET:
        return "retry_budget";
    case STOP_RATE:
    case STOP_PAUSE:
        return key_of_wait(c);
    case STOP_CONCURRENCY:
        return key_of_crowd(c);
    case STOP_OBSERVE:
        return "mode";
    default:
        return NULL;
    }
}

/* The limit whose rate gave the latest start. */
static const struct limit *limit_of_lane(const struct call *c)
{
    const struct binding *b = c->binding;
    const struct policy *p = c->policy;
    const struct lane *l = &b->lane[c->lane];
    const struct limit *found = NULL;
    for (int i = 0; i < p->limit_count && c->lane < b->lane_count; i++)
        for (int k = 0; k < p->limits[i].rate_count; k++)
            if (p->limits[i].rates[k].window_ns == l->rate.window_ns &&
                (!found || b->bucket_key[i] == l->key))
                found = &p->limits[i];
    return found;
}

/* False: no key decided. by_proxy: its circuit did, for which other sections apply. */
static bool find_setting(const struct call *c, const char *key, bool by_proxy,
                         struct event_setting *s)
{
    const struct binding *b = c->binding;
    if (!key)
        return false;
    bool of_proxy = by_proxy && b->proxy.policy && strcmp(key, "breaker") == 0;
    source_of_key(s, b->config, of_proxy ? b->proxy.policy : c->policy, key);
    return true;
}

/* The limit that made it wait. */
static bool find_limit(const struct call *c, enum refusal why, struct event_setting *s)
{
    const struct limit *l = limit_of_lane(c);
    if (why == REFUSED_RATE && !l && c->policy->adaptive && c->lane == c->binding->lane_count)
        return find_setting(c, "adaptive", false, s);
    if (why == REFUSED_CONCURRENCY)
        source_of_limit(s, c->binding->config, c->policy, &c->policy->limits[c->crowded],
                        "concurrency");
    else if (why == REFUSED_RATE && l)
        source_of_limit(s, c->binding->config, c->policy, l, "rate");
    else
        return false;
    return true;
}

struct refusal_request {
    const struct call *call;
    enum refusal why;
    struct event_setting *setting;
    bool found;
};

static void find_refusal(void *request)
{
    struct refusal_request *r = request;
    r->found =
        find_setting(r->call, key_of_refusal(r->call, r->why), r->call->by_proxy, r->setting);
}

bool call_refusal_setting(const struct call *c, enum refusal why, struct event_setting *s)
{
    struct refusal_request r = {.call = c, .why = why, .setting = s};
    shield_run(find_refusal, &r);
    return r.found;
}

/* ---- waits and refusals --------------------------------------------------------------------- */

bool call_tells(enum event_kind kind)
{
    return events_are_wanted() || log_level_now >= (kind == EVENT_WAIT ? LOG_INFO : LOG_WARN);
}

struct delay_request {
    const struct call *call;
    const struct delay *delay;
};

static void tell_delay(void *request)
{
    static const char reasons[][12] = {"", "rate", "gate", "breaker", "concurrency"};
    const struct delay_request *r = request;
    const struct delay *d = r->delay;
    const struct call *c = r->call;
    struct event_setting setting;
    struct pause_shown cause;
    struct event e = {.kind = d->kind,
                      .id = c->id,
                      .host = d->by,
                      .attempt = c->attempts + 1,
                      .reason = reasons[d->why],
                      .wait_ns = larger(d->at_ns - d->now_ns, 0),
                      .observed = d->observed};
    if (d->kind == EVENT_REJECT
            ? find_setting(c, key_of_refusal(c, d->why), d->by == c->binding->proxy_name, &setting)
            : find_limit(c, d->why, &setting))
        e.setting = &setting;
    if (d->why == REFUSED_PAUSE) {
        e.host = call_pause_cause(c, d->now_ns - c->lag_ns, &cause); /* a pause is of the present */
        e.hint = cause.line[0] ? cause.line : NULL;
    }
    events_emit(&e);
}

void call_tell_delay(const struct call *c, const struct delay *d)
{
    struct delay_request r = {.call = c, .delay = d};
    shield_run(tell_delay, &r);
}

/* ---- attempts and the end ------------------------------------------------------------------- */

static void tell_attempt(const struct call *c, int64_t duration_ns)
{
    struct event_request r = {.method = c->method, .duration_ns = duration_ns};
    char place[SLOT_NAME_SIZE];
    events_emit(&(struct event){.kind = EVENT_ATTEMPT,
                                .id = c->id,
                                .host = c->binding->name,
                                .attempt = c->attempts,
                                .curl = c->result_curl,
                                .http = c->result_http,
                                .os_errno = c->result_errno,
                                .place = call_place_text(c, c->place, place),
                                .wait_ns = -1,
                                .request = &r});
}

void call_tell_attempt(struct call *c, const struct attempt *a)
{
    call_set_result(c, a->curl_code, call_errno(a));
    c->result_http = (uint16_t)a->http_status;
    if (events_are_traced())
        tell_attempt(c, a->duration_ns);
}

/* As in events; event_text.c has words for them. */
static const char stops[][16] = {
    [STOP_NOTHING] = "",
    [STOP_CLASS] = "class",
    [STOP_METHOD] = "method",
    [STOP_COMMITTED] = "committed",
    [STOP_HOLD_LIMIT] = "hold_limit",
    [STOP_BODY] = "body",
    [STOP_ATTEMPTS] = "attempts",
    [STOP_HINT] = "hint",
    [STOP_DEADLINE] = "deadline",
    [STOP_PROGRAM_TIMEOUT] = "program_timeout",
    [STOP_BREAKER] = "breaker",
    [STOP_BUDGET] = "budget",
    [STOP_RATE] = "rate",
    [STOP_PAUSE] = "pause",
    [STOP_CONCURRENCY] = "concurrency",
    [STOP_OBSERVE] = "observe",
    [STOP_PROGRAM] = "program",
    [STOP_NONBLOCKING] = "nonblocking",
};

static bool has_failed(const struct call *c)
{
    return c->attempts && c->last.class != CLASS_SUCCESS;
}

/* Preset off, with one attempt, is rather "off" than "all attempts are used". */
static bool is_off(const struct call *c, const struct event_setting *s)
{
    return c->stop == STOP_ATTEMPTS && c->policy->max_attempts == 1 && s->preset;
}

/* It is over without an attempt whose result is known. */
static enum stop stop_of_unknown(const struct call *c)
{
    return c->cannot_wait ? STOP_NONBLOCKING : STOP_PROGRAM;
}

struct end_request {
    const struct call *call;
    int64_t now_ns;
};

static void tell_end(void *request)
{
    const struct end_request *x = request;
    const struct call *c = x->call;
    static const char refusals[][12] = {"", "rate", "pause", "breaker", "concurrency"};
    bool failed = has_failed(c), unknown = !c->attempts && !c->refused;
    enum stop stop = failed ? c->stop : unknown ? stop_of_unknown(c) : STOP_NOTHING;
    struct event_setting setting;
    char place[SLOT_NAME_SIZE];
    struct event_request r = {.method = c->method,
                              .refused = c->refused ? refusals[c->refused] : NULL,
                              .waited_for =
                                  c->waited_ns && c->waited_for ? refusals[c->waited_for] : NULL,
                              .attempts = c->attempts,
                              .waited_ns = c->waited_ns,
                              .duration_ns = x->now_ns - c->begun_ns,
                              .clean = !failed && !c->refused && c->attempts <= 1 &&
                                       !c->waited_ns && stop != STOP_PROGRAM};
    struct event e = {.kind = EVENT_END,
                      .id = c->id,
                      .host = c->binding->name,
                      .curl = c->result_curl,
                      .http = c->result_http,
                      .os_errno = c->result_errno,
                      .place = call_place_text(c, c->place, place),
                      .wait_ns = -1,
                      .observed = c->observe,
                      .request = &r};
    if (c->refused ? find_setting(c, key_of_refusal(c, c->refused), c->by_proxy, &setting)
        : failed   ? find_setting(c, key_of_stop(c, stop), c->by_proxy, &setting)
                   : find_limit(c, c->waited_for, &setting))
        e.setting = &setting;
    if (stop)
        r.not_retried = e.setting && is_off(c, &setting) ? "off" : stops[stop];
    events_emit(&e);
}

void call_tell_end(struct call *c, int64_t now_ns)
{
    struct end_request r = {.call = c, .now_ns = now_ns};
    shield_run(tell_end, &r);
}
