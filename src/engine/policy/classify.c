/* SPDX-License-Identifier: MIT */
#include "engine/policy/classify.h"

#include "engine/policy/classify_table.h"
#include "engine/policy/curl_codes.h"

#include <errno.h>

static struct verdict local(void)
{
    return (struct verdict){.class = CLASS_E, .reason = REASON_LOCAL};
}

static struct verdict from_row(const struct outcome_row *row, const struct attempt *a)
{
    struct verdict v = {
        .class = row->class,
        .reason = row->reason,
        .counted = row->flags & COUNTED,
        .alive = row->flags & ALIVE,
        .proxy = row->flags & PROXY,
        .max_tries = row->max_tries,
    };
    if ((row->flags & UNSENT) && !a->nothing_sent)
        v.class = row->otherwise;
    if ((row->flags & FTP_4XX) && a->protocol == PROTOCOL_FTP && !a->upload &&
        a->http_status >= 400 && a->http_status < 500) {
        v.class = CLASS_B;
        v.counted = true;
        v.alive = false;
    }
    if ((row->flags & HEARD) && a->http_status) {
        v.counted = false;
        v.alive = true;
    }
    return v.class == CLASS_E ? local() : v;
}

static struct verdict throttled(void)
{
    return (struct verdict){
        .class = CLASS_C, .reason = REASON_THROTTLED, .alive = true, .idempotent_only = true};
}

static struct verdict by_status(const struct attempt *a)
{
    struct verdict v = from_row(outcome_of_http(a->http_status), a);
    const struct hint *h = &a->hint;
    if (h->throttled && a->http_status >= 400) {
        v = throttled();
        v.idempotent_only = a->http_status >= 500; /* an earlier step may have acted on it */
        return v;
    }
    switch (a->http_status) {
    case 403:
        return h->asked || h->exhausted ? throttled() : v;
    case 413:
        return h->asked || h->wait_ns ? throttled() : v;
    case 409:
        if (a->idempotency_key) {
            v.class = CLASS_B;
            v.max_tries = 2;
        }
        return v;
    case 503:
        if (h->asked || h->wait_ns)
            v.class = CLASS_C;
        v.idempotent_only = true;
        return v;
    default:
        return v;
    }
}

static struct verdict of_name(const struct outcome_row *row, const struct attempt *a)
{
    struct verdict v = from_row(outcome_of_lookup(a->lookup), a);
    if (v.reason == REASON_DNS && (row->flags & PROXY)) {
        v.proxy = true;
        v.counted = false;
    }
    return v;
}

/* "Could not connect" for lack of a socket, port or network is not the host's fault, and for an invalid
 * address it is the program's. */
static struct verdict by_errno(struct verdict v, const struct attempt *a)
{
    const struct outcome_row *row = outcome_of_errno(a->os_errno);
    if (!outcome_is_known(row) || row->class == CLASS_SUCCESS || (row->flags & COUNTED))
        return v;
    if (row->class != CLASS_A)
        return from_row(row, a);
    v.reason = row->reason;
    v.counted = v.proxy = false;
    return v;
}

static const struct outcome_row *row_of_code(const struct attempt *a)
{
    if (a->curl_code == CURL_CODE_PROXY) {
        const struct outcome_row *row = outcome_of_proxy_error(a->proxy_error);
        if (outcome_is_known(row))
            return row;
    }
    return outcome_of_curl(a->curl_code);
}

static struct verdict by_code(const struct attempt *a)
{
    const struct outcome_row *row = row_of_code(a);
    if ((row->flags & NAME) && a->lookup)
        return of_name(row, a);
    struct verdict v = from_row(row, a);
    /* It was the library's timeout, which does not count against the host. */
    if (a->curl_code == CURL_CODE_OPERATION_TIMEDOUT && a->shortened)
        v.counted = false;
    if (a->proxy_unreached) {
        v.proxy = true;
        v.counted = false;
    }
    if (a->curl_code == CURL_CODE_COULDNT_CONNECT && a->os_errno)
        v = by_errno(v, a);
    if (a->curl_code == CURL_CODE_HTTP2_STREAM && a->enhance_your_calm)
        v = (struct verdict){.class = CLASS_C, .reason = REASON_THROTTLED, .alive = true};
    return v;
}

/* Which of the two codes it is depends on the version of libcurl. */
bool attempt_refused_by_proxy(const struct attempt *a)
{
    return a->proxy_status >= 400 && a->http_status < 400 &&
           (a->curl_code == CURL_CODE_COULDNT_CONNECT || a->curl_code == CURL_CODE_RECV_ERROR);
}

static bool status_decides(const struct attempt *a)
{
    if (a->protocol != PROTOCOL_HTTP || a->http_status < 100)
        return false;
    return a->curl_code == 0 ||
           (a->http_status >= 400 && (outcome_of_curl(a->curl_code)->flags & BY_STATUS));
}

static bool has_bit(const uint64_t *words, unsigned count, int n)
{
    return n >= 0 && (unsigned)n < count * 64 && words[n / 64] >> (n % 64) & 1;
}

