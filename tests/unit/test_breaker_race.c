/* SPDX-License-Identifier: MIT
 *
 * Reports of other processes between two steps of a report: they change the state of the
 * circuit, and with it the meaning of the second word of the breaker. */
#include "engine/board/breaker.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <sched.h>

/* Runs once, in the middle of a report. */
static void (*meanwhile)(void);

static void others(void)
{
    void (*now)(void) = meanwhile;
    if (!now)
        return; /* writes nothing, for threads */
    meanwhile = NULL;
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

/* Exactly these are refused: 3, which has opened the circuit, and another one. */
static void check_operations(unsigned other)
{
    cr_assert(eq(int, breaker_state_at(&breaker, NOW), BREAKER_OPEN));
    for (unsigned i = 0; i < BREAKER_OPERATIONS; i++)
        cr_assert(eq(int, is_refused(i), i == 3 || i == other), "%u", i);
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
    check_operations(3);
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

static void check_fails(void)
{
    breaker_force_open(&breaker, &policy, NOW, 0);
}

Test(breaker_race, a_failure_while_a_check_opens_the_circuit_leaves_all_operations_refused)
{
    meanwhile = check_fails;
    report(5, false, 0);
    cr_assert(eq(int, breaker_trips(&breaker), 1));
    for (unsigned i = 0; i < BREAKER_OPERATIONS; i++)
        cr_assert(is_refused(i), "%u", i);
}

static void check_passes(void)
{
    breaker_half_open(&breaker, NOW);
}

Test(breaker_race, a_failure_in_flight_while_a_check_passes_is_recorded_for_its_operation)
{
    fail_five_times();
    meanwhile = check_passes;
    report(5, false, 0);
    cr_assert(eq(int, breaker_state_at(&breaker, NOW), BREAKER_HALF_OPEN));
    cr_assert(not(is_refused(3)), "the probe");
    cr_assert(is_refused(5));
    cr_assert(not(is_refused(6)), "was not tried yet");
}

/* ---- all at once ------------------------------------------------------------------------------- */

#define THREADS 4
#define ROUNDS  20000

static _Atomic int64_t clock_ns;
static _Atomic int probes;
static _Atomic bool overlapped;

/* A probe that is replaced by another is none any more: its lease has expired, or a check opened the circuit. The
 * clock stands still while it is tested that there is one at a time. */
static void *use_circuit(void *arg)
{
    uint64_t seed = (uintptr_t)arg;
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        unsigned chance = seed >> 33 & 63;
        int64_t now = atomic_load(&clock_ns);
        struct breaker_answer a = breaker_admit(&breaker, &policy, 3, 0, now);
        if (a.lease_ns > 0 && atomic_fetch_add(&probes, 1) > 0)
            atomic_store(&overlapped, true);
        struct breaker_result r = {.success = chance & 1,
                                   .slow = (chance & 3) == 3,
                                   .operation = 3,
                                   .lease_ns = a.lease_ns,
                                   .results = (uint64_t)i};
        if (a.lease_ns > 0) {
            sched_yield(); /* the probe takes a while */
            atomic_fetch_sub(&probes, 1);
        }
        if (chance == 5)
            breaker_cancel(&breaker, a.lease_ns);
        else if (a.admit)
            breaker_report(&breaker, &policy, &r, now, seed);
        if (chance < 8)
            breaker_half_open(&breaker, now);
    }
    return NULL;
}

static void *run_checks(void *arg)
{
    uint64_t seed = (uintptr_t)arg;
    for (int i = 0; i < ROUNDS; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        int64_t now = atomic_fetch_add(&clock_ns, NS_PER_S) + NS_PER_S;
        if (seed >> 40 & 1)
            breaker_half_open(&breaker, now);
        else
            breaker_force_open(&breaker, &policy, now, seed);
        struct breaker_result r = {.success = true};
        breaker_report(&breaker, &policy, &r, now, seed);
    }
    return NULL;
}

static void join_all(void *(*others_do)(void *), bool with_checks)
{
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        cr_assert(eq(int,
                     pthread_create(&thread[i], NULL, i || !with_checks ? others_do : run_checks,
                                    (void *)(i + 1)),
                     0));
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

Test(breaker_race, checks_that_pass_never_admit_a_second_probe_at_a_time)
{
    clock_ns = NOW;
    join_all(use_circuit, false);
    cr_assert(not(overlapped));
}

Test(breaker_race, checks_and_requests_leave_a_circuit_that_works)
{
    clock_ns = NOW;
    join_all(use_circuit, true);
    int64_t now = clock_ns + policy.breaker_max_open_ns + NS_PER_S;
    cr_assert(breaker_admit(&breaker, &policy, 3, 0, now).admit);
    breaker_force_open(&breaker, &policy, now, 0);
    breaker_half_open(&breaker, now);
    int64_t lease = breaker_admit(&breaker, &policy, 3, 0, now).lease_ns;
    struct breaker_result r = {.success = true, .operation = 3, .lease_ns = lease};
    cr_assert(breaker_report(&breaker, &policy, &r, now, 0));
    cr_assert(breaker_is_calm(&breaker));
}
