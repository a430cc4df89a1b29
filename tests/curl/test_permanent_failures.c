/* SPDX-License-Identifier: MIT
 *
 * Failures that another attempt cannot change are not retried: names that do not exist, and
 * failures that involve no other machine. */
#include "recorder.h"

#include "curl/transfer.h"
#include "engine/engine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <netdb.h>

TestSuite(permanent_failures, .fini = programs_end);

#define HOST       "api.example.com"
#define NOT_FOUND  .result = CURLE_COULDNT_RESOLVE_HOST, .unsent = true
#define SAID(what) .asked = HOST, .answer = what

static const struct slot *slot(const struct program *p)
{
    return p->shadow->binding.slot;
}

/* ---- names ----------------------------------------------------------------------------------- */

Test(permanent_failures, a_name_that_does_not_exist_is_looked_up_once)
{
    static const struct fake_attempt answers[] = {{NOT_FOUND, SAID(EAI_NONAME)},
                                                  {NOT_FOUND, SAID(EAI_NODATA)},
                                                  {NOT_FOUND, SAID(EAI_FAIL)},
                                                  {NOT_FOUND, SAID(EAI_SERVICE)}};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct program p;
        program_start(&p, &answers[i], 1);
        cr_assert_eq(program_perform(&p), CURLE_COULDNT_RESOLVE_HOST);
        cr_assert_eq(performs(&p), 1);
        cr_assert_eq(fake_of(p.handle)->dns_cache_seen[0], 0, "the option is not changed");
    }
}

Test(permanent_failures, a_name_that_does_not_exist_is_reported_as_dns)
{
    struct program p;
    START(&p, {NOT_FOUND, SAID(EAI_NONAME)});
    program_perform(&p);
    cr_assert_eq(slot(&p)->failures_by[GROUP_DNS], 1);
    cr_assert_eq(slot_counter(slot(&p), COUNT_RETRIES), 0);
}

Test(permanent_failures, a_name_server_that_is_not_ready_gets_all_attempts)
{
    struct program p;
    setenv("HARDEN_MAX_ATTEMPTS", "4", 1);
    START(&p, {NOT_FOUND, SAID(EAI_AGAIN)});
    cr_assert_eq(program_perform(&p), CURLE_COULDNT_RESOLVE_HOST);
    cr_assert_eq(performs(&p), 4);
    cr_assert_eq(slot(&p)->retries_by[GROUP_DNS], 3);
}

Test(permanent_failures, a_name_with_an_unknown_error_is_looked_up_twice)
{
    struct program p;
    START(&p, {NOT_FOUND});
    cr_assert_eq(program_perform(&p), CURLE_COULDNT_RESOLVE_HOST);
    cr_assert_eq(performs(&p), 2);
}

Test(permanent_failures, errors_of_other_names_or_earlier_look_ups_do_not_count)
{
    struct program p;
    START(&p, {NOT_FOUND, .asked = "other.example.com", .answer = EAI_NONAME});
    program_perform(&p);
    cr_assert_eq(performs(&p), 2);

    START(&p, {NOT_FOUND, SAID(EAI_NONAME)}, {NOT_FOUND}, OK_200);
    program_perform(&p);
    cr_assert_eq(performs(&p), 1);
    cr_assert_eq(program_perform(&p), CURLE_OK, "without a recorded error");
    cr_assert_eq(performs(&p), 3);
}

Test(permanent_failures, a_libcurl_that_caches_failures_must_look_up_again)
{
    struct program p;
    START(&p, {NOT_FOUND, SAID(EAI_AGAIN)}, OK_200);
    set_number(&p, CURLOPT_DNS_CACHE_TIMEOUT, 30);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(fake_of(p.handle)->dns_cache_seen[0], 30);
    cr_assert_eq(fake_of(p.handle)->dns_cache_seen[1], 0);
    cr_assert_eq(fake_of(p.handle)->dns_cache_s, 30, "the program's option is restored");

    START(&p, {NOT_FOUND, SAID(EAI_AGAIN)}, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(fake_of(p.handle)->dns_cache_s, 60, "libcurl's default");
}

Test(permanent_failures, a_failure_from_libcurls_cache_is_judged_by_its_original_error)
{
    static const struct {
        unsigned version;
        long cache_s;
        int performs;
    } rows[] = {{0x081000, 60, 1},
                {0x081000, -1, 1},
                {0x081000, LONG_MAX, 1},
                {0x081000, 0, 2},
                {0x080f00, 60, 2}};
    static const struct fake_attempt script[] = {{NOT_FOUND, SAID(EAI_NONAME)}, {NOT_FOUND}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct program p;
        struct curl_api api = fake_curl;
        api.version_num = rows[i].version;
        program_start(&p, script, 2);
        p.shadow->api = &api;
        set_number(&p, CURLOPT_DNS_CACHE_TIMEOUT, rows[i].cache_s);
        program_perform(&p);
        cr_assert_eq(performs(&p), 1);
        program_perform(&p);
        cr_assert_eq(performs(&p), 1 + rows[i].performs, "row %zu: %d", i, performs(&p));
    }
}

Test(permanent_failures, with_a_proxy_the_name_that_was_not_found_is_the_proxys)
{
    struct program p;
    START(&p, {.result = CURLE_COULDNT_RESOLVE_PROXY,
               .unsent = true,
               .asked = "proxy.example.com",
               .answer = EAI_NONAME});
    set_pointer(&p, CURLOPT_PROXY, "http://Proxy.Example.com:3128");
    cr_assert_eq(program_perform(&p), CURLE_COULDNT_RESOLVE_PROXY);
    cr_assert_eq(performs(&p), 1);
    cr_assert_eq(slot_counter(slot(&p), COUNT_FAILURES), 1);
    cr_assert_eq(p.shadow->binding.proxy.slot->failures_by[GROUP_DNS], 1);
}

Test(permanent_failures, an_internationalized_name_is_compared_in_its_encoded_form)
{
    struct program p;
    START(&p, {NOT_FOUND, .asked = "xn--bcher-kva.example", .answer = EAI_NONAME});
    set_pointer(&p, CURLOPT_URL,
                "http://B\xc3\xbc"
                "cher.example./x");
    program_perform(&p);
    cr_assert_eq(performs(&p), 1);
}

/* ---- local failures -------------------------------------------------------------------------- */

static curl_socket_t no_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)data, (void)purpose, (void)address;
    return CURL_SOCKET_BAD;
}