static unsigned group_of(enum reason r)
{
    switch (r) {
    case REASON_DNS:
        return OUTCOME_DNS;
    case REASON_CONNECT:
        return OUTCOME_CONNECT;
    case REASON_TLS:
        return OUTCOME_TLS;
    case REASON_TIMEOUT:
        return OUTCOME_TIMEOUT;
    case REASON_RESET:
        return OUTCOME_RESET;
    case REASON_PARTIAL:
        return OUTCOME_PARTIAL;
    case REASON_THROTTLED:
        return OUTCOME_THROTTLED;
    default:
        return 0;
    }
}

static bool listed(const struct outcome_set *set, const struct verdict *v, const struct attempt *a,
                   bool status)
{
    return (set->groups & group_of(v->reason)) ||
           (a->curl_code && has_bit(set->curl, 2, a->curl_code)) ||
           (status && has_bit(set->http, 8, a->http_status - 100));
}

static void forbid(struct verdict *v, enum list list)
{
    v->max_tries = 1;
    v->list = list;
}

/* The user's lists change what is repeated, not what counts against the host. */
static void override(struct verdict *v, const struct attempt *a, const struct policy *p,
                     bool status)
{
    /* The program aborted or refused the transfer itself. */
    if (v->class == CLASS_SUCCESS || a->curl_code == CURL_CODE_ABORTED_BY_CALLBACK ||
        a->refused_locally)
        return;
    if (p->retry_on.given) {
        if (!listed(&p->retry_on, v, a, status))
            forbid(v, LIST_RETRY_ON);
        else if (v->class == CLASS_D || v->class == CLASS_E)
            v->class = CLASS_B;
    }
    if (p->never_on.given && listed(&p->never_on, v, a, status))
        forbid(v, LIST_NEVER_ON);
}

/* If the name has more addresses, a failure of one does not count, and the program tries the next one
 * without delay. */
static struct verdict of_connection(const struct attempt *a)
{
    struct verdict v = from_row(outcome_of_errno(a->os_errno), a);
    if (a->more_follow && v.class != CLASS_SUCCESS)
        v = local();
    /* It was the library's timeout, which does not count against the host. */
    if (a->os_errno == ETIMEDOUT && a->shortened)
        v.counted = false;
    return v;
}

static struct verdict judge(const struct attempt *a, bool status)
{
    if (a->protocol == PROTOCOL_CONNECT && !a->curl_code)
        return of_connection(a);
    if (a->header_cut && !a->curl_code)
        return (struct verdict){.class = CLASS_B, .reason = REASON_RESET, .counted = true};
    if (attempt_refused_by_proxy(a))
        return from_row(outcome_of_proxy(a->proxy_status), a);
    if (status)
        return by_status(a);
    return a->refused_locally ? local() : by_code(a);
}

struct verdict classify(const struct attempt *a, const struct policy *p)
{
    bool status = status_decides(a);
    struct verdict v = judge(a, status);
    if (v.class == CLASS_SUCCESS) {
        v.alive = true;
        return v;
    }
    if (a->retried_by_libcurl)
        v.max_tries = 1;
    if (p->retry_on.given || p->never_on.given)
        override(&v, a, p, status);
    if (a->hint.never)
        v.max_tries = 1;
    return v;
}

enum reason_group reason_group(enum reason r)
{
    switch (r) {
    case REASON_DNS:
        return GROUP_DNS;
    case REASON_CONNECT:
        return GROUP_CONNECT;
    case REASON_TLS:
        return GROUP_TLS;
    case REASON_TIMEOUT:
        return GROUP_TIMEOUT;
    case REASON_RESET:
    case REASON_PARTIAL:
        return GROUP_RESET;
    case REASON_HTTP_5XX:
        return GROUP_HTTP_5XX;
    case REASON_THROTTLED:
        return GROUP_THROTTLED;
    default:
        return GROUP_OTHER;
    }
}

const char *reason_group_name(enum reason_group g)
{
    static const char *const names[REASON_GROUPS] = {
        [GROUP_DNS] = "dns",
        [GROUP_CONNECT] = "connect",
        [GROUP_TLS] = "tls",
        [GROUP_TIMEOUT] = "timeout",
        [GROUP_RESET] = "reset",
        [GROUP_HTTP_5XX] = "http_5xx",
        [GROUP_THROTTLED] = "throttled",
        [GROUP_OTHER] = "other",
    };
    return (unsigned)g < REASON_GROUPS ? names[g] : names[GROUP_OTHER];
}

const char *reason_name(enum reason r)
{
    static const char *const names[REASON_COUNT] = {
        [REASON_NONE] = "none",         [REASON_DNS] = "dns",
        [REASON_CONNECT] = "connect",   [REASON_TLS] = "tls",
        [REASON_TIMEOUT] = "timeout",   [REASON_RESET] = "reset",
        [REASON_PARTIAL] = "partial",   [REASON_HTTP_5XX] = "http_5xx",
        [REASON_HTTP_4XX] = "http_4xx", [REASON_THROTTLED] = "throttled",
        [REASON_AUTH] = "auth",         [REASON_LOCAL] = "local",
        [REASON_OTHER] = "other",
    };
    return (unsigned)r < REASON_COUNT ? names[r] : names[REASON_OTHER];
}

const char *class_name(enum class c)
{
    switch (c) {
    case CLASS_SUCCESS:
        return "success";
    case CLASS_A:
    case CLASS_B:
        return "transient";
    case CLASS_C:
        return "throttled";
    case CLASS_D:
        return "permanent";
    case CLASS_E:
    default:
        return "local";
    }
}
