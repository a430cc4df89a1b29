/* SPDX-License-Identifier: MIT */
#include "curl/attempt_facts.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/lookup_failures.h"
#include "base/minmax.h"
#include "base/open.h"
#include "base/words.h"
#include "curl/target.h"
#include "curl/url.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The first version that caches names that were not found, for half as long as addresses. */
#define VERSION_CACHES_FAILURES 0x081000

/* The first version that sets PRETRANSFER_TIME for failures too; from then on REQUEST_SIZE shows
 * whether something was sent. (On 8.7.1 that is always 0.) */
#define VERSION_PRETRANSFER_OF_FAILURES 0x081500
/* The first version that clears OS_ERRNO when a transfer begins. Older ones keep it, also after a
 * good transfer. */
#define VERSION_CLEARS_ERRNO 0x080800
/* The first version whose STARTTRANSFER_TIME includes the time in the queue for a connection, and the
 * information of 8.6 that says how long that was. */
#define VERSION_TIMES_QUEUE 0x080600
#define INFO_QUEUE_TIME_T   ((CURLINFO)(CURLINFO_OFF_T + 65))
/* The first version that adds a layer for HTTP/2 to a connection, and the first that does so only if
 * there is none. Between them, each request with prior knowledge adds one: all but the first on a
 * connection fail with CURLE_HTTP2. */
#define VERSION_LAYERS_HTTP2      0x075800
#define VERSION_LAYERS_HTTP2_ONCE 0x080000

static long info_long(const struct shadow *s, CURLINFO info)
{
    long v = 0;
    return s->api->easy_getinfo(s->handle, info, &v) ? 0 : v;
}

static curl_off_t info_offset(const struct shadow *s, CURLINFO info)
{
    curl_off_t v = 0;
    return s->api->easy_getinfo(s->handle, info, &v) ? 0 : v;
}

/* Of the first hop: EFFECTIVE_METHOD is that of the last hop, or, before a response, of the
 * previous request. */
const char *attempt_facts_method(const struct shadow *s)
{
    static const char names[][8] = {
        [REQUEST_GET] = "GET",   [REQUEST_HEAD] = "HEAD", [REQUEST_POST] = "POST",
        [REQUEST_MIME] = "POST", [REQUEST_FORM] = "POST", [REQUEST_PUT] = "PUT",
    };
    return s->method[0] ? s->method : names[s->request];
}

/* A transfer that waits for a free connection waits for the program's other transfers, not for the server.
 * With a request body, libcurl may have the time at which it began to send that. */
static uint32_t answered_ms(const struct shadow *s)
{
    curl_off_t us = info_offset(s, CURLINFO_STARTTRANSFER_TIME_T);
    if (s->api->version_num >= VERSION_TIMES_QUEUE)
        us -= info_offset(s, INFO_QUEUE_TIME_T);
    return us > 0 ? (uint32_t)smaller((us + 999) / 1000, UINT32_MAX) : 0;
}

/* What few hosts have or ask for. */
static __attribute__((noinline)) void fill_special(struct attempt *a, const struct shadow *s)
{
    const struct binding *b = &s->binding;
    a->via_proxy = b->proxy.slot != NULL;
    if ((b->special & (SPECIAL_SLOW | SPECIAL_SLO)) && s->protocol == PROTOCOL_HTTP)
        a->answered_ms = answered_ms(s);
}

static void fill_request(struct attempt *a, const struct transfer *t)
{
    const struct shadow *s = t->shadow;
    a->protocol = s->protocol;
    if (unlikely(s->binding.special))
        fill_special(a, s);
    if (s->protocol == PROTOCOL_HTTP) {
        const char *method = attempt_facts_method(s);
        memcpy(a->method, method, strlen(method) + 1);
        a->idempotency_key = t->idempotency_key;
    }
    /* ftp: everything but a plain download may change something. */
    a->upload =
        t->body.kind != BODY_NONE || (s->protocol == PROTOCOL_FTP && (s->quote || s->method[0]));
}

static void read_hints(struct attempt *a, const struct transfer *t, int64_t wall_ns)
{
    const struct gate *g = &t->gate;
    int status = attempt_refused_by_proxy(a) ? a->proxy_status : a->http_status;
    if (unlikely(g->hints.used) && a->protocol == PROTOCOL_HTTP && status >= 100)
        hints_read(&g->hints, g->policy, status, wall_ns, &a->hint);
}

void attempt_facts_so_far(struct attempt *a, const struct transfer *t, int status)
{
    memset(a, 0, sizeof *a);
    fill_request(a, t);
    a->http_status = status;
    a->redirected = info_long(t->shadow, CURLINFO_REDIRECT_COUNT) > 0;
    a->replayable = request_body_may_rewind(&t->body, false);
    read_hints(a, t, clock_wall_ns());
}

/* Whether the attempt failed at the proxy: no connection to it, or no answer to CONNECT. (A timeout
 * there may be caused by the host.) */
