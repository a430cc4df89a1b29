/* SPDX-License-Identifier: MIT */
#include "cli/trace/words.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/events.h"
#include "base/text.h"
#include "engine/policy/curl_codes.h"

#include <stdio.h>
#include <string.h>

static const char *curl_code_name(int code)
{
#define X(number, name) [number] = #name,
    static const char *const names[] = {CURL_CODES(X)};
#undef X
    return code > 0 && code < (int)array_size(names) ? names[code] : NULL;
}

const char *trace_result(const struct trace_event *e, char out[TRACE_RESULT_SIZE])
{
    const char *name = curl_code_name(e->curl);
    if (e->curl)
        snprintf(out, TRACE_RESULT_SIZE, "curl %d%s%s%s", e->curl, name ? " (" : "",
                 name ? name : "", name ? ")" : "");
    else if (e->http)
        snprintf(out, TRACE_RESULT_SIZE, "HTTP %d", e->http);
    else
        snprintf(out, TRACE_RESULT_SIZE, "%s", e->os_errno ? strerror(e->os_errno) : "ok");
    return out;
}

static void put_setting(struct text *t, const struct trace_event *e)
{
    if (!*e->setting)
        return;
    text_fmt(t, ": %s", e->setting);
    if (*e->value)
        text_fmt(t, " = %s", e->value);
    if (*e->source)
        text_fmt(t, " (%s)", e->source);
}

const char *trace_duration(int64_t ns, char out[TRACE_DURATION_SIZE])
{
    bool short_one = ns < NS_PER_S;
    snprintf(out, TRACE_DURATION_SIZE, short_one ? "%.3g ms" : "%.4g s",
             (double)(ns > 0 ? ns : 0) / (double)(short_one ? NS_PER_MS : NS_PER_S));
    return out;
}

static void put_duration(struct text *t, int64_t ns)
{
    char duration[TRACE_DURATION_SIZE];
    text_put(t, trace_duration(ns, duration));
}

static void put_hint(struct text *t, const struct trace_event *e)
{
    if (*e->hint)
        text_fmt(t, ", the server sent %s", e->hint);
}

static void put_place(struct text *t, const struct trace_event *e)
{
    if (*e->place)
        text_fmt(t, " at %s", e->place);
}

static void put_attempt(struct text *t, const struct trace_event *e)
{
    char result[TRACE_RESULT_SIZE];
    text_fmt(t, "attempt %d: %s after ", e->attempt, trace_result(e, result));
    put_duration(t, e->duration_ns);
    put_place(t, e);
}

static void put_retry(struct text *t, const struct trace_event *e)
{
    text_put(t, "repeats it in ");
    put_duration(t, e->wait_ns);
    put_place(t, e);
    text_fmt(t, ": %s", e->reason);
    put_hint(t, e);
    put_setting(t, e);
}

static bool is_pause(const struct trace_event *e)
{
    return !strcmp(e->reason, "gate") || !strcmp(e->reason, "pause");
}

static bool is_crowd(const struct trace_event *e)
{
    return !strcmp(e->reason, "concurrency");
}

static void put_wait(struct text *t, const struct trace_event *e)
{
    text_put(t, is_crowd(e) ? "waits at most " : "waits ");
    put_duration(t, e->wait_ns);
    if (is_pause(e))
        text_fmt(t, " because %s has asked for a pause", e->host);
    else
        text_put(t, is_crowd(e) ? " for another request to end" : " for a token");
    put_hint(t, e);
    put_setting(t, e);
}

static void put_reject(struct text *t, const struct trace_event *e)
{
    text_put(t, "refused, ");
    if (!strcmp(e->reason, "breaker"))
        text_fmt(t, "because the circuit of %s is open for another ", e->host);
    else if (is_crowd(e))
        text_put(t, "because too many requests are in flight");
    else
        text_fmt(t, "because the wait %s would be ",
                 is_pause(e) ? "for the end of a pause" : "for a token");
    if (!is_crowd(e))
        put_duration(t, e->wait_ns);
    put_hint(t, e);
    put_setting(t, e);
}

static void put_denied(struct text *t, const struct trace_event *e)
{
    text_fmt(t, "not repeated after attempt %d: the retry budget is empty", e->attempt);
    put_setting(t, e);
}

static void put_breaker(struct text *t, const struct trace_event *e)
{
    text_fmt(t, "%s: the circuit is %s", e->host, e->state);
    if (!strcmp(e->reason, "slow"))
        text_put(t, ", because its responses begin later than slow_after");
    else if (!strcmp(e->reason, "check"))
        text_fmt(t, ", because an active check has %s",
                 !strcmp(e->state, "open") ? "failed" : "passed");
    if (e->wait_ns > 0) {
        text_put(t, " for ");
        put_duration(t, e->wait_ns);
    }
    put_setting(t, e);
}

static void put_health(struct text *t, const struct trace_event *e)
{
    text_fmt(t, "%s is %s", e->host, e->state);
}

static void put_pause(struct text *t, const struct trace_event *e)
{
    text_fmt(t, "%s: the pause%s is %s", e->host, e->part ? " of a part" : "",
             !strcmp(e->state, "over") ? "over" : "on, asked for by the server");
    if (e->wait_ns > 0) {
        text_put(t, ", for ");
        put_duration(t, e->wait_ns);
    }
    put_hint(t, e);
}

static void put_adaptive(struct text *t, const struct trace_event *e)
{
    text_fmt(t, "%s: the adaptive rate is %s", e->host, e->state);
    if (!e->rate_milli)
        return;
    text_put(t, ", to ");
    text_fixed(t, e->rate_milli, 3);
    text_put(t, "/s");
}

static void put_slo(struct text *t, const struct trace_event *e)
{
    text_fmt(t, "%s: the error budget %s", e->host,
             !strcmp(e->state, "over") ? "has ceased to burn" : "burns");
}

static void put_ignored(struct text *t, const struct trace_event *e)
{
    text_fmt(t, "%s: a pause of more than a day is ignored as a mistake", e->host);
    put_hint(t, e);
}

/* Why a failure was not repeated; a refusal has said so already. */
static void put_end(struct text *t, const struct trace_event *e)
{
    if (!*e->not_retried)
        return;
    text_fmt(t, "not repeated: %s", event_reason_words(e->not_retried));
    put_setting(t, e);
}

static void put_off(struct text *t, const struct trace_event *e)
{
    text_put(t, "the library does nothing");
    if (*e->setting)
        put_setting(t, e);
    else
        text_fmt(t, ": %s", e->reason);
}

const char *trace_words(const struct trace_event *e, char out[TRACE_WORDS_SIZE])
{
    static const struct {
        const char *kind;
        void (*put)(struct text *t, const struct trace_event *e);
    } kinds[] = {
        {"attempt", put_attempt}, {"retry", put_retry},     {"wait", put_wait},
        {"reject", put_reject},   {"denied", put_denied},   {"breaker", put_breaker},
        {"health", put_health},   {"pause", put_pause},     {"adaptive", put_adaptive},
        {"slo", put_slo},         {"ignored", put_ignored}, {"end", put_end},
        {"off", put_off},
    };
    struct text t = {.p = out, .cap = TRACE_WORDS_SIZE};
    out[0] = '\0';
    for (size_t i = 0; i < array_size(kinds); i++)
        if (!strcmp(kinds[i].kind, e->kind))
            kinds[i].put(&t, e);
    if (t.n && e->observed)
        text_put(&t, " (observed only)");
    return out;
}
