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

CURLcode refusal_result(const struct shadow *s, const struct admission *why, int64_t now_ns)
{
    if (s->error_buffer) {
        char line[CURL_ERROR_SIZE];
        struct text t = TEXT_OVER(line);
        int64_t ms = why->at_ns > now_ns ? (why->at_ns - now_ns) / NS_PER_MS : 0;
        long long s_up = (long long)((ms + 999) / 1000);
        const char *host = why->by_proxy ? s->binding.proxy_name : s->binding.name;
        struct pause_shown cause;
        switch (why->why) {
        case REFUSED_BREAKER:
            text_fmt(&t, "harden: circuit open for %s, retry in %lld s", host, s_up);
            break;
        case REFUSED_PAUSE:
            host = call_pause_cause(&s->transfer->call, now_ns, &cause);
            text_fmt(&t, "harden: %s asked for a pause", host);
            if (cause.line[0])
                text_fmt(&t, " (%s)", cause.line);
            text_fmt(&t, ", retry in %lld s", s_up);
            break;
        default:
            text_fmt(&t, "harden: rate limit of %s reached, retry in %lld s", host, s_up);
            break;
        }
        memcpy(s->error_buffer, line, t.n + 1);
    }
    return why->why == REFUSED_BREAKER ? CURLE_COULDNT_CONNECT : CURLE_OPERATION_TIMEDOUT;
}
