/* SPDX-License-Identifier: MIT
 *
 * A proxy has its own health and breaker: a dead proxy is distinguished from a dead host, and all
 * requests through it are refused at once. Limits, budget and waits are the host's alone, and so are hints,
 * except those of an answer to CONNECT (call/pause.c). */
#include "engine/call/private.h"

#include "base/minmax.h"
#include "engine/policy/curl_codes.h"

/* To CONNECT, or a reply of SOCKS. */
static bool proxy_has_answered(const struct attempt *a)
{
    return a->proxy_status || (a->curl_code == CURL_CODE_PROXY &&
                               a->proxy_error >= CURL_PROXY_REPLY_ADDRESS_TYPE_NOT_SUPPORTED &&
                               a->proxy_error <= CURL_PROXY_RESOLVE_HOST);
}

/* Any response that came through the proxy is a success of the proxy. An error response of its own does
 * not count against it either: 502 to 504 mostly mean that it could not reach the one host, and must not
 * block all others. They are shown as failures of the proxy, but its breaker and status ignore them. */
static struct verdict proxy_verdict(const struct verdict *v, const struct attempt *a)
{
    static const struct verdict good = {.class = CLASS_SUCCESS, .alive = true};
    if (v->proxy) {
        struct verdict own = *v;
        own.alive = v->class == CLASS_D && (proxy_has_answered(a) || v->reason == REASON_AUTH);
        own.counted = !own.alive && !proxy_has_answered(a) && !call_is_inconclusive(a, v);
        return own;
    }
    if (a->http_status || !a->curl_code || !a->nothing_sent || attempt_refused_by_proxy(a))
        return good;
    return (struct verdict){.class = CLASS_E, .reason = REASON_LOCAL};
}

void call_proxy_report(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns)
{
    struct party proxy;
    if (!call_proxy_party(c, &proxy))
        return;
    struct slot *s = proxy.slot;
    c->proxy_last = proxy_verdict(&c->last, a);
    if (!call_is_inconclusive(a, &c->proxy_last))
        c->proxy_outage = call_outage(&c->proxy_last, a);
    if (c->attempts == 1)
        slot_count(s, COUNT_REQUESTS, 1);
    call_count_attempt(s, larger(a->duration_ns, 0));
    slot_touch(s, c->binding->proxy.key, now_ns);
    if (unlikely(proxy.facts != s))
        call_show_attempt(c, &proxy, &c->proxy_last, larger(a->duration_ns, 0));
    call_update_status(c, &proxy, &c->proxy_last, now_ns, wall_ns);
}

void call_proxy_end(struct call *c, int64_t wall_ns)
{
    struct party proxy;
    if (!call_proxy_party(c, &proxy))
        return;
    call_count_outcome(c, proxy.slot, &c->proxy_last, wall_ns);
    if (unlikely(proxy.facts != proxy.slot))
        call_show_outcome(c, proxy.facts, &c->proxy_last, wall_ns);
}
