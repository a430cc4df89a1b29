/* SPDX-License-Identifier: MIT */
#include "engine/policy/classify.h"
#include "engine/policy/classify_table.h"
#include "engine/policy/repeatable.h"

#include "base/compiler.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>

static const struct policy policy = {
    .max_attempts = 3,
    .retry_methods = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"},
};

static struct attempt request(const char *method)
{
    struct attempt a = {.protocol = PROTOCOL_HTTP, .replayable = true};
    memcpy(a.method, method, strlen(method) + 1);
    return a;
}

/* The expected classes, in another form than the tables: lists of codes. */
static bool among(int v, const int *list)
{
    for (; *list >= 0; list++)
        if (*list == v)
            return true;
    return false;
}
#define AMONG(v, ...) among((v), (const int[]){__VA_ARGS__, -1})

struct expected {
    char class;
    bool counted, alive, proxy;
    int max_tries;
};

static struct expected expected_code(int code, bool unsent)
{
    struct expected e = {.class = 'E'};
    if (code == 0)
        return (struct expected){.class = 'S', .alive = true};
    if (AMONG(code, 5, 6, 7, 28, 35, 56, 96, 97)) {
        e.class = unsent ? 'A' : 'B';
        e.proxy = AMONG(code, 5, 97);
        e.counted = !e.proxy;
    } else if (AMONG(code, 8, 10, 12, 15, 16, 18, 52, 55, 92, 95)) {
        e.class = 'B';
        e.counted = true;
    } else if (code == 89) {
        e.class = 'A';
    } else if (code == 1 && !unsent) {
        e.class = 'D';
        e.counted = true;
    } else if (AMONG(code, 60, 64, 71, 72, 79, 80, 83, 85, 86, 90, 91, 101)) {
        e.class = 'D';
        e.counted = true;
    } else if (AMONG(code, 59, 63)) {
        e.class = 'D';
    } else if (AMONG(code, 9, 11, 13, 14, 17, 19, 21, 25, 30, 31, 33, 36, 38, 39, 47, 61, 67, 68,
                     69, 70, 73, 74, 78, 84, 87, 94, 98)) {
        e.class = 'D';
        e.alive = true;
    }
    e.max_tries = AMONG(code, 5, 6, 8, 35) ? 2 : 0;
    return e;
}

static struct expected expected_status(int s, bool retry_after, bool exhausted, bool key)
{
    if (s < 400)
        return (struct expected){.class = 'S', .alive = true};
    if (AMONG(s, 421, 425))
        return (struct expected){.class = 'A', .alive = true, .max_tries = 2};
    if (AMONG(s, 420, 429, 509, 529) || (s == 413 && retry_after) ||
        (s == 403 && (retry_after || exhausted)))
        return (struct expected){.class = 'C', .alive = true};
    if (s == 503 && retry_after)
        return (struct expected){.class = 'C', .counted = true};
    if (s == 498)
        return (struct expected){.class = 'B', .alive = true};
    if (AMONG(s, 408, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 527, 530, 598, 599))
        return (struct expected){.class = 'B', .counted = true};
    if (s == 409 && key)
        return (struct expected){.class = 'B', .alive = true, .max_tries = 2};
    if (s == 407)
        return (struct expected){.class = 'D', .proxy = true};
    if (s < 500)
        return (struct expected){.class = 'D', .alive = true};
    return (struct expected){.class = 'D', .counted = true};
}

static char letter(enum class c)
{
    return "SABCDE"[c];
}

static void check(const struct attempt *a, struct expected e)
{
    struct verdict v = classify(a, &policy);
    cr_assert(v.class <= CLASS_E && letter(v.class) == e.class && v.counted == e.counted &&
                  v.alive == e.alive && v.proxy == e.proxy && v.max_tries == e.max_tries,
              "code %d status %d proxy %d unsent %d: %c counted %d alive %d proxy %d tries %d",
              a->curl_code, a->http_status, a->proxy_status, a->nothing_sent, letter(v.class),
              v.counted, v.alive, v.proxy, v.max_tries);
    cr_assert(not(v.class == CLASS_E && v.reason != REASON_LOCAL));
    cr_assert(not(v.class != CLASS_SUCCESS && v.reason == REASON_NONE));
}

