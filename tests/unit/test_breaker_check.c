/* SPDX-License-Identifier: MIT
 *
 * What active checks change in a circuit. */
#include "breaker_steps.h"

Test(breaker_check, a_check_that_passes_makes_an_open_circuit_half_open)
{
    struct breaker b = {0};
    trip(&b, T0);
    int64_t now = T0 + NS_PER_S;
    cr_assert(breaker_half_open(&b, now));
    cr_assert(eq(int, breaker_state_at(&b, now), BREAKER_HALF_OPEN));
    cr_assert(not(breaker_half_open(&b, now)), "it is already");
    struct breaker_answer a = probe(&b, now);
    cr_assert(not(a.changed), "the check has changed it");
    cr_assert(not(is_admitted(&b, 0, now)), "one probe at a time");
    cr_assert(not(breaker_half_open(&b, now)));
    cr_assert(not(is_admitted(&b, 0, now)), "also after another check");
    cr_assert(not(report(&b, true, a.lease_ns, now, 0)));
    cr_assert(report(&b, true, probe(&b, now).lease_ns, now, 0));
    cr_assert(eq(int, breaker_state_at(&b, now), BREAKER_CLOSED));
}

Test(breaker_check, a_check_that_passes_does_not_shorten_the_next_opening)
{
    struct breaker b = {0};
    trip(&b, T0);
    cr_assert(breaker_half_open(&b, T0));
    cr_assert(report(&b, false, probe(&b, T0).lease_ns, T0, 0));
    cr_assert(eq(int, breaker_trips(&b), 2));
    cr_assert(eq(i64, breaker_admit(&b, &policy, 0, 0, T0).retry_at_ns, T0 + 60 * NS_PER_S));
}

Test(breaker_check, a_check_that_passes_changes_nothing_but_an_open_circuit)
{
    struct breaker b = {0};
    cr_assert(not(breaker_half_open(&b, T0)));
    for (int i = 0; i < 4; i++)
        result(&b, false, T0);
    uint64_t state = b.state;
    cr_assert(not(breaker_half_open(&b, T0)));
    cr_assert(eq(u64, b.state, state));
    trip(&(struct breaker){0}, T0);
    result(&b, false, T0);
    state = b.state;
    cr_assert(not(breaker_half_open(&b, T0 + 30 * NS_PER_S)), "its time is up");
    cr_assert(eq(u64, b.state, state));
}

Test(breaker_check, a_check_that_fails_opens_a_closed_circuit_for_all_operations)
{
    struct breaker b = {0};
    result(&b, true, T0);
    cr_assert(breaker_force_open(&b, &policy, T0, 0));
    cr_assert(eq(int, breaker_trips(&b), 1));
    for (unsigned i = 0; i < BREAKER_OPERATIONS; i++)
        cr_assert(not(is_admitted(&b, i, T0)), "%u", i);
    cr_assert(eq(i64, breaker_open_until_ns(&b, &policy, 9, T0), T0 + 30 * NS_PER_S));
    struct breaker jittered = {0};
    cr_assert(breaker_force_open(&jittered, &policy, T0, UINT64_MAX));
    cr_assert(ge(i64, breaker_open_until_ns(&jittered, &policy, 9, T0), T0 + 27 * NS_PER_S));
    cr_assert(lt(i64, breaker_open_until_ns(&jittered, &policy, 9, T0), T0 + 28 * NS_PER_S));
}

Test(breaker_check, a_check_that_fails_leaves_an_open_circuit_as_it_is)
{
    struct breaker b = {0};
    trip(&b, T0);
    struct breaker was = b;
    cr_assert(not(breaker_force_open(&b, &policy, T0 + NS_PER_S, 0)));
    cr_assert(eq(u64, b.state, was.state));
    cr_assert(eq(u64, b.window, was.window));
}

Test(breaker_check, a_check_that_fails_opens_a_half_open_circuit_for_no_longer_than_before)
{
    struct breaker b = {0};
    trip(&b, T0);
    int64_t now = T0 + 30 * NS_PER_S; /* half-open because its time is up */
    for (int i = 0; i < 5; i++, now += 30 * NS_PER_S) {
        cr_assert(breaker_force_open(&b, &policy, now, 0), "%d", i);
        cr_assert(eq(int, breaker_trips(&b), 1), "no probe failed");
        cr_assert(eq(i64, breaker_open_until_ns(&b, &policy, 0, now), now + 30 * NS_PER_S));
    }
    int64_t lease = probe(&b, now).lease_ns;
    cr_assert(breaker_force_open(&b, &policy, now, 0));
    uint64_t state = b.state;
    cr_assert(not(report(&b, true, lease, now, 0)), "the probe decides nothing any more");
    cr_assert(eq(u64, b.state, state));
    breaker_cancel(&b, lease);
    cr_assert(eq(u64, b.state, state));
}

Test(breaker_check, a_check_repairs_a_damaged_word)
{
    uint64_t seed = 11;
    for (int i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        struct breaker b = {.state = seed ^ seed << 17, .window = seed * 31}, other = b;
        breaker_half_open(&b, T0);
        cr_assert(ne(int, breaker_state_at(&b, T0), BREAKER_OPEN));
        if (breaker_force_open(&other, &policy, T0, seed))
            cr_assert(not(is_admitted(&other, seed % BREAKER_OPERATIONS, T0)));
        cr_assert(le(i64, breaker_open_until_ns(&other, &policy, 0, T0), T0 + 301 * NS_PER_S));
    }
}
