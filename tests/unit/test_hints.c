/* SPDX-License-Identifier: MIT
 *
 * What single header fields and combinations of them mean. */
#include "engine/policy/hint_fields.h"
#include "engine/policy/hints.h"

#include "base/clock.h"
#include "base/compiler.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#define SUN_6_NOV_1994 784111777LL
#define WALL           (SUN_6_NOV_1994 * NS_PER_S)
#define S(n)           ((int64_t)((n) * NS_PER_S))

static struct policy policy; /* without fields of its own */

static struct hint read_lines(int status, int64_t wall_ns, const char *const *lines, size_t n)
{
    static struct hint_lines kept;
    struct hint h;
    hints_reset(&kept);
    for (size_t i = 0; i < n; i++)
        hints_line(&kept, &policy, lines[i], strlen(lines[i]));
    hints_read(&kept, &policy, status, wall_ns, &h);
    return h;
}

#define LINES(...)                                                                                 \
    (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)
#define HINT(status, ...) read_lines(status, WALL, LINES(__VA_ARGS__))
#define WAIT(...)         HINT(429, __VA_ARGS__).wait_ns

Test(hints, without_a_hint_there_is_no_wait)
{
    cr_assert(eq(i64, WAIT("Content-Type: text/html\r\n", "\r\n", "", ":"), 0));
    cr_assert(not(HINT(429, "X: 1").asked));
}

Test(hints, a_wait_is_a_number_with_or_without_a_fraction_and_a_unit)
{
    static const struct {
        const char *line;
        int64_t ns;
    } rows[] = {
        {"Retry-After: 5\r\n", S(5)},
        {"retry-after:5", S(5)},
        {"Retry-After: 3.0", S(3)},
        {"Retry-After: 0.503", 503000000},
        {"Retry-After: 3.052000000", 3052000000},
        {"Retry-After: 1.0000000001", 1000000001}, /* rounded up to the ns */
        {"Retry-After: 3s", S(3)},
        {"Retry-After: 17ms", 17000000},
        {"Retry-After: 6m0s", S(360)},
        {"Retry-After: 1h2m", S(3720)},
        {"Retry-After: 2m59.56s", 179560000000},
        {"Retry-After: 565.087221ms", 565087221},
        {"Retry-After: 17\xc2\xb5s", 17000},
        {"Retry-After: 3 seconds", S(3)},
        {"Retry-After: 1 Minute 30 Seconds", S(90)},
        {"Retry-After: PT1M30S", S(90)},
        {"Retry-After: PT0.5S", 500000000},
        {"Retry-After: 00:01:30", S(90)},
        {"Retry-After: \"3\"", S(3)},
        {"Retry-After: 3;comment", S(3)},
        {"Retry-After: 3, 3", S(3)},
        {"Retry-After: 3, 7, 5", S(7)},
        {"retry-after-ms: 3000", S(3)},
        {"x-ms-retry-after-ms: 17.5", 17500000},
    };
    for (size_t i = 0; i < array_size(rows); i++)
        cr_assert(eq(i64, WAIT(rows[i].line), rows[i].ns), "%s", rows[i].line);
}

Test(hints, a_large_number_is_a_moment_in_s_ms_us_or_ns)
{
    int64_t wall = S(1796000000);
    static const struct {
        const char *line;
        int64_t ns;
    } rows[] = {
        {"Retry-After: 1796000003", S(3)},
        {"Retry-After: 1796000003.25", 3250000000},
        {"Retry-After: 1796000003250", 3250000000},
        {"Retry-After: 1796000003000000", S(3)},
        {"Retry-After: 1796000003000000000", S(3)},
        {"retry-after-ms: 1796000003", S(3)},
        {"Retry-After: 1795999999", 0},
        {"Retry-After: 2147483647", 0}, /* in 11 years */
        {"Retry-After: 99999999999999999999999999", 0},
    };
    for (size_t i = 0; i < array_size(rows); i++) {
        struct hint h = read_lines(429, wall, LINES(rows[i].line));
        cr_assert(eq(i64, h.wait_ns, rows[i].ns), "%s", rows[i].line);
        cr_assert(eq(int, h.misread, i >= 7), "%s", rows[i].line);
    }
}