Test(classify, every_curlcode_without_a_response_is_as_the_table_says)
{
    for (int code = 0; code <= 127; code++)
        for (int unsent = 0; unsent <= 1; unsent++) {
            struct attempt a = request("GET");
            a.curl_code = code;
            a.nothing_sent = unsent;
            check(&a, expected_code(code, unsent));
        }
}

/* Up to ECH_REQUIRED. Later codes are not repeated until they are added to the table. */
Test(classify, every_curlcode_has_a_row)
{
    for (int code = 0; code <= 101; code++)
        cr_assert(outcome_is_known(outcome_of_curl(code)), "%d", code);
    cr_assert(not(outcome_is_known(outcome_of_curl(102))));
}

Test(classify, every_status_is_as_the_table_says)
{
    for (int s = 100; s <= 599; s++)
        for (int bits = 0; bits < 8; bits++) {
            struct attempt a = request("POST");
            a.http_status = s;
            a.hint.asked = bits & 1;
            a.hint.exhausted = bits & 2;
            a.idempotency_key = bits & 4;
            check(&a, expected_status(s, bits & 1, bits & 2, bits & 4));
        }
}

/* With an error status, these codes only say how the rest of the response was lost. */
static bool status_weighs_more(int code)
{
    return AMONG(code, 0, 16, 18, 22, 23, 28, 33, 36, 55, 56, 61, 92, 95);
}

Test(classify, an_error_status_takes_precedence_over_the_code_of_its_lost_body)
{
    for (int code = 0; code <= 127; code++)
        for (int s = 100; s <= 599; s++) {
            struct attempt a = request("GET");
            a.curl_code = code;
            a.http_status = s;
            bool by_status = code == 0 || (s >= 400 && status_weighs_more(code));
            struct expected e =
                by_status ? expected_status(s, false, false, false) : expected_code(code, false);
            if (code == 1)
                e = (struct expected){.class = 'D', .alive = true};
            check(&a, e);
        }
}

Test(classify, a_proxys_response_has_the_same_class_with_either_curlcode)
{
    static const int codes[] = {7, 56};
    for (size_t i = 0; i < array_size(codes); i++)
        for (int s = 400; s <= 599; s++) {
            struct attempt a = request("POST");
            a.curl_code = codes[i];
            a.proxy_status = s;
            a.nothing_sent = true;
            char class = s == 429 ? 'C' : s >= 502 && s <= 504 ? 'A' : 'D';
            check(&a, (struct expected){.class = class, .proxy = true});
            a.nothing_sent = false;
            check(&a, (struct expected){.class = class == 'A' ? 'B' : class, .proxy = true});
        }
    struct attempt a = request("GET");
    a.curl_code = 56;
    a.proxy_status = 407;
    cr_assert(eq(int, classify(&a, &policy).reason, REASON_AUTH));
    a.proxy_status = 200; /* the tunnel was established, and the connection lost after it */
    check(&a, expected_code(56, false));
}

Test(classify, a_failure_before_the_proxy_accepted_is_the_proxys)
{
    for (int code = 1; code < 100; code++) {
        struct attempt a = {.curl_code = code, .nothing_sent = true, .proxy_unreached = true};
        struct verdict v = classify(&a, &policy);
        cr_assert(v.proxy && !v.counted, "code %d", code);
    }
    struct attempt a = {
        .curl_code = 7, .nothing_sent = true, .proxy_unreached = true, .os_errno = EADDRNOTAVAIL};
    struct verdict v = classify(&a, &policy);
    cr_assert(not(v.proxy || v.counted), "a lack of ports counts against neither host nor proxy");
}

