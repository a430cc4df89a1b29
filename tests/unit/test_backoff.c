/* SPDX-License-Identifier: MIT */
#include "engine/policy/backoff.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define BASE (500 * NS_PER_MS)

static struct policy policy_of(enum jitter jitter)
{
    return (struct policy){.base_delay_ns = BASE, .max_delay_ns = 5 * NS_PER_S, .jitter = jitter};
}

static int64_t delay(enum jitter jitter, int attempt, int64_t previous, uint64_t random)
{
    struct policy p = policy_of(jitter);
    return backoff_delay_ns(&p, p.base_delay_ns, attempt, previous, random);
}

Test(backoff, without_jitter_doubles_up_to_the_cap)
{
    static const int64_t want_ms[] = {500, 1000, 2000, 4000, 5000, 5000};
    for (int n = 1; n <= 6; n++)
        cr_assert(eq(i64, delay(JITTER_NONE, n, 0, 42), want_ms[n - 1] * NS_PER_MS));
}

Test(backoff, full_jitter_is_between_zero_and_the_ceiling)
{
    cr_assert(eq(i64, delay(JITTER_FULL, 2, 0, 0), 0));
    cr_assert(eq(i64, delay(JITTER_FULL, 2, 0, UINT64_MAX), 2 * BASE));
    cr_assert(epsilon_eq(dbl, (double)delay(JITTER_FULL, 2, 0, UINT64_MAX / 2), (double)BASE, 2.0));
}

Test(backoff, equal_jitter_keeps_half)
{
    cr_assert(eq(i64, delay(JITTER_EQUAL, 1, 0, 0), BASE / 2));
    cr_assert(eq(i64, delay(JITTER_EQUAL, 1, 0, UINT64_MAX), BASE));
}

Test(backoff, decorrelated_jitter_grows_from_the_last_delay)
{
    cr_assert(eq(i64, delay(JITTER_DECORRELATED, 1, 0, 0), BASE));
    cr_assert(eq(i64, delay(JITTER_DECORRELATED, 1, 0, UINT64_MAX), 3 * BASE));
    cr_assert(eq(i64, delay(JITTER_DECORRELATED, 2, NS_PER_S, UINT64_MAX), 3 * NS_PER_S));
    cr_assert(eq(i64, delay(JITTER_DECORRELATED, 3, 4 * NS_PER_S, UINT64_MAX), 5 * NS_PER_S));
    cr_assert(eq(i64, delay(JITTER_DECORRELATED, 3, INT64_MAX, UINT64_MAX), 5 * NS_PER_S));
}

Test(backoff, saturates_for_any_attempt_and_any_policy)
{
    static const int64_t values[] = {INT64_MIN, -1, 0, 1, NS_PER_S, INT64_MAX};
    for (int j = JITTER_FULL; j <= JITTER_NONE; j++)
        for (int a = 0; a < 6; a++)
            for (int b = 0; b < 6; b++) {
                struct policy p = {.jitter = (enum jitter)j, .max_delay_ns = values[b]};
                int64_t d = backoff_delay_ns(&p, values[a], INT32_MAX, values[a], UINT64_MAX);
                cr_assert(ge(i64, d, 0));
                cr_assert(le(i64, d, values[b] > 0 ? values[b] : 0));
            }
}

Test(backoff, a_delay_after_a_hint_is_never_earlier_and_at_most_half_longer)
{
    cr_assert(eq(i64, backoff_after_hint_ns(10 * NS_PER_S, 0), 10 * NS_PER_S));
    cr_assert(eq(i64, backoff_after_hint_ns(10 * NS_PER_S, UINT64_MAX), 15 * NS_PER_S));
    cr_assert(eq(i64, backoff_after_hint_ns(-1, UINT64_MAX), 0));
    cr_assert(eq(i64, backoff_after_hint_ns(INT64_MAX, UINT64_MAX), INT64_MAX));
}
