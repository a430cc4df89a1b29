/* SPDX-License-Identifier: MIT */
#include "curl/refusal.h"

#include "base/clock.h"
#include "base/text.h"
#include "curl/transfer.h"

#include <string.h>

void refusal_set_empty_url(const struct shadow *s)
{
    if (s->curlu)
        s->api->easy_setopt(s->handle, CURLOPT_CURLU, NULL);
    s->api->easy_setopt(s->handle, CURLOPT_URL, "");
}

void refusal_restore_url(const struct shadow *s)
{
    s->api->easy_setopt(s->handle, CURLOPT_URL, s->url);
    if (s->curlu)
        s->api->easy_setopt(s->handle, CURLOPT_CURLU, s->curlu);
}

void refusal_reset_info(const struct shadow *s)
{
    refusal_set_empty_url(s);
    s->api->easy_perform(s->handle);
    refusal_restore_url(s);
}

/* "max_wait = 30s allows no more (harden.ini:3)" */
static void put_reason(struct text *t, const struct call *c, enum refusal why)
{
    struct event_setting setting;
    if (call_refusal_setting(c, why, &setting))
        event_put_setting(t, &setting, false);
    else
        text_put(t, "the program's own time-out allows no more");
}

/* "needs 60 s, max_wait = 30s allows no more (harden.ini:3)" */
static void put_need(struct text *t, const struct call *c, enum refusal why, long long s_up)
{
    text_fmt(t, "needs %lld s, ", s_up);
    put_reason(t, c, why);
}

static void put_text(struct text *t, const struct shadow *s, const struct admission *why,
                     int64_t now_ns, long long s_up)
{
    const struct call *c = &s->transfer->call;
    struct event_setting setting;
    struct pause_shown cause;
    switch (why->why) {
    case REFUSED_BREAKER:
        text_fmt(t, "harden: circuit open for %s, retry in %lld s",
                 why->by_proxy ? s->binding.proxy_name : s->binding.name, s_up);
        if (call_refusal_setting(c, REFUSED_BREAKER, &setting)) {
            text_put(t, ", ");
            event_put_setting(t, &setting, false);
        }
        break;
    case REFUSED_PAUSE:
        text_fmt(t, "harden: %s asked for a pause", call_pause_cause(c, now_ns, &cause));
        if (cause.line[0])
            text_fmt(t, " (%s)", cause.line);
        text_put(t, ", ");
        put_need(t, c, REFUSED_PAUSE, s_up);
        break;
    case REFUSED_CONCURRENCY:
        text_fmt(t, "harden: concurrency limit of %s reached, ", s->binding.name);
        put_reason(t, c, REFUSED_CONCURRENCY);
        break;
    default:
        text_fmt(t, "harden: rate limit of %s reached, ", s->binding.name);
        put_need(t, c, REFUSED_RATE, s_up);
        break;
    }
}

CURLcode refusal_result(const struct shadow *s, const struct admission *why, int64_t now_ns)
{
    if (s->error_buffer) {
        char line[CURL_ERROR_SIZE] = "";
        struct text t = TEXT_OVER(line);
        int64_t ms = why->at_ns > now_ns ? (why->at_ns - now_ns) / NS_PER_MS : 0;
        put_text(&t, s, why, now_ns, (long long)((ms + 999) / 1000));
        memcpy(s->error_buffer, line, t.n + 1);
    }
    return why->why == REFUSED_BREAKER ? CURLE_COULDNT_CONNECT : CURLE_OPERATION_TIMEDOUT;
}