/* CURLPX_ codes. */
static struct expected expected_proxy_error(int e)
{
    if (AMONG(e, 9, 10, 11)) /* too long for the protocol: nothing was sent to the proxy */
        return (struct expected){.class = 'E'};
    if (AMONG(e, 1, 2, 31, 32)) /* not a SOCKS proxy */
        return (struct expected){.class = 'D', .proxy = true};
    if (AMONG(e, 4, 5, 6, 7, 8, 12, 23, 33)) /* the proxy refuses */
        return (struct expected){.class = 'D', .proxy = true};
    if (AMONG(e, 17, 18))
        return (struct expected){.class = 'D'};
    if (AMONG(e, 19, 21, 24)) /* the proxy reports an unreachable host */
        return (struct expected){.class = 'A', .counted = true};
    if (AMONG(e, 20, 22, 25, 26)) /* or a general failure */
        return (struct expected){.class = 'A'};
    if (e == 27)
        return (struct expected){.class = 'A', .counted = true, .max_tries = 2};
    return (struct expected){.class = 'A', .proxy = true};
}

Test(classify, a_socks_reply_decides_what_is_repeated_and_what_counts)
{
    for (int e = 0; e <= 40; e++) {
        struct attempt a = request("POST");
        a.curl_code = 97;
        a.proxy_error = e;
        a.nothing_sent = true;
        struct expected want = expected_proxy_error(e);
        check(&a, want);
        bool auth = AMONG(e, 4, 5, 6, 7, 8, 12, 23, 33);
        cr_assert(eq(int, classify(&a, &policy).reason == REASON_AUTH, auth), "%d", e);
        a.nothing_sent = false;
        want.class = want.class == 'A' ? 'B' : want.class;
        check(&a, want);
    }
    for (int e = 1; e <= 33; e++)
        cr_assert(outcome_is_known(outcome_of_proxy_error(e)), "%d", e);
}

/* ---- names ----------------------------------------------------------------------------------- */

static const int all_lookups[] = {
    EAI_AGAIN,    EAI_NONAME, EAI_NODATA,   EAI_ADDRFAMILY, EAI_FAIL,     EAI_SYSTEM,    EAI_MEMORY,
    EAI_BADFLAGS, EAI_FAMILY, EAI_SOCKTYPE, EAI_SERVICE,    EAI_OVERFLOW, EAI_IDN_ENCODE};

static struct expected expected_lookup(int eai)
{
    switch (eai) {
    case EAI_AGAIN:
        return (struct expected){.class = 'A', .counted = true};
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
    case EAI_FAIL:
        return (struct expected){.class = 'D', .counted = true};
    case EAI_SYSTEM:
    case EAI_MEMORY:
        return (struct expected){.class = 'A', .max_tries = 2};
    default:
        return (struct expected){.class = 'E'};
    }
}

Test(classify, the_error_of_getaddrinfo_decides_about_a_name)
{
    for (size_t i = 0; i < array_size(all_lookups); i++) {
        struct attempt a = request("POST");
        a.curl_code = 6;
        a.lookup = all_lookups[i];
        a.nothing_sent = true;
        struct expected want = expected_lookup(a.lookup);
        check(&a, want);
        bool of_the_name = want.counted;
        cr_assert(eq(int, classify(&a, &policy).reason == REASON_DNS, of_the_name));

        a.curl_code = 97; /* a SOCKS proxy that takes addresses */
        a.proxy_error = 27;
        check(&a, want);

        a.curl_code = 5;
        want.proxy = want.counted;
        want.counted = false;
        check(&a, want);

        a.curl_code = 7; /* it belongs to an earlier name */
        check(&a, expected_code(7, true));
    }
}

Test(classify, a_failed_lookup_before_connect_has_the_same_class_as_in_libcurl)
{
    struct attempt a = {.protocol = PROTOCOL_CONNECT, .curl_code = 6, .nothing_sent = true};
    for (size_t i = 0; i < array_size(all_lookups); i++) {
        a.lookup = all_lookups[i];
        check(&a, expected_lookup(a.lookup));
    }
}

/* ---- local failures -------------------------------------------------------------------------- */