Test(hints, dates_are_read_in_all_forms_that_servers_send)
{
    static const char *const same[] = {
        "Sun, 06 Nov 1994 08:49:40 GMT",
        "Sunday, 06-Nov-94 08:49:40 GMT",
        "Sun Nov  6 08:49:40 1994",
        "Sun, 06 Nov 1994 08:49:40 UTC",
        "Sun, 06 Nov 1994 08:49:40 +0000",
        "Sun, 06 Nov 1994 09:49:40 +0100",
        "Sun, 06 Nov 1994 03:49:40 -0500",
        "Sun, 6 Nov 1994 08:49:40 GMT",
        "06 Nov 1994 08:49:40 GMT",
        "Sun Nov  6 08:49:40 UTC 1994",
        "Sun Nov 06 1994 09:49:40 GMT+0100 (Central European Standard Time)",
        "1994-11-06T08:49:40Z",
        "1994-11-06t08:49:40.000z",
        "1994-11-06T09:49:40+01:00",
        "1994-11-06T09:49:40+0100",
        "1994-11-06 08:49:40",
        "1994-11-06 08:49:40 UTC",
        "1994-11-06 08:49:40 +0000",
        "1994-11-06\t 08:49:40Z",
    };
    for (size_t i = 0; i < array_size(same); i++) {
        char line[120] = "Retry-After: ";
        strcat(line, same[i]);
        cr_assert(eq(i64, WAIT(line), S(3)), "%s", same[i]);
        strcat(line, ", 2");
        cr_assert(eq(i64, WAIT(line), S(3)), "in a list: %s", same[i]);
    }
    cr_assert(eq(i64, WAIT("Retry-After: 1994-11-06T08:50Z"), S(23)));
    cr_assert(
        eq(i64, WAIT("Date: 2100-02-28T23:59:58Z", "Retry-After: 2100-03-01T00:00:01Z"), S(3)));
    cr_assert(
        eq(i64, WAIT("Date: 2100-12-31T23:59:58Z", "Retry-After: 2101-01-01T00:00:01Z"), S(3)));
    cr_assert(eq(i64, WAIT("Retry-After: 1994-11-07"), S(54623)));
    cr_assert(eq(i64,
                 read_lines(429, 1709208000 * NS_PER_S - 1,
                            LINES("Retry-After: Thu, 29 Feb 2024 12:00:00 GMT"))
                     .wait_ns,
                 NS_PER_S));
}

Test(hints, what_cannot_be_read_is_no_hint)
{
    static const char *const bad[] = {
        "-5",
        "1.",
        "5 parsecs",
        "",
        "soon",
        "3 or 4",
        "3/4",
        "1e3",
        "0x10",
        "1:2",
        "99:99:99",
        "PT",
        "P3",
        "Sun",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nov 1994 08:49:37 GMT!",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 2023 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "1994-13-06T08:49:37Z",
        "1994-11-06T08:49:37X",
        "1994-11-06T8:49",
    };
    for (size_t i = 0; i < array_size(bad); i++) {
        char line[80] = "Retry-After: ";
        struct hint h = HINT(429, strcat(line, bad[i]));
        cr_assert(eq(i64, h.wait_ns, 0), "%s", bad[i]);
        cr_assert(not(h.asked || h.misread), "%s", bad[i]);
    }
    cr_assert(
        eq(i64, WAIT("Retry-After : 5", "Retry-Afterx: 5", "Retry-After", "xRetry-After: 5"), 0));
    cr_assert(eq(i64, WAIT("Retry-After: 7", "Retry-After: soon"), S(7)));
}

Test(hints, moments_are_measured_against_the_servers_own_clock)
{
    /* Relative to its own Date the server asks for 30 s, even if both clocks are wrong. */
    cr_assert(eq(
        i64,
        WAIT("Date: Mon, 01 Jan 2001 00:00:00 GMT", "Retry-After: Mon, 01 Jan 2001 00:00:30 GMT"),
        S(30)));
    cr_assert(eq(i64, WAIT("Retry-After: Sun, 06 Nov 1994 08:49:00 GMT"), 0));
    cr_assert(HINT(429, "Retry-After: Sun, 06 Nov 1994 08:49:00 GMT").asked);
}

