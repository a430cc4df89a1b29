/* SPDX-License-Identifier: MIT
 *
 * The host that the options of a handle lead to, and the error text of a refusal. */
#include "recorder.h"

#include "base/clock.h"
#include "curl/refusal.h"
#include "curl/target.h"
#include "curl/transfer.h"
#include "curl/url.h"

#include <criterion/criterion.h>

TestSuite(host, .fini = programs_end);

/* The name that is shown. */
static const char *name_of(const char *url, long port)
{
    static struct program p;
    START(&p, OK_200);
    set_pointer(&p, CURLOPT_URL, url);
    set_number(&p, CURLOPT_PORT, port);
    return target_bind(p.shadow, engine_get(), clock_now_ns()) ? p.shadow->binding.name : "";
}

Test(host, all_spellings_of_a_host_are_one_host)
{
    cr_assert_str_eq(name_of("http://Example.COM./x", 0), "example.com");
    cr_assert_str_eq(name_of("https://example.com:443", 0), "example.com");
    cr_assert_str_eq(name_of("http://[fe80::1%25eth0]/", 0), "fe80::1");
    cr_assert_str_eq(name_of("http://[FE80::1%25eth1]:81/", 0), "[fe80::1]:81");
    cr_assert_str_eq(name_of("http://./", 0), ".");
}

Test(host, an_ipv6_zone_is_not_part_of_the_host)
{
    char with_zone[] = "[FE80::1%25eth0]", without[] = "[::1]", name[] = "Example.COM.";
    cr_assert_str_eq(url_plain_host(with_zone), "fe80::1");
    cr_assert_str_eq(url_plain_host(without), "::1");
    cr_assert_str_eq(url_plain_host(name), "example.com");
}

Test(host, the_port_option_overrides_the_port_of_the_url)
{
    cr_assert_str_eq(name_of("http://example.com:81/", 0), "example.com:81");
    cr_assert_str_eq(name_of("http://example.com:81/", 82), "example.com:82");
    cr_assert_str_eq(name_of("http://example.com:81/", 80), "example.com");
}

Test(host, a_url_without_host_has_no_name)
{
    cr_assert_str_eq(name_of("file:///etc/passwd", 0), "");
}

Test(host, a_scheme_that_is_not_covered_has_no_host)
{
    cr_assert_str_eq(name_of("smb://files.example/a", 0), "files.example");
    cr_assert_str_eq(name_of("smbs://files.example/a", 0), "");
    cr_assert_str_eq(name_of("unknown://files.example/a", 0), "");
}

Test(host, a_refusal_names_the_whole_seconds_until_the_next_try)
{
    struct program p;
    START(&p, OK_200);
    int64_t now_ns = clock_now_ns();
    cr_assert(target_bind(p.shadow, engine_get(), now_ns));
    static struct transfer t;
    call_begin(&t.call, &p.shadow->binding, 0, now_ns);
    p.shadow->transfer = &t;
    struct admission why = {.why = REFUSED_RATE, .at_ns = now_ns + 1500 * NS_PER_MS};
    cr_assert_eq(refusal_result(p.shadow, &why, now_ns), CURLE_OPERATION_TIMEDOUT);
    cr_assert_str_eq(p.error,
                     "harden: rate limit of api.example.com reached, needs 2 s, max_wait = 30s "
                     "allows no more (default)");
    why.why = REFUSED_PAUSE;
    cr_assert_eq(refusal_result(p.shadow, &why, now_ns), CURLE_OPERATION_TIMEDOUT);
    cr_assert_str_eq(p.error,
                     "harden: api.example.com asked for a pause, needs 2 s, max_wait = 30s "
                     "allows no more (default)");
    pause_raise(p.shadow->binding.slot, 2 * NS_PER_S, true, 429, "Retry-After: 2", now_ns);
    cr_assert_eq(refusal_result(p.shadow, &why, now_ns), CURLE_OPERATION_TIMEDOUT);
    cr_assert_str_eq(p.error,
                     "harden: api.example.com asked for a pause (Retry-After: 2), needs 2 s, "
                     "max_wait = 30s allows no more (default)");
    why = (struct admission){.why = REFUSED_BREAKER, .at_ns = now_ns + NS_PER_S};
    cr_assert_eq(refusal_result(p.shadow, &why, now_ns), CURLE_COULDNT_CONNECT);
    cr_assert_str_eq(
        p.error, "harden: circuit open for api.example.com, retry in 1 s, breaker = on (default)");
    why.at_ns = now_ns - NS_PER_S;
    refusal_result(p.shadow, &why, now_ns);
    cr_assert_str_eq(
        p.error, "harden: circuit open for api.example.com, retry in 0 s, breaker = on (default)");
    p.shadow->transfer = NULL;
}