Test(classify, a_transfer_refused_locally_is_never_repeated_and_never_counts)
{
    struct policy p = policy;
    p.retry_on = (struct outcome_set){.given = true, .curl = {UINT64_MAX, UINT64_MAX}};
    for (int code = 1; code <= 101; code++) {
        struct attempt a = request("GET");
        a.curl_code = code;
        a.nothing_sent = a.refused_locally = true;
        check(&a, (struct expected){.class = 'E'});
        struct verdict v = classify(&a, &p);
        cr_assert(not(repeatable_after(&v, &a, &p)));
    }
    struct attempt a = request("GET");
    a.curl_code = 28; /* the program's own limit, in the body of an error response */
    a.http_status = 503;
    a.refused_locally = true;
    check(&a, expected_status(503, false, false, false));
}

Test(classify, a_redirect_that_libcurl_refuses_does_not_count_against_the_host)
{
    struct attempt a = request("GET");
    a.curl_code = 1;
    check(&a, (struct expected){.class = 'D', .counted = true});
    a.http_status = 302;
    a.redirected = true;
    check(&a, (struct expected){.class = 'D', .alive = true});
}

Test(classify, an_invalid_address_does_not_count_against_the_host)
{
    static const int impossible[] = {EINVAL,     EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT,
                                     EPROTOTYPE, EOPNOTSUPP,   EADDRINUSE,      ENODEV,
                                     ENXIO,      ENOTDIR,      ELOOP,           ENAMETOOLONG,
                                     EBADF,      ENOTSOCK,     EFAULT};
    struct attempt a = request("GET");
    a.curl_code = 7;
    a.nothing_sent = true;
    for (size_t i = 0; i < array_size(impossible); i++) {
        a.os_errno = impossible[i];
        check(&a, (struct expected){.class = 'E'});
    }
    a.os_errno = EACCES;
    check(&a, (struct expected){.class = 'D'});
    static const int pending[] = {EINPROGRESS, EALREADY, EINTR, EISCONN};
    for (size_t i = 0; i < array_size(pending); i++) {
        a.os_errno = pending[i];
        check(&a, expected_code(7, true));
    }
}

Test(classify, a_reply_of_the_ftp_server_decides_for_downloads)
{
    static const int codes[] = {9, 11, 13, 14, 17, 19, 21, 25, 30, 31, 84, 87};
    for (size_t i = 0; i < array_size(codes); i++)
        for (int upload = 0; upload <= 1; upload++)
            for (int reply = 0; reply <= 599; reply++) {
                struct attempt a = {.protocol = PROTOCOL_FTP, .upload = upload};
                a.curl_code = codes[i];
                a.http_status = reply;
                bool transient = reply >= 400 && reply < 500 && !upload;
                check(&a, transient ? (struct expected){.class = 'B', .counted = true}
                                    : (struct expected){.class = 'D', .alive = true});
                struct verdict v = classify(&a, &policy);
                cr_assert(eq(int, repeatable_after(&v, &a, &policy), transient));
            }
}

Test(classify, a_header_block_that_was_cut_is_a_reset)
{
    for (int s = 100; s <= 599; s++) {
        struct attempt a = request("GET");
        a.http_status = s;
        a.header_cut = true;
        check(&a, (struct expected){.class = 'B', .counted = true});
        cr_assert(eq(int, classify(&a, &policy).reason, REASON_RESET));
    }
}

Test(classify, errors_of_connect_are_as_the_table_says)
{
    for (int e = 0; e < 140; e++) {
        struct attempt a = {.protocol = PROTOCOL_CONNECT, .os_errno = e, .nothing_sent = true};
        struct expected want = {.class = 'E'};
        if (e == 0 || e == EISCONN)
            want = (struct expected){.class = 'S', .alive = true};
        else if (AMONG(e, ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, EHOSTDOWN, ECONNRESET,
                       ECONNABORTED, ENOENT))
            want = (struct expected){.class = 'A', .counted = true};
        else if (AMONG(e, ENETUNREACH, ENETDOWN, EADDRNOTAVAIL, EAGAIN, ENOBUFS, ENOMEM, EMFILE,
                       ENFILE))
            want.class = 'A';
        else if (AMONG(e, EACCES, EPERM))
            want.class = 'D';
        check(&a, want);
    }
}