Test(hints, a_fraction_of_a_second_is_not_lost_to_the_date)
{
    const char *date = "Date: Sun, 29 Nov 2026 21:33:20 GMT"; /* 1795988000 */
    int64_t wall = 1795988000900 * NS_PER_MS;
#define AT(wall, line) read_lines(429, wall, LINES(date, line)).wait_ns
    cr_assert(eq(i64, AT(wall, "Retry-After: 1795988003900"), S(3)));
    cr_assert(eq(i64, AT(wall, "Retry-After: 1795988003"), S(3))); /* cut like Date */
    /* The clocks disagree: never earlier than asked. */
    cr_assert(eq(i64, AT(wall + S(7), "Retry-After: 1795988003900"), 3900000000));
    cr_assert(eq(i64, AT(wall - S(7), "Retry-After: 1795988003900"), 3900000000));
}

Test(hints, folded_lines_belong_together)
{
    cr_assert(eq(i64, WAIT("Retry-After:\r\n", " 3\r\n"), S(3)));
    cr_assert(eq(i64, WAIT("RateLimit: \"a\";r=0\r\n", "\t;t=5\r\n"), S(5)));
    struct hint_lines kept;
    struct hint h;
    hints_reset(&kept);
    hints_line(&kept, &policy, "Retry-After: 3", 14);
    hints_other_line(&kept); /* "Via: a" */
    hints_line(&kept, &policy, " b", 2);
    hints_line(&kept, &policy, "Retry-After: 4", 14);
    hints_line(&kept, &policy, "X-Cache: a", 10);
    hints_line(&kept, &policy, " b", 2);
    hints_read(&kept, &policy, 429, WALL, &h);
    cr_assert(eq(i64, h.wait_ns, S(4)));
}

Test(hints, only_the_last_response_counts)
{
    struct hint_lines kept;
    struct hint h;
    hints_reset(&kept);
    hints_line(&kept, &policy, "Retry-After: 5", 14);
    hints_line(&kept, &policy, "Date: Mon, 01 Jan 2001 00:00:00 GMT", 35);
    hints_reset(&kept);
    const char *next = "Retry-After: Sun, 06 Nov 1994 08:49:38 GMT"; /* our clock counts again */
    hints_line(&kept, &policy, next, strlen(next));
    hints_read(&kept, &policy, 429, WALL, &h);
    cr_assert(eq(i64, h.wait_ns, NS_PER_S));
    hints_reset(&kept);
    hints_line(&kept, &policy, "X-RateLimit-Limit: 5", 20);
    hints_read(&kept, &policy, 429, WALL, &h);
    cr_assert(eq(i64, h.wait_ns, 0));
    cr_assert(not(h.asked));
}

Test(hints, a_reset_counts_only_when_nothing_remains)
{
    cr_assert(eq(i64, WAIT("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 12"), S(12)));
    cr_assert(eq(i64, WAIT("X-RateLimit-Remaining: 0.0", "X-RateLimit-Reset: 3"), S(3)));
    cr_assert(eq(i64, WAIT("X-RateLimit-Remaining: 0;w=60", "X-RateLimit-Reset: 3"), S(3)));
    cr_assert(eq(i64, WAIT("X-RateLimit-Remaining: 1", "X-RateLimit-Reset: 12"), 0));
    cr_assert(eq(i64, WAIT("X-RateLimit-Remaining: 0.1", "X-RateLimit-Reset: 12"), 0));
    cr_assert(eq(i64, WAIT("RateLimit-Remaining: 0;w=60"), 0));
    cr_assert(eq(i64, WAIT("RateLimit: \"p\";r=50;t=30"), 0));
    cr_assert(eq(i64, WAIT("RateLimit: \"p\";r=0;t=30"), S(30)));
    cr_assert(eq(i64, WAIT("ratelimit: p; t=30 ; r=0"), S(30)));
    cr_assert(eq(i64, WAIT("RateLimit: limit=5, remaining=0, reset=3"), S(3)));
    cr_assert(eq(i64, WAIT("RateLimit: limit=5, remaining=1, reset=3"), 0));
    cr_assert(eq(i64, WAIT("RateLimit: \"p\";r=0"), 0));
    cr_assert(eq(i64, WAIT("RateLimit: \"p\";t=3200"), 0));
    cr_assert(eq(i64, WAIT("RateLimit: \"x;r=0;t=7,y\";r=9;t=5"), 0));
    cr_assert(eq(i64, WAIT("RateLimit-Policy: \"p\";q=100;w=60"), 0));
}

