/* SPDX-License-Identifier: MIT
 *
 * A proxy has health and a circuit of its own, so that a dead one is told from dead hosts, and all
 * that goes through it is refused at once. Limits, hints, budget and waits are the host's alone. */
#include "engine/call/parts.h"

#include "engine/policy/curl_codes.h"

/* To CONNECT, or a reply of SOCKS. */
static bool proxy_has_answered(const struct attempt *a)
{
    return a->proxy_status || (a->curl_code == CURL_CODE_PROXY &&
                               a->proxy_error >= CURL_PROXY_REPLY_ADDRESS_TYPE_NOT_SUPPORTED &&
                               a->proxy_error <= CURL_PROXY_RESOLVE_HOST);
}

/* Whatever came through speaks for the proxy. An answer of its own does too: 502 to 504 mostly mean
 * that it could not reach the one host, and must not close the way to all others; so they are shown
 * as its failures, and nothing is made of them. */
static struct verdict proxy_verdict(const struct verdict *v, const struct attempt *a)
{
    static const struct verdict good = {.class = CLASS_SUCCESS, .alive = true};
    if (v->proxy) {
        struct verdict own = *v;
        own.alive = v->class == CLASS_D && (proxy_has_answered(a) || v->reason == REASON_AUTH);
        own.counted = !own.alive && !proxy_has_answered(a) && !call_is_inconclusive(a, v);
        return own;
    }
    if (a->http_status || !a->curl_code || !a->nothing_sent)
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
    call_count_attempt(s, a->duration_ns > 0 ? a->duration_ns : 0);
    slot_touch(s, c->binding->proxy.key, now_ns);
    call_update_status(c, &proxy, &c->proxy_last, now_ns, wall_ns);
}

void call_proxy_end(struct call *c, int64_t wall_ns)
{
    struct party proxy;
    if (call_proxy_party(c, &proxy))
        call_count_outcome(c, proxy.slot, &c->proxy_last, wall_ns);
}