static bool proxy_unreached(const struct attempt *a, const struct shadow *s)
{
    if (!a->via_proxy || !a->nothing_sent || a->proxy_status)
        return false;
    switch (a->curl_code) {
    case CURLE_COULDNT_CONNECT:
        return true;
    case CURLE_OPERATION_TIMEDOUT:
        return info_offset(s, CURLINFO_CONNECT_TIME_T) == 0;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_RECV_ERROR:
        return s->proxy_is_http;
    default:
        return false;
    }
}

bool attempt_facts_name_not_found(const struct attempt *a)
{
    return a->curl_code == CURLE_COULDNT_RESOLVE_HOST ||
           a->curl_code == CURLE_COULDNT_RESOLVE_PROXY ||
           (a->curl_code == CURLE_PROXY && a->proxy_error == CURLPX_RESOLVE_HOST);
}

bool attempt_facts_place_unfit(const struct attempt *a, const struct transfer *t)
{
    if (call_place_is_barred(&t->call, a))
        return true;
    if (a->left_name)
        return false;
    switch (a->curl_code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
        return call_place(&t->call) > 0;
    default:
        return false;
    }
}

/* libcurl closes a connection with several streams only if that fails, so it keeps one after
 * CURLE_HTTP2, which means that the two ends disagree about its state. */
bool attempt_facts_spoils_connection(const struct attempt *a, const struct shadow *s)
{
    unsigned version = s->api->version_num;
    return a->curl_code == CURLE_HTTP2 ||
           (a->protocol == PROTOCOL_HTTP &&
            s->http_version == CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE &&
            version >= VERSION_LAYERS_HTTP2 && version < VERSION_LAYERS_HTTP2_ONCE);
}

static const char *info_string(const struct shadow *s, CURLINFO info)
{
    const char *v = NULL;
    return s->api->easy_getinfo(s->handle, info, &v) || !v ? "" : v;
}

/* tftp sends datagrams: there is no connect time after it has sent. */
static bool is_without_connection(const struct shadow *s)
{
    return ascii_same(info_string(s, CURLINFO_SCHEME), "tftp");
}

static bool nothing_sent(const struct attempt *a, const struct transfer *t)
{
    const struct shadow *s = t->shadow;
    if (a->curl_code == CURLE_OK || t->body.consumed || t->gate.delivered)
        return false;
    if (a->protocol != PROTOCOL_HTTP) { /* a dialogue: only a missing connection is proof */
        if (is_without_connection(s))
            return false;
        /* A reused connection has no connect time either. */
        bool reused = !info_long(s, CURLINFO_NUM_CONNECTS);
        return info_offset(s, CURLINFO_CONNECT_TIME_T) == 0 &&
               (attempt_facts_name_not_found(a) || !reused);
    }
    if (a->http_status || a->redirected)
        return false;
    if (a->curl_code == CURLE_SEND_ERROR || a->curl_code == CURLE_HTTP2 ||
        a->curl_code == CURLE_HTTP3)
        return false;
    if (s->api->version_num >= VERSION_PRETRANSFER_OF_FAILURES)
        return info_long(s, CURLINFO_REQUEST_SIZE) == 0;
    return info_offset(s, CURLINFO_PRETRANSFER_TIME_T) == 0;
}

/* libcurl does not say why it got no socket, so ask for one. */
static int socket_shortage(void)
{
    int saved = errno, fd = open_socket(AF_INET, SOCK_STREAM, 0);
    int shortage = fd < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    errno = saved;
    return shortage;
}

/* The host of a URL as it is looked up, to be freed with api->free; NULL: none. */
static char *host_of_url(const struct curl_api *api, const char *url)
{
    char *name = NULL;
    CURLU *u = api->url ? api->url() : NULL;
    if (u && !api->url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME))
        name = url_host(api, u);
    if (u)
        api->url_cleanup(u);
    return name;
}

/* Whether the last redirect led to another host than that of the request. */
static bool left_name(const struct shadow *s)
{
    struct connect_name name;
    char *own = NULL, *last = host_of_url(s->api, info_string(s, CURLINFO_EFFECTIVE_URL));
    bool left = last && target_name(s, &name, &own) && !ascii_same(url_plain_host(last), name.host);
    s->api->free(last);
    s->api->free(own);
    return left;
}

static int64_t dns_cache_ns(const struct shadow *s, int64_t most_ns)
{
    bool for_ever = s->dns_cache_s < 0 || s->dns_cache_s / 2 > most_ns / NS_PER_S;
    return for_ever ? most_ns : s->dns_cache_s * (NS_PER_S / 2);
}

/* Why the name was not found. If libcurl did not look it up, it was in its cache. */
static int reason_not_found(const struct attempt *a, const struct transfer *t)
{
    const struct shadow *s = t->shadow;
    int place = call_place(&t->call);
    if (place && a->curl_code == CURLE_COULDNT_RESOLVE_HOST)
        return lookup_failure_error(t->call.policy->fallback.at[place - 1].host, t->started_ns);
    char *name = host_of_url(s->api, a->curl_code == CURLE_COULDNT_RESOLVE_PROXY
                                         ? s->binding.proxy_name
                                         : info_string(s, CURLINFO_EFFECTIVE_URL));
    int why = lookup_failure_error(name, t->started_ns);
    if (!why && s->api->version_num >= VERSION_CACHES_FAILURES)
        why = lookup_failure_error(name, t->started_ns - dns_cache_ns(s, t->started_ns));
    s->api->free(name);
    return why;
}