Test(hints, a_throttled_request_waits_for_a_reset_without_a_remainder)
{
    cr_assert(eq(i64, WAIT("RateLimit-Limit: 5", "RateLimit-Reset: 3"), S(3)));
    cr_assert(eq(i64, HINT(503, "RateLimit-Limit: 5", "RateLimit-Reset: 3").wait_ns, 0));
    cr_assert(eq(i64, HINT(200, "RateLimit-Limit: 5", "RateLimit-Reset: 3").wait_ns, 0));
}

Test(hints, no_quota_takes_the_reset_of_another)
{
    cr_assert(eq(i64, WAIT("RateLimit: \"a\";r=0;t=5, \"b\";r=7;t=900, \"c\";r=0;t=8"), S(8)));
    cr_assert(eq(i64, WAIT("RateLimit: \"b\";r=7;t=900", "RateLimit: \"a\";r=0;t=5"), S(5)));
    cr_assert(eq(
        i64,
        WAIT("RateLimit: \"day\";r=50;t=40000", "X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 3"),
        S(3)));
    cr_assert(eq(i64, WAIT("X-RateLimit-Remaining: 0, 990", "X-RateLimit-Reset: 3, 3600"), S(3)));
    cr_assert(eq(i64,
                 WAIT("X-RateLimit-Remaining: 990", "X-RateLimit-Remaining: 0",
                      "X-RateLimit-Reset: 3600", "X-RateLimit-Reset: 3"),
                 S(3)));
    cr_assert(eq(i64,
                 WAIT("x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 3s",
                      "x-ratelimit-remaining-tokens: 100", "x-ratelimit-reset-tokens: 6m0s"),
                 S(3)));
    cr_assert(eq(i64,
                 WAIT("x-ratelimit-remaining-requests: 0", "x-ratelimit-remaining-tokens: 100",
                      "x-ratelimit-reset-tokens: 6m0s", "x-ratelimit-reset-requests: 3s"),
                 S(3)));
    cr_assert(eq(
        i64, WAIT("X-RateLimit-Remaining: 0", "RateLimit-Remaining: 5", "RateLimit-Reset: 60"), 0));
    cr_assert(eq(i64,
                 WAIT("X-RateLimit-Usage: 601,1234", "X-RateLimit-Limit: 600,30000",
                      "X-RateLimit-Reset: 3,4000"),
                 S(3)));
}

Test(hints, the_name_of_a_quota_has_no_case)
{
    cr_assert(eq(i64, WAIT("X-RateLimit-Remaining-Day: 0", "x-ratelimit-reset-day: 3"), S(3)));
}

Test(hints, a_wait_and_a_reset_are_weighed_against_each_other)
{
    const char *none = "X-RateLimit-Remaining: 0", *in_3 = "X-RateLimit-Reset: 3";
    cr_assert(eq(i64, WAIT("Retry-After: 2", none, in_3), S(2)));
    cr_assert(eq(i64, WAIT("Retry-After: 0", none, in_3), S(3)));
    cr_assert(eq(i64, WAIT("Retry-After: 0"), 0));
    cr_assert(eq(i64, WAIT("Retry-After: 3000", none, in_3), S(3)));
    cr_assert(eq(i64, WAIT("Retry-After: 600", none, in_3), S(600)));
    cr_assert(eq(i64, WAIT("Retry-After: 999999", none, in_3), S(3)));
    cr_assert(eq(i64, WAIT("Retry-After: 2", "Retry-After: 3", "X-Retry-In: 1"), S(3)));
    cr_assert(eq(i64, WAIT("X-RateLimit-Reset-After: 3"), S(3)));
    cr_assert(eq(i64, HINT(503, "X-RateLimit-Reset-After: 3").wait_ns, S(3)));
    cr_assert(
        eq(i64, HINT(503, "X-RateLimit-Reset-After: 3", "X-RateLimit-Remaining: 4").wait_ns, 0));
}

