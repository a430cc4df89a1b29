/* SPDX-License-Identifier: MIT
 *
 * Reports of other processes between two steps of a report: they change the state of the
 * circuit, and with it the meaning of the second word of the breaker. */
#include "engine/board/breaker.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

/* Runs once, in the middle of a report. */
static void (*meanwhile)(void);

static void others(void)
{
    void (*now)(void) = meanwhile;
    meanwhile = NULL;
    if (now)
        now();
}

static bool window_over(uint64_t window, int64_t now_ns)
{
    others();
    return breaker_window_over(window, now_ns);
}

#undef atomic_fetch_or_explicit
#define atomic_fetch_or_explicit(word, bits, order) (others(), __atomic_fetch_or(word, bits, order))
#define breaker_window_over                         window_over
#include "../../src/engine/board/breaker.c" // NOLINT(bugprone-suspicious-include)

#define NOW (123456 * NS_PER_S)

static const struct policy policy = {
    .breaker = BREAKER_ON,
    .breaker_failures = 5,
    .breaker_ratio_percent = 50,
    .breaker_open_ns = 30 * NS_PER_S,
    .breaker_max_open_ns = 300 * NS_PER_S,
    .breaker_successes = 1,
};

static struct breaker breaker;
static int64_t lease_ns;

static void report(unsigned operation, bool success, int64_t lease)
{
    struct breaker_result r = {
        .success = success, .operation = operation, .lease_ns = lease, .results = 1000};
    breaker_report(&breaker, &policy, &r, NOW, 0);
}

static void fail_five_times(void)
{
    for (int i = 0; i < 5; i++)
        report(3, false, 0);
}

static bool is_refused(unsigned operation)
{
    return !breaker_admit(&breaker, &policy, operation, 0, NOW).admit;
}

static void check_operations(unsigned failed)
{
    cr_assert(eq(int, breaker_state_at(&breaker, NOW), BREAKER_OPEN));
    for (unsigned i = 0; i < BREAKER_OPERATIONS; i++)
        cr_assert(i == failed || !is_refused(i), "%u", i);
    cr_assert(failed == BREAKER_EVERYTHING || is_refused(failed));
}

Test(breaker_race, a_failure_while_the_circuit_opens_is_recorded_for_its_operation)
{
    meanwhile = fail_five_times;
    report(5, false, 0);
    check_operations(5);
}

Test(breaker_race, a_success_while_the_circuit_opens_is_not_recorded)
{
    meanwhile = fail_five_times;
    report(5, true, 0);
    check_operations(BREAKER_EVERYTHING);
}

static void close_it(void)
{
    report(3, true, lease_ns);
    report(3, true, 0);
}

Test(breaker_race, a_failure_while_the_circuit_closes_is_not_recorded_as_an_operation)
{
    fail_five_times();
    int64_t later = NOW + policy.breaker_open_ns + NS_PER_S;
    lease_ns = breaker_admit(&breaker, &policy, 3, 0, later).lease_ns;
    meanwhile = close_it;
    report(5, false, 0);
    cr_assert(eq(int, breaker_state_at(&breaker, NOW), BREAKER_CLOSED));
    cr_assert(eq(u64, breaker.window, 0));
}