/* A build with c-ares does not call getaddrinfo(), so we do not see its look-ups. */
static bool uses_c_ares(const struct shadow *s)
{
    const curl_version_info_data *v = s->api->version_info(CURLVERSION_NOW);
    return v->ares_num != 0;
}

/* Error texts for failures without any contact to a server; unchanged since 7.62. */
static const char *const local_refusals[] = {"Unsupported proxy", "Not resolving .onion address",
                                             "Unix socket path too long", "ctx callback"};

static bool refused_locally(const struct attempt *a, const struct shadow *s, const char *text)
{
    for (size_t i = 0; i < array_size(local_refusals); i++)
        if (strstr(text, local_refusals[i]))
            return true;
    switch (a->curl_code) {
    case CURLE_COULDNT_CONNECT: /* no text: there is no address that it may use */
        return !a->os_errno && !a->proxy_status && (s->own_sockets || !*text);
    case CURLE_COULDNT_RESOLVE_HOST:
        return !a->lookup && s->own_resolver && !uses_c_ares(s);
    case CURLE_OPERATION_TIMEDOUT: /* slower than the program allows */
        return s->low_speed_limit && s->low_speed_time_s && strstr(text, "Operation too slow");
    default:
        return false;
    }
}

static void fill_result(struct attempt *a, struct transfer *t, CURLcode result, int64_t duration_ns)
{
    const struct shadow *s = t->shadow;
    const struct gate *g = &t->gate;
    memset(a, 0, sizeof *a);
    a->curl_code = (int)result;
    a->duration_ns = duration_ns;
    fill_request(a, t);
    if (likely(result == CURLE_OK && g->state == GATE_PASS && g->status && g->status != 101)) {
        a->committed = true;
        a->hold_exceeded = g->limit_exceeded;
        a->http_status = g->status;
        return;
    }
    a->http_status = g->left_http ? 0 : (int)info_long(s, CURLINFO_RESPONSE_CODE);
    /* Observe mode holds nothing, but reports what would have happened. */
    a->committed = g->delivered && !(t->call.observe && a->http_status >= 300);
    a->hold_exceeded = g->limit_exceeded;
    a->redirected = info_long(s, CURLINFO_REDIRECT_COUNT) > 0;
    a->header_cut = result == CURLE_OK && g->in_block;
    a->replayable = true; /* decided by request_body_rewind */
    if (result == CURLE_OK)
        return;
    a->proxy_status = (int)info_long(s, CURLINFO_HTTP_CONNECTCODE);
    a->os_errno = (int)info_long(s, CURLINFO_OS_ERRNO);
    if (result == CURLE_COULDNT_CONNECT && !a->os_errno)
        a->os_errno = socket_shortage();
    if (result == CURLE_PROXY)
        a->proxy_error = (int)info_long(s, CURLINFO_PROXY_ERROR);
    a->nothing_sent = nothing_sent(a, t);
    a->left_name = a->redirected && call_place(&t->call) && left_name(s);
    a->shortened = result == CURLE_OPERATION_TIMEDOUT && duration_ns >= t->attempt_timeout_ns;
    a->proxy_unreached = proxy_unreached(a, s);
    if (attempt_facts_name_not_found(a))
        a->lookup = reason_not_found(a, t);
    if (result == CURLE_ABORTED_BY_CALLBACK)
        return; /* the program ends it, and its error buffer may be gone */
    const char *text = transfer_error(t);
    a->refused_locally = refused_locally(a, s, text);
    /* Before 8.17 libcurl counts over the life of the handle: the text is about this transfer only
     * if it made several connections. */
    a->retried_by_libcurl =
        strstr(text, "tried 5 times") && info_long(s, CURLINFO_NUM_CONNECTS) > 1;
    a->enhance_your_calm = strstr(text, "ENHANCE_YOUR_CALM") != NULL;
}

void attempt_facts_of_result(struct attempt *a, struct transfer *t, CURLcode result,
                             int64_t duration_ns)
{
    fill_result(a, t, result, duration_ns);
    read_hints(a, t, t->answered_wall_ns);
}

void attempt_facts_keep_errno(struct shadow *s, const struct attempt *a)
{
    if (s->api->version_num < VERSION_CLEARS_ERRNO) {
        if (a->curl_code)
            s->hidden_errno = a->os_errno;
    } else if (info_long(s, CURLINFO_NUM_CONNECTS)) {
        s->connect_errno = info_long(s, CURLINFO_OS_ERRNO);
    }
}

long attempt_facts_shown_errno(const struct shadow *s)
{
    long now = info_long(s, CURLINFO_OS_ERRNO);
    if (now)
        return now == s->hidden_errno ? 0 : now;
    return info_long(s, CURLINFO_NUM_CONNECTS) ? 0 : s->connect_errno;
}