Test(classify, running_out_of_sockets_does_not_count_against_the_host)
{
    struct attempt a = request("POST");
    a.curl_code = 7;
    a.nothing_sent = true;
    a.os_errno = EMFILE;
    check(&a, (struct expected){.class = 'A'});
    a.os_errno = ENETUNREACH;
    check(&a, (struct expected){.class = 'A'});
    a.os_errno = ECONNREFUSED;
    check(&a, (struct expected){.class = 'A', .counted = true});
}

Test(classify, a_timeout_that_the_library_shortened_does_not_count_against_the_host)
{
    struct attempt a = request("GET");
    a.curl_code = 28;
    check(&a, (struct expected){.class = 'B', .counted = true});
    a.shortened = true;
    check(&a, (struct expected){.class = 'B'});
}

Test(classify, a_name_that_connect_could_not_resolve_is_dns)
{
    struct attempt a = {.protocol = PROTOCOL_CONNECT, .curl_code = 6, .nothing_sent = true};
    struct verdict v = classify(&a, &policy);
    cr_assert(eq(int, v.class, CLASS_A));
    cr_assert(eq(int, v.reason, REASON_DNS));
}

Test(classify, enhance_your_calm_is_throttling)
{
    struct attempt a = request("POST");
    a.curl_code = 92;
    a.enhance_your_calm = true;
    check(&a, (struct expected){.class = 'C', .alive = true});
}

Test(classify, a_transfer_that_libcurl_retried_itself_is_not_repeated)
{
    static const int codes[] = {16, 55, 56, 95};
    for (size_t i = 0; i < array_size(codes); i++) {
        struct attempt a = request("GET");
        a.curl_code = codes[i];
        a.retried_by_libcurl = true;
        struct verdict v = classify(&a, &policy);
        cr_assert(eq(int, v.max_tries, 1));
        cr_assert(not(repeatable_after(&v, &a, &policy)));
    }
}

static bool repeatable(const struct attempt *a)
{
    struct verdict v = classify(a, &policy);
    return repeatable_after(&v, a, &policy);
}

static const char *const methods[] = {"GET",  "HEAD",  "OPTIONS", "TRACE", "PUT", "DELETE",
                                      "POST", "PATCH", "CONNECT", "get",   "BREW"};

static bool idempotent(const char *m)
{
    return strcmp(m, "POST") && strcmp(m, "PATCH") && strcmp(m, "CONNECT") && strcmp(m, "get") &&
           strcmp(m, "BREW");
}

Test(classify, only_idempotent_methods_are_repeated_when_the_server_may_have_acted)
{
    for (size_t i = 0; i < array_size(methods); i++)
        for (int s = 100; s <= 599; s++) {
            struct attempt a = request(methods[i]);
            a.http_status = s;
            a.hint.asked = true;
            a.hint.wait_ns = 1;
            struct expected e = expected_status(s, true, false, false);
            bool any = AMONG(s, 420, 421, 425, 429, 509, 529);
            bool want = strchr("ABC", e.class) && (any || idempotent(methods[i]));
            cr_assert(eq(int, repeatable(&a), want), "%s %d", methods[i], s);
        }
}

Test(classify, a_request_that_was_not_sent_is_repeated_whatever_its_method)
{
    for (size_t i = 0; i < array_size(methods); i++)
        for (int code = 1; code <= 127; code++)
            for (int unsent = 0; unsent <= 1; unsent++) {
                struct attempt a = request(methods[i]);
                a.curl_code = code;
                a.nothing_sent = unsent;
                char class = expected_code(code, unsent).class;
                bool want = class == 'A' || (class == 'B' && idempotent(methods[i]));
                cr_assert(eq(int, repeatable(&a), want), "%s %d", methods[i], code);
            }
}