Test(hints, more_than_a_day_is_a_misread_time)
{
    struct hint h = HINT(429, "Retry-After: 86401");
    cr_assert(eq(i64, h.wait_ns, 0));
    cr_assert(h.misread);
    cr_assert(not(h.asked));
    cr_assert(eq(str, (char *)h.line, (char *)"Retry-After: 86401"));
    cr_assert(eq(i64, WAIT("Retry-After: 86400"), S(86400)));
    cr_assert(HINT(429, "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT").misread);
}

Test(hints, a_server_can_say_do_not_retry)
{
    cr_assert(HINT(429, "x-should-retry: false").never);
    cr_assert(HINT(429, "stripe-should-retry: False\r\n").never);
    cr_assert(HINT(503, "grpc-retry-pushback-ms: -1").never);
    cr_assert(not(HINT(429, "x-should-retry: true").never));
    cr_assert(not(HINT(503, "grpc-retry-pushback-ms: 3000").never));
    cr_assert(eq(i64, HINT(503, "grpc-retry-pushback-ms: 3000").wait_ns, S(3)));
}

Test(hints, an_error_can_be_named_throttling)
{
    cr_assert(HINT(400, "x-amzn-ErrorType: ThrottlingException").throttled);
    cr_assert(HINT(400, "x-amzn-errortype: ProvisionedThroughputExceededException:").throttled);
    cr_assert(HINT(503, "x-amzn-errortype: SlowDown").throttled);
    cr_assert(not(HINT(400, "x-amzn-errortype: ValidationException").throttled));
    cr_assert(not(HINT(400, "x-amzn-errortype: SlowDow").throttled));
}

Test(hints, after_a_success_only_a_used_up_quota_of_the_host_matters)
{
    const char *none = "X-RateLimit-Remaining: 0", *in_50 = "X-RateLimit-Reset: 50";
    cr_assert(eq(i64, HINT(200, "Retry-After: 3").wait_ns, 0));
    struct hint h = HINT(200, "Retry-After: 3", none, in_50);
    cr_assert(eq(i64, h.wait_ns, S(50)));
    cr_assert(eq(int, hint_scope(&h, 200), HINT_OF_QUOTA));
    h = HINT(200, none, in_50, "X-RateLimit-Resource: search");
    cr_assert(eq(int, hint_scope(&h, 200), HINT_OF_REQUEST));
    h = HINT(429, none, in_50, "X-RateLimit-Resource: search");
    cr_assert(eq(int, hint_scope(&h, 429), HINT_OF_HOST));
    h = HINT(200, "X-RateLimit-Limit: 0", none, in_50);
    cr_assert(eq(i64, h.wait_ns, 0));
    h = HINT(200, "X-Shopify-Shop-Api-Call-Limit: 40/40");
    cr_assert(h.exhausted);
    cr_assert(eq(int, hint_scope(&h, 200), HINT_OF_REQUEST));
    h = HINT(200, "anthropic-ratelimit-unified-status: rejected",
             "anthropic-ratelimit-unified-reset: 50");
    cr_assert(eq(i64, h.wait_ns, S(50)));
    h = HINT(200, "X-Sentry-Rate-Limits: 60:error:organization, 2700::project");
    cr_assert(eq(int, hint_scope(&h, 200), HINT_OF_REQUEST));
    cr_assert(eq(i64, WAIT("X-Sentry-Rate-Limits: 60:error:organization"), S(60)));
}

Test(hints, a_configured_field_is_read_in_its_unit)
{
    policy.hints = (struct custom_hints){
        .count = 4,
        .at = {{"X-Slow", HINT_S}, {"X-Slow-Ms", HINT_MS}, {"When", HINT_DATE}, {"Q", HINT_EPOCH}}};
    cr_assert(eq(i64, WAIT("x-slow: 3"), S(3)));
    cr_assert(eq(i64, WAIT("X-SLOW-MS: 3000"), S(3)));
    cr_assert(eq(i64, WAIT("When: Sun, 06 Nov 1994 08:49:40 GMT"), S(3)));
    cr_assert(eq(i64, WAIT("When: 3"), 0));
    cr_assert(eq(i64, read_lines(429, S(1796000000), LINES("q: 1796000003")).wait_ns, S(3)));
    cr_assert(eq(i64, WAIT("q: 3"), 0));
    uint64_t letters = hint_letters_of(&policy.hints);
    cr_assert(eq(int, letters >> ('w' & 63) & letters >> ('Q' & 63) & 1, 1));
    memset(&policy.hints, 0, sizeof policy.hints);
    cr_assert(eq(u64, hint_letters_of(&policy.hints), hint_field_letters));
}

