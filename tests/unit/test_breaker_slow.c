/* SPDX-License-Identifier: MIT
 *
 * Successes that took longer than slow_after. */
#include "breaker_steps.h"

static bool slow_result(struct breaker *b, unsigned operation, int64_t lease, int64_t now)
{
    struct breaker_result r = {.success = true,
                               .slow = true,
                               .recent_success = true,
                               .operation = operation,
                               .lease_ns = lease,
                               .successes = 1000,
                               .failures = 1000,
                               .results = ++results};
    return breaker_report(b, &policy, &r, now, 0);
}

Test(breaker_slow, opens_when_half_of_ten_are_slow_although_they_succeed)
{
    struct breaker b = {0};
    for (int i = 0; i < 4; i++) {
        cr_assert(not(slow_result(&b, 0, 0, T0)));
        cr_assert(not(result(&b, true, T0)));
    }
    cr_assert(not(slow_result(&b, 0, 0, T0)));
    cr_assert(slow_result(&b, 0, 0, T0));
    cr_assert(eq(int, breaker_state_at(&b, T0), BREAKER_OPEN));
}

Test(breaker_slow, slow_successes_and_failures_add_up_to_a_ratio)
{
    struct breaker b = {0};
    for (int i = 0; i < 4; i++)
        cr_assert(not(result(&b, false, T0)));
    for (int i = 0; i < 5; i++)
        cr_assert(not(result(&b, true, T0)));
    cr_assert(slow_result(&b, 0, 0, T0), "5 of 10");
}

Test(breaker_slow, slow_successes_never_are_a_row)
{
    struct breaker b = {0};
    for (int i = 0; i < 9; i++) {
        cr_assert(not(slow_result(&b, 0, 0, T0)), "%d", i);
        cr_assert(breaker_is_calm(&b));
    }
    b = (struct breaker){0};
    for (int k = 0; k < 2; k++) { /* and end one: 8 of 18 failed */
        for (int i = 0; i < 5; i++)
            cr_assert(not(result(&b, true, T0)));
        for (int i = 0; i < 3; i++)
            cr_assert(not(result(&b, false, T0)));
        cr_assert(not(slow_result(&b, 0, 0, T0)));
    }
    cr_assert(breaker_is_calm(&b));
}

Test(breaker_slow, without_a_configured_ratio_slow_successes_open_nothing)
{
    struct policy p = policy;
    p.breaker_ratio_percent = 0;
    struct breaker b = {0};
    for (uint64_t i = 1; i <= 100; i++) {
        struct breaker_result r = {.success = true, .slow = true, .results = i};
        cr_assert(not(breaker_report(&b, &p, &r, T0, 0)));
    }
}

static struct breaker opened_by_slow_ones(void)
{
    struct breaker b = {0};
    for (int i = 0; i < 9; i++)
        cr_assert(not(slow_result(&b, 3, 0, T0)));
    cr_assert(slow_result(&b, 3, 0, T0));
    return b;
}

Test(breaker_slow, a_slow_host_is_slow_for_all_operations)
{
    struct breaker b = opened_by_slow_ones();
    for (unsigned i = 0; i < BREAKER_OPERATIONS; i++)
        cr_assert(not(is_admitted(&b, i, T0)), "%u", i);
    int64_t now = T0 + 30 * NS_PER_S;
    cr_assert(slow_result(&b, 3, probe(&b, now).lease_ns, now));
    for (unsigned i = 0; i < BREAKER_OPERATIONS; i++)
        cr_assert(not(is_admitted(&b, i, now)), "%u", i);
}

Test(breaker_slow, a_slow_probe_is_a_failed_one)
{
    struct breaker b = opened_by_slow_ones();
    int64_t now = T0 + 30 * NS_PER_S;
    cr_assert(not(report(&b, true, probe(&b, now).lease_ns, now, 0)));
    cr_assert(slow_result(&b, 0, probe(&b, now).lease_ns, now));
    cr_assert(eq(int, breaker_trips(&b), 2));
    cr_assert(eq(i64, breaker_admit(&b, &policy, 0, 0, now).retry_at_ns, now + 60 * NS_PER_S));
    now += 60 * NS_PER_S;
    cr_assert(not(report(&b, true, probe(&b, now).lease_ns, now, 0)));
    cr_assert(report(&b, true, probe(&b, now).lease_ns, now, 0));
    cr_assert(eq(int, breaker_state_at(&b, now), BREAKER_CLOSED));
}

Test(breaker_slow, a_slow_success_of_an_untried_operation_does_not_close_it)
{
    struct breaker b = {0};
    trip(&b, T0);
    cr_assert(eq(i64, breaker_admit(&b, &policy, 5, 0, T0).lease_ns, BREAKER_UNTRIED));
    cr_assert(not(slow_result(&b, 5, BREAKER_UNTRIED, T0)));
    cr_assert(eq(int, breaker_state_at(&b, T0), BREAKER_OPEN));
    cr_assert(not(is_admitted(&b, 5, T0)));
    cr_assert(is_admitted(&b, 6, T0));
}

Test(breaker_slow, needs_the_results_for_a_slow_success)
{
    struct breaker b = {0};
    result(&b, true, T0);
    cr_assert(not(breaker_wants_results(&b, true, T0)));
    cr_assert(breaker_wants_results(&b, false, T0));
}