Test(classify, after_a_redirect_only_idempotent_methods_are_repeated)
{
    static const int statuses[] = {421, 429, 503};
    for (size_t i = 0; i < array_size(statuses); i++) {
        struct attempt a = request("POST");
        a.http_status = statuses[i];
        a.redirected = true;
        cr_assert(not(repeatable(&a)));
        memcpy(a.method, "GET", 4);
        cr_assert(repeatable(&a));
    }
}

Test(classify, an_idempotency_key_promotes_post_and_patch)
{
    for (size_t i = 0; i < array_size(methods); i++) {
        bool promoted = !strcmp(methods[i], "POST") || !strcmp(methods[i], "PATCH");
        struct attempt a = request(methods[i]);
        a.idempotency_key = true;
        a.http_status = 503;
        cr_assert(eq(int, repeatable(&a), promoted || idempotent(methods[i])));
        a.http_status = 409;
        cr_assert(eq(int, repeatable(&a), promoted || idempotent(methods[i])));
        a.idempotency_key = false;
        cr_assert(not(repeatable(&a)));
    }
}

Test(classify, other_protocols_are_repeated_only_if_nothing_was_sent_or_it_is_a_download)
{
    struct attempt a = {.protocol = PROTOCOL_OTHER, .curl_code = 28};
    cr_assert(not(repeatable(&a)));
    a.nothing_sent = true;
    cr_assert(repeatable(&a));
    a = (struct attempt){.protocol = PROTOCOL_FTP, .curl_code = 28};
    cr_assert(repeatable(&a));
    a.upload = true;
    cr_assert(not(repeatable(&a)));
}

Test(classify, retry_on_replaces_what_may_be_repeated)
{
    struct policy p = policy;
    p.retry_on = (struct outcome_set){.given = true, .groups = OUTCOME_TIMEOUT};
    p.retry_on.http[(404 - 100) / 64] |= 1ULL << ((404 - 100) % 64);
    p.retry_on.curl[0] |= 1ULL << 60;
    for (int code = 0; code <= 127; code++) {
        struct attempt a = request("GET");
        a.curl_code = code;
        struct verdict v = classify(&a, &p);
        cr_assert(eq(int, repeatable_after(&v, &a, &p), AMONG(code, 12, 28, 60)), "%d", code);
    }
    for (int s = 100; s <= 599; s++) {
        struct attempt a = request("GET");
        a.http_status = s;
        struct verdict v = classify(&a, &p);
        cr_assert(eq(int, repeatable_after(&v, &a, &p), s == 404), "%d", s);
        memcpy(a.method, "POST", 5);
        cr_assert(not(repeatable_after(&v, &a, &p)));
    }
}

Test(classify, retry_on_does_not_change_what_counts_against_the_host)
{
    struct policy p = policy;
    p.retry_on = (struct outcome_set){.given = true};
    p.retry_on.http[(404 - 100) / 64] |= 1ULL << ((404 - 100) % 64);
    struct attempt a = request("GET");
    a.http_status = 404;
    struct verdict v = classify(&a, &p);
    cr_assert(eq(int, v.class, CLASS_B));
    cr_assert(v.alive);
    cr_assert(not(v.counted));
}

Test(classify, never_on_prevents_repetition)
{
    static const struct {
        unsigned group;
        int code;
    } rows[] = {{OUTCOME_DNS, 6},      {OUTCOME_CONNECT, 7}, {OUTCOME_TLS, 35},
                {OUTCOME_TIMEOUT, 28}, {OUTCOME_RESET, 52},  {OUTCOME_PARTIAL, 18}};
    for (size_t i = 0; i < array_size(rows); i++) {
        struct policy p = policy;
        p.never_on = (struct outcome_set){.given = true, .groups = rows[i].group};
        for (size_t k = 0; k < array_size(rows); k++) {
            struct attempt a = request("GET");
            a.curl_code = rows[k].code;
            struct verdict v = classify(&a, &p);
            cr_assert(eq(int, repeatable_after(&v, &a, &p), k != i));
        }
    }
    struct policy p = policy;
    p.never_on = (struct outcome_set){.given = true, .groups = OUTCOME_THROTTLED};
    struct attempt a = request("GET");
    a.http_status = 429;
    struct verdict v = classify(&a, &p);
    cr_assert(not(repeatable_after(&v, &a, &p)));
    cr_assert(eq(int, v.class, CLASS_C));
}

