/* SPDX-License-Identifier: MIT */
#include "engine/policy/hints.h"

#include "base/clock.h"
#include "base/compiler.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#define SUN_6_NOV_1994 784111777LL
#define WALL           (SUN_6_NOV_1994 * NS_PER_S)
#define TEN_YEARS_NS   (10LL * 365 * 86400 * NS_PER_S)

static int64_t wait_after(const char *const *lines, size_t n)
{
    struct hints h;
    hints_reset(&h);
    for (size_t i = 0; i < n; i++)
        hints_line(&h, lines[i], strlen(lines[i]));
    return hints_wait_ns(&h, WALL);
}

#define WAIT(...)                                                                                  \
    wait_after((const char *const[]){__VA_ARGS__},                                                 \
               sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

Test(hints, without_a_hint_there_is_no_pause)
{
    cr_assert(eq(i64, WAIT("Content-Type: text/html\r\n", "\r\n", "", ":"), -1));
}

Test(hints, retry_after_in_seconds)
{
    cr_assert(eq(i64, WAIT("Retry-After: 5\r\n"), 5 * NS_PER_S));
    cr_assert(eq(i64, WAIT("retry-after:5"), 5 * NS_PER_S));
    cr_assert(eq(i64, WAIT("RETRY-AFTER: \t 0 \r\n"), 0));
    cr_assert(eq(i64, WAIT("Retry-After: 99999999999999999999999999\r\n"), TEN_YEARS_NS));
}

Test(hints, malformed_fields_are_ignored)
{
    cr_assert(eq(i64,
                 WAIT("Retry-After: -5", "Retry-After: 1.5", "Retry-After: 5s",
                      "Retry-After:", "Retry-After: soon", "Retry-After : 5", " Retry-After: 5",
                      "Retry-After: Sun, 06 Nov 1994 08:49:37", "Retry-Afterx: 5", "Retry-After"),
                 -1));
}

Test(hints, a_malformed_field_does_not_undo_a_good_one)
{
    cr_assert(eq(i64, WAIT("Retry-After: 7", "Retry-After: soon"), 7 * NS_PER_S));
}

Test(hints, retry_after_as_a_date_is_measured_against_the_servers_own_clock)
{
    /* Relative to its own Date the server asks for 30 s, even if both clocks are wrong. */
    cr_assert(eq(
        i64,
        WAIT("Date: Mon, 01 Jan 2001 00:00:00 GMT", "Retry-After: Mon, 01 Jan 2001 00:00:30 GMT"),
        30 * NS_PER_S));
    cr_assert(eq(i64, WAIT("Retry-After: Sun, 06 Nov 1994 08:50:37 GMT"), 60 * NS_PER_S));
    cr_assert(eq(i64, WAIT("Retry-After: Sun, 06 Nov 1994 08:49:00 GMT"), 0));
    cr_assert(eq(i64, WAIT("Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"), TEN_YEARS_NS));
}

Test(hints, only_the_last_response_counts)
{
    struct hints h;
    hints_reset(&h);
    hints_line(&h, "Retry-After: 5", 14);
    cr_assert(hints_has_retry_after(&h));
    hints_reset(&h);
    cr_assert(not(hints_has_retry_after(&h)));
    cr_assert(eq(i64, hints_wait_ns(&h, WALL), -1));
}

Test(hints, a_rate_limit_counts_only_when_nothing_remains)
{
    cr_assert(eq(i64, WAIT("RateLimit: \"p\";r=50;t=30"), -1));
    cr_assert(eq(i64, WAIT("RateLimit: \"p\";r=0;t=30"), 30 * NS_PER_S));
    cr_assert(eq(i64, WAIT("ratelimit: p; t=30 ; r=0"), 30 * NS_PER_S));
    cr_assert(eq(i64, WAIT("RateLimit: \"p\";r=0"), -1));
    cr_assert(eq(i64, WAIT("RateLimit-Policy: \"p\";q=100;w=60"), -1));
}

Test(hints, of_several_quotas_the_empty_one_with_the_latest_reset_counts)
{
    cr_assert(
        eq(i64, WAIT("RateLimit: \"a\";r=0;t=5, \"b\";r=7;t=900, \"c\";r=0;t=8"), 8 * NS_PER_S));
    cr_assert(eq(i64, WAIT("RateLimit: \"a,b;r=0;t=1\\\",\";r=9;t=60"), -1));
    cr_assert(
        eq(i64, WAIT("RateLimit: \"b\";r=7;t=900", "RateLimit: \"a\";r=0;t=5"), 5 * NS_PER_S));
}

Test(hints, retry_after_takes_precedence_over_rate_limit_fields)
{
    cr_assert(eq(i64, WAIT("RateLimit: \"p\";r=0;t=30", "Retry-After: 2"), 2 * NS_PER_S));
}

Test(hints, the_older_rate_limit_fields_give_seconds_or_a_date)
{
    cr_assert(eq(i64, WAIT("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 12"), 12 * NS_PER_S));
    cr_assert(eq(i64, WAIT("X-RateLimit-Remaining: 1", "X-RateLimit-Reset: 12"), -1));
    cr_assert(eq(i64, WAIT("X-RateLimit-Reset: 12"), -1));
    cr_assert(eq(i64, WAIT("RateLimit-Remaining: 0", "RateLimit-Reset: 3"), 3 * NS_PER_S));
    cr_assert(eq(i64,
                 WAIT("X-RateLimit-Remaining: 0", "Date: Sun, 09 Sep 2001 01:46:40 GMT",
                      "X-RateLimit-Reset: 1000000050"),
                 50 * NS_PER_S));
    cr_assert(eq(i64,
                 WAIT("X-RateLimit-Remaining: 0", "Date: Sun, 09 Sep 2001 01:46:40 GMT",
                      "X-RateLimit-Reset: 1000000050000"),
                 50 * NS_PER_S));
    cr_assert(eq(i64, WAIT("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1.2"), 2 * NS_PER_S));
    cr_assert(eq(i64, WAIT("X-RateLimit-Remaining: 0", "X-RateLimit-Reset: 1."), -1));
}

Test(hints, dates_are_read_in_all_three_forms)
{
    static const char *const same[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                       "Sunday, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov  6 08:49:37 1994"};
    for (size_t i = 0; i < array_size(same); i++)
        cr_assert(eq(i64, hints_date_s(same[i], strlen(same[i])), SUN_6_NOV_1994));
    cr_assert(eq(i64, hints_date_s("Thu, 01 Jan 1970 00:00:00 GMT", 29), 0));
    cr_assert(eq(i64, hints_date_s("Thu, 29 Feb 2024 12:00:00 GMT", 29), 1709208000));
    cr_assert(eq(i64, hints_date_s("Fri, 01 Mar 2024 00:00:00 GMT", 29), 1709251200));
    cr_assert(eq(i64, hints_date_s("Tue, 31 Dec 2069 23:59:59 GMT", 29), 3155759999));
    cr_assert(eq(i64, hints_date_s("Tuesday, 01-Jan-30 00:00:00 GMT", 31), 1893456000));
}

Test(hints, impossible_dates_are_ignored)
{
    static const char *const bad[] = {
        "",
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
    };
    for (size_t i = 0; i < array_size(bad); i++)
        cr_assert(eq(i64, hints_date_s(bad[i], strlen(bad[i])), -1), "%s", bad[i]);
}

Test(hints, a_line_needs_no_terminator)
{
    static const char bytes[] = {'R', 'e', 't', 'r', 'y', '-', 'A', 'f', 't', 'e', 'r', ':', '4'};
    struct hints h;
    hints_reset(&h);
    hints_line(&h, bytes, sizeof bytes);
    cr_assert(eq(i64, h.retry_after_s, 4));
}