Test(hints, the_line_that_decided_is_known)
{
    struct hint h = HINT(429, "Retry-After: 2\r\n", "Retry-After: 3\r\n", "X-Retry-In: 1\r\n");
    cr_assert(eq(str, (char *)h.line, (char *)"Retry-After: 3"));
    h = HINT(429, "X-RateLimit-Remaining: 0", "x-ratelimit-reset:  3 ");
    cr_assert(eq(str, (char *)h.line, (char *)"x-ratelimit-reset:  3"));
}

Test(hints, a_line_needs_no_terminator)
{
    static const char bytes[] = {'R', 'e', 't', 'r', 'y', '-', 'A', 'f', 't', 'e', 'r', ':', '4'};
    struct hint_lines kept;
    struct hint h;
    hints_reset(&kept);
    hints_line(&kept, &policy, bytes, sizeof bytes);
    hints_read(&kept, &policy, 429, WALL, &h);
    cr_assert(eq(i64, h.wait_ns, S(4)));
}

Test(hints, more_lines_than_fit_do_no_harm)
{
    struct hint_lines kept;
    struct hint h;
    char line[200];
    hints_reset(&kept);
    hints_line(&kept, &policy, "Retry-After: 4", 14);
    for (int i = 0; i < 1000; i++) {
        int n = snprintf(line, sizeof line, "X-RateLimit-Remaining-%d: 0%*s5", i, i % 150, "");
        hints_line(&kept, &policy, line, (size_t)n);
        hints_line(&kept, &policy, " more", 5);
    }
    hints_read(&kept, &policy, 429, WALL, &h);
    cr_assert(eq(i64, h.wait_ns, S(4)));
}

Test(hints, every_field_is_found_by_its_name_and_none_by_a_longer_one)
{
    static const char *const names[] = {"Retry-After",
                                        "RetryAfter",
                                        "RateLimit",
                                        "Rate-Limit-Reset",
                                        "RateLimitBySize-Reset",
                                        "X-RateLimit-Remaining",
                                        "anthropic-ratelimit-input-tokens-reset",
                                        "X-RateLimit-Requests-Remaining",
                                        "Date",
                                        "x-rate-limit-retry-after-seconds",
                                        "X-Retry-In",
                                        "X-Esi-Error-Limit-Remain",
                                        "Beta-RateLimit",
                                        "Fastly-RateLimit-Reset",
                                        "fitbit-rate-limit-reset",
                                        "grpc-retry-pushback-ms",
                                        "gw-ratelimit-reset",
                                        "stripe-should-retry",
                                        "X-Should-Retry",
                                        "X-Shopify-Shop-Api-Call-Limit",
                                        "X-Throttle-Wait-Seconds",
                                        "x-ms-retry-after-ms",
                                        "x-hb-ratelimit-requests-expire",
                                        "x-amzn-ErrorType",
                                        "X-Bapi-Limit-Status",
                                        "X-App-Limit-24hour-Reset",
                                        "X-User-Limit-24hour-Reset",
                                        "X-Contentful-RateLimit-Reset",
                                        "X-Sentry-Rate-Limits",
                                        "x-sib-ratelimit-reset"};
    size_t n;
    for (size_t i = 0; i < array_size(names); i++) {
        char line[80];
        snprintf(line, sizeof line, "%s: 1", names[i]);
        cr_assert(hint_field_find(&policy, line, strlen(line), &n) != NULL, "%s", names[i]);
        cr_assert(eq(sz, n, strlen(names[i])));
        cr_assert(hint_field_letters >> (line[0] & 63) & 1);
        line[strlen(names[i]) - 1] ^= 1;
        cr_assert(hint_field_find(&policy, line, strlen(line), &n) == NULL, "%s", line);
        snprintf(line, sizeof line, "%sx: 1", names[i]);
        cr_assert(hint_field_find(&policy, line, strlen(line), &n) == NULL, "%s", line);
    }
}