Test(classify, an_abort_by_the_program_is_never_repeated)
{
    struct policy p = policy;
    p.retry_on = (struct outcome_set){.given = true, .curl = {UINT64_MAX, UINT64_MAX}};
    struct attempt a = request("GET");
    a.curl_code = 42;
    struct verdict v = classify(&a, &p);
    cr_assert(not(repeatable_after(&v, &a, &p)));
}

Test(classify, a_failed_connection_has_the_reason_of_the_failed_step)
{
    static const struct {
        int code;
        enum reason reason;
    } rows[] = {{5, REASON_DNS},      {6, REASON_DNS},   {7, REASON_CONNECT}, {18, REASON_PARTIAL},
                {28, REASON_TIMEOUT}, {35, REASON_TLS},  {52, REASON_RESET},  {55, REASON_RESET},
                {56, REASON_RESET},   {60, REASON_TLS},  {67, REASON_AUTH},   {92, REASON_RESET},
                {42, REASON_LOCAL},   {89, REASON_LOCAL}};
    for (size_t i = 0; i < array_size(rows); i++) {
        struct attempt a = request("GET");
        a.curl_code = rows[i].code;
        cr_assert(eq(int, classify(&a, &policy).reason, rows[i].reason), "%d", rows[i].code);
    }
}

Test(classify, classes_reasons_and_groups_have_names)
{
    static const char *const classes[] = {"success",   "transient", "transient",
                                          "throttled", "permanent", "local"};
    for (int c = CLASS_SUCCESS; c <= CLASS_E; c++)
        cr_assert_str_eq(class_name((enum class)c), classes[c]);
    static const char *const groups[] = {"dns",   "connect",  "tls",       "timeout",
                                         "reset", "http_5xx", "throttled", "other"};
    for (int g = 0; g < REASON_GROUPS; g++)
        cr_assert_str_eq(reason_group_name((enum reason_group)g), groups[g]);
    for (int r = 0; r < REASON_COUNT; r++)
        cr_assert(lt(int, reason_group((enum reason)r), REASON_GROUPS));
    cr_assert_str_eq(reason_name(REASON_HTTP_5XX), "http_5xx");
    cr_assert_str_eq(reason_name(REASON_PARTIAL), "partial");
    cr_assert_str_eq(reason_group_name(reason_group(REASON_PARTIAL)), "reset");
}

Test(classify, the_name_of_an_error_makes_any_status_a_throttled_one)
{
    for (int s = 400; s <= 599; s++)
        for (size_t i = 0; i < array_size(methods); i++) {
            struct attempt a = request(methods[i]);
            a.http_status = s;
            a.hint.throttled = true;
            struct verdict v = classify(&a, &policy);
            cr_assert(eq(int, v.class, CLASS_C), "%d", s);
            cr_assert(not(v.counted), "%d", s);
            cr_assert(eq(int, repeatable(&a), s < 500 || idempotent(methods[i])), "%s %d",
                      methods[i], s);
        }
}

Test(classify, a_server_that_says_do_not_retry_has_the_last_word)
{
    struct policy all = policy;
    all.retry_on = (struct outcome_set){.given = true, .groups = OUTCOME_THROTTLED};
    struct attempt a = request("GET");
    a.http_status = 429;
    cr_assert(repeatable_after(&(struct verdict){.class = CLASS_C}, &a, &all));
    a.hint.never = true;
    cr_assert(eq(int, classify(&a, &all).max_tries, 1));
    cr_assert(eq(int, classify(&a, &policy).max_tries, 1));
}
