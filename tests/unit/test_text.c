/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/text.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <locale.h>
#include <string.h>
#include <time.h>

static char buf[256];
static struct text t;

static void fresh(void)
{
    t = TEXT_OVER(buf);
    buf[0] = '\0';
}

TestSuite(text, .init = fresh);

static const char *at(int64_t wall_ns)
{
    fresh();
    text_time(&t, wall_ns);
    return buf;
}

Test(text, omits_text_that_does_not_fit_and_records_it)
{
    char small[6];
    struct text s = TEXT_OVER(small);
    text_put(&s, "abc");
    cr_assert(!s.full);
    text_put(&s, "defg");
    cr_assert(s.full);
    cr_assert_str_eq(small, "abcde");
    text_fmt(&s, "%d", 12345);
    text_u64(&s, 7);
    cr_assert_str_eq(small, "abcde");
    cr_assert_eq(s.n, 5u);
}

Test(text, truncates_formatted_text_at_the_end_of_the_buffer)
{
    char small[8];
    struct text s = TEXT_OVER(small);
    errno = EXDEV;
    text_fmt(&s, "%s-%d", "abcd", 12345);
    cr_assert(s.full);
    cr_assert_str_eq(small, "abcd-12");
    cr_assert_eq(s.n, 7u);
    cr_assert_eq(errno, EXDEV);
}

Test(text, writes_numbers_exactly)
{
    text_u64(&t, 0);
    text_put(&t, " ");
    text_u64(&t, UINT64_MAX);
    cr_assert_str_eq(buf, "0 18446744073709551615");
}

Test(text, writes_decimals_without_trailing_zeros_in_any_locale)
{
    setlocale(LC_ALL, "de_DE.UTF-8");
    static const struct {
        int64_t v;
        int decimals;
        const char *want;
    } cases[] = {
        {81250, 3, "81.25"}, {81000, 3, "81"},
        {5, 3, "0.005"},     {0, 9, "0"},
        {-1500, 3, "-1.5"},  {1, 9, "0.000000001"},
        {42, 0, "42"},       {INT64_MIN, 0, "-9223372036854775808"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fresh();
        text_fixed(&t, cases[i].v, cases[i].decimals);
        cr_assert_str_eq(buf, cases[i].want);
    }
}

Test(text, writes_dates_correctly)
{
    cr_assert_str_eq(at(0), "1970-01-01T00:00:00.000Z");
    cr_assert_str_eq(at(1769335200123456789), "2026-01-25T10:00:00.123Z");
    cr_assert_str_eq(at(951782400 * NS_PER_S), "2000-02-29T00:00:00.000Z");
    cr_assert_str_eq(at(4107542399 * NS_PER_S), "2100-02-28T23:59:59.000Z");
    cr_assert_str_eq(at(4107542400 * NS_PER_S), "2100-03-01T00:00:00.000Z");
}

Test(text, dates_agree_with_libc_for_two_centuries)
{
    for (int64_t s = 86399; s < 9200000000; s += 86400) {
        char want[64];
        time_t c = s;
        struct tm tm;
        gmtime_r(&c, &tm);
        strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
        cr_assert_str_eq(at(s * NS_PER_S), want);
    }
}