static int no_lookup(void *resolver, void *reserved, void *data)
{
    (void)resolver, (void)reserved, (void)data;
    return 1;
}

static void asked_once(struct program *p)
{
    CURLcode r = program_perform(p);
    cr_assert_eq(performs(p), 1, "%d: %d attempts", r, performs(p));
    cr_assert_eq(slot_counter(slot(p), COUNT_FAILURES), 0, "not counted");
}

Test(permanent_failures, an_error_of_the_programs_own_callbacks_is_final)
{
    struct program p;
    START(&p, {.result = CURLE_COULDNT_CONNECT, .unsent = true, .os_errno = -1, .error = "no"});
    set_function(&p, CURLOPT_OPENSOCKETFUNCTION, (void (*)(void))no_socket);
    asked_once(&p);

    START(&p, {NOT_FOUND});
    set_function(&p, CURLOPT_RESOLVER_START_FUNCTION, (void (*)(void))no_lookup);
    asked_once(&p);
}

Test(permanent_failures, a_failure_after_successful_callbacks_is_repeated)
{
    struct program p;
    START(&p, {.result = CURLE_COULDNT_CONNECT, .unsent = true, .os_errno = ECONNREFUSED}, OK_200);
    set_function(&p, CURLOPT_OPENSOCKETFUNCTION, (void (*)(void))no_socket);
    cr_assert_eq(program_perform(&p), CURLE_OK);

    START(&p, {NOT_FOUND, SAID(EAI_AGAIN)}, OK_200);
    set_function(&p, CURLOPT_RESOLVER_START_FUNCTION, (void (*)(void))no_lookup);
    cr_assert_eq(program_perform(&p), CURLE_OK);
}

Test(permanent_failures, a_transfer_that_libcurl_refuses_to_start_is_not_repeated)
{
    static const struct fake_attempt refusals[] = {
        {.result = CURLE_COULDNT_CONNECT, .error = "Unsupported proxy scheme for 'foo://x'"},
        {.result = CURLE_COULDNT_RESOLVE_PROXY,
         .error = "Unsupported proxy syntax in 'http://a b'"},
        {.result = CURLE_COULDNT_RESOLVE_HOST, .error = "Not resolving .onion address (RFC 7686)"},
        {.result = CURLE_COULDNT_RESOLVE_HOST, .error = "Unix socket path too long: 'aaaa'"},
        {.result = CURLE_SSL_CONNECT_ERROR, .error = "error signaled by SSL ctx callback"},
        {.result = CURLE_COULDNT_CONNECT, .error = ""}, /* no address of the wanted family */
        {.result = CURLE_PROXY, .proxy_error = CURLPX_LONG_HOSTNAME, .error = "too long"},
        {.result = CURLE_COULDNT_CONNECT, .error = "Failed to connect", .os_errno = EINVAL},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct program p;
        static struct fake_attempt script[8];
        script[i] = refusals[i];
        script[i].unsent = true;
        if (!script[i].os_errno)
            script[i].os_errno = -1;
        program_start(&p, &script[i], 1);
        asked_once(&p);
    }
}

#define TOO_SLOW                                                                                   \
    {.result = CURLE_OPERATION_TIMEDOUT,                                                           \
     .error = "Operation too slow. Less than 100 bytes/sec transferred the last 2 seconds"}

Test(permanent_failures,
     the_programs_low_speed_limit_ends_the_transfer_and_the_librarys_ends_the_attempt)
{
    struct program p;
    START(&p, TOO_SLOW);
    set_number(&p, CURLOPT_LOW_SPEED_LIMIT, 100);
    set_number(&p, CURLOPT_LOW_SPEED_TIME, 2);
    asked_once(&p);

    setenv("HARDEN_STALL_TIMEOUT", "2s", 1);
    START(&p, TOO_SLOW, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
}

Test(permanent_failures, a_failure_after_a_datagram_is_not_a_failed_connection)
{
    struct program p;
    START(&p, {.result = CURLE_OPERATION_TIMEDOUT, .unsent = true, .error = "time-out"}, OK_200);
    set_pointer(&p, CURLOPT_URL, "tftp://boot.example.com/x");
    cr_assert_eq(program_perform(&p), CURLE_OPERATION_TIMEDOUT);
    cr_assert_eq(performs(&p), 1);
}
