/* SPDX-License-Identifier: MIT */
#include "base/compiler.h"
#include "breaker_steps.h"

Test(breaker, opens_at_the_fifth_failure_in_a_row)
{
    struct breaker b = {0};
    trip(&b, T0);
    cr_assert(eq(int, breaker_state_at(&b, T0), BREAKER_OPEN));
    cr_assert(eq(int, breaker_trips(&b), 1));
    struct breaker_answer a = breaker_admit(&b, &policy, 0, 0, T0);
    cr_assert(not(a.admit));
    cr_assert(eq(i64, a.retry_at_ns, T0 + 30 * NS_PER_S));
    cr_assert(eq(i64, breaker_open_until_ns(&b, &policy, 0, T0), T0 + 30 * NS_PER_S));
}

Test(breaker, a_success_resets_the_count)
{
    struct breaker b = {0};
    /* Only 30 % failures, so that the ratio does not open the circuit. */
    for (int i = 0; i < 40; i++) {
        for (int k = 0; k < 9; k++)
            cr_assert(not(result(&b, true, T0)));
        for (int k = 0; k < 4; k++)
            cr_assert(not(result(&b, false, T0)));
    }
    cr_assert(eq(int, breaker_state_at(&b, T0), BREAKER_CLOSED));
}

Test(breaker, opens_when_half_of_ten_fail_within_the_window)
{
    struct breaker b = {0};
    for (int i = 0; i < 4; i++) {
        cr_assert(not(result(&b, false, T0)));
        cr_assert(not(result(&b, true, T0)));
    }
    cr_assert(not(result(&b, false, T0)));
    cr_assert(result(&b, false, T0));
    cr_assert(eq(int, breaker_state_at(&b, T0), BREAKER_OPEN));
}

Test(breaker, a_ratio_of_few_or_old_results_does_not_count)
{
    struct breaker b = {0};
    for (int i = 0; i < 100; i++) {
        /* Half of them fail, but there are never ten results within 30 s. */
        cr_assert(not(result(&b, i % 2, T0 + i * 4 * NS_PER_S)));
    }
}

Test(breaker, without_a_configured_ratio_only_failures_in_a_row_open_it)
{
    struct policy p = policy;
    p.breaker_ratio_percent = 0;
    struct breaker b = {0};
    for (uint64_t i = 1; i <= 100; i++)
        cr_assert(not(tell(&b, &p, i % 5 == 0, 0, i, T0)));
    for (uint64_t i = 1; i <= 5; i++)
        cr_assert(eq(int, tell(&b, &p, false, 0, 100 + i, T0), i == 5));
}

Test(breaker, a_busy_window_keeps_its_ratio)
{
    struct breaker b = {0};
    for (int i = 0; i < 1000000; i++)
        result(&b, true, T0);
    for (int i = 0; i < 1000; i++)
        cr_assert(not(result(&b, i % 2, T0)));
    cr_assert(eq(int, breaker_state_at(&b, T0), BREAKER_CLOSED));
}

/* The count of results continues across windows; only differences matter. */
Test(breaker, the_ratio_is_right_wherever_the_count_of_results_wraps)
{
    static const uint64_t starts[] = {0, 0xfffffa, UINT32_MAX - 5, UINT64_MAX - 5};
    for (size_t i = 0; i < array_size(starts); i++) {
        struct breaker b = {0};
        results = starts[i];
        for (int k = 0; k < 20; k++)
            cr_assert(not(result(&b, true, T0)));
        for (int k = 0; k < 19; k++) {
            cr_assert(not(result(&b, false, T0)), "%zu %d", i, k);
            cr_assert(not(result(&b, true, T0)));
            cr_assert(not(result(&b, false, T0)), "%zu %d", i, k);
            cr_assert(not(result(&b, true, T0)));
        }
        /* 38 of 96 failed so far. Four failures in a row are not five, and 58 of 116 are half. */
        for (int k = 0; k < 5; k++)
            for (int n = 0; n < 4; n++) {
                bool last = k == 4 && n == 3;
                cr_assert(eq(int, result(&b, false, T0), last), "%zu: %d %d", i, k, n);
                if (n == 3 && !last)
                    b.state = 0; /* not in a row */
            }
    }
}

Test(breaker, successes_write_once_per_window)
{
    struct breaker b = {0};
    result(&b, true, T0);
    uint64_t window = b.window;
    for (int i = 0; i < 29; i++) {
        cr_assert(not(breaker_wants_results(&b, true, T0 + i * NS_PER_S)));
        result(&b, true, T0 + i * NS_PER_S);
        cr_assert(eq(u64, b.window, window));
    }
    cr_assert(breaker_expects_success(&b, T0 + 29 * NS_PER_S));
    cr_assert(not(breaker_expects_success(&b, T0 + 30 * NS_PER_S)));
    struct breaker failed = b;
    result(&failed, false, T0);
    cr_assert(not(breaker_expects_success(&failed, T0)));
    result(&failed, true, T0);
    cr_assert(breaker_expects_success(&failed, T0));
    cr_assert(breaker_wants_results(&b, true, T0 + 30 * NS_PER_S));
    cr_assert(breaker_wants_results(&b, false, T0));
    result(&b, true, T0 + 30 * NS_PER_S);
    cr_assert(ne(u64, b.window, window));
}

Test(breaker, results_from_before_the_window_do_not_count)
{
    struct breaker b = {0};
    for (int i = 0; i < 1000; i++)
        result(&b, true, T0);
    int64_t now = T0 + 30 * NS_PER_S;
    for (int i = 0; i < 5; i++) {
        cr_assert(not(result(&b, true, now)));
        cr_assert(eq(int, result(&b, false, now), i == 4));
    }
}

Test(breaker, a_window_of_more_failures_than_it_can_count_keeps_its_ratio)
{
    struct breaker b = {0};
    for (int i = 0; i < 300000; i++)
        cr_assert(not(result(&b, i % 5 < 3, T0))); /* 40 % */
    for (int i = 0; !result(&b, false, T0); i++) {
        cr_assert(lt(int, i, 100000));
        b.state = 0;
    }
}

/* Another process began a new window between counting and reporting. */
Test(breaker, a_result_counted_before_the_window_began_does_no_harm)
{
    struct breaker b = {0};
    results = 1000;
    result(&b, true, T0);
    cr_assert(not(tell(&b, &policy, false, 0, 990, T0)));
    for (int i = 0; i < 7; i++)
        cr_assert(not(result(&b, true, T0)));
    cr_assert(not(result(&b, false, T0)));
    uint64_t window = b.window;
    b.window = 0; /* and one that ended after the count was refused */
    cr_assert(not(tell(&b, &policy, true, 0, 0, T0)));
    cr_assert(eq(u64, b.window, 0));
    b.window = window;
    for (int n = 1; n <= 5; n++) { /* 2 of 9 failed so far; 7 of 14 are half */
        cr_assert(eq(int, result(&b, false, T0), n == 5), "%d", n);
        if (n < 5)
            b.state = 0; /* not in a row */
    }
}

Test(breaker, admits_one_probe_when_the_open_time_is_over)
{
    struct breaker b = {0};
    trip(&b, T0);
    int64_t up = T0 + 30 * NS_PER_S;
    cr_assert(not(breaker_admit(&b, &policy, 0, 0, up - 1).admit));
    cr_assert(eq(int, breaker_state_at(&b, up), BREAKER_HALF_OPEN));
    cr_assert(eq(i64, breaker_open_until_ns(&b, &policy, 0, up), 0));
    cr_assert(probe(&b, up).changed);
    struct breaker_answer other = breaker_admit(&b, &policy, 0, 0, up);
    cr_assert(not(other.admit));
    cr_assert(lt(i64, up, other.retry_at_ns));
}

Test(breaker, two_successful_probes_close_it)
{
    struct breaker b = {0};
    trip(&b, T0);
    int64_t now = T0 + 30 * NS_PER_S;
    struct breaker_answer a = probe(&b, now);
    cr_assert(not(report(&b, true, a.lease_ns, now, 0)));
    cr_assert(eq(int, breaker_state_at(&b, now), BREAKER_HALF_OPEN));
    a = probe(&b, now);
    cr_assert(not(a.changed));
    cr_assert(report(&b, true, a.lease_ns, now, 0));
    cr_assert(eq(int, breaker_state_at(&b, now), BREAKER_CLOSED));
    cr_assert(eq(int, breaker_trips(&b), 0));
    trip(&b, now); /* earlier results do not count */
}

Test(breaker, breaker_successes_probes_close_it)
{
    struct policy p = policy;
    for (p.breaker_successes = 1; p.breaker_successes <= 5; p.breaker_successes++) {
        struct breaker b = {0};
        trip(&b, T0);
        int64_t now = T0 + 30 * NS_PER_S;
        for (int i = 1; i <= p.breaker_successes; i++) {
            int64_t lease = breaker_admit(&b, &p, 0, 0, now).lease_ns;
            cr_assert(lease != 0, "%d of %d", i, p.breaker_successes);
            cr_assert(eq(int, tell(&b, &p, true, lease, 0, now), i == p.breaker_successes));
        }
        cr_assert(eq(int, breaker_state_at(&b, now), BREAKER_CLOSED));
    }
}

/* Processes that share a board may have different configurations. */
Test(breaker, a_process_configured_for_shorter_openings_probes_earlier)
{
    struct policy other = policy;
    other.breaker_open_ns = other.breaker_max_open_ns = 10 * NS_PER_S;
    struct breaker b = {0};
    trip(&b, T0);
    struct breaker_answer a = breaker_admit(&b, &other, 0, 0, T0 + NS_PER_S);
    cr_assert(a.admit && a.lease_ns);
    cr_assert(tell(&b, &other, false, a.lease_ns, 0, T0 + NS_PER_S));
    cr_assert(
        eq(i64, breaker_admit(&b, &other, 0, 0, T0 + NS_PER_S).retry_at_ns, T0 + 11 * NS_PER_S));
    cr_assert(
        eq(i64, breaker_admit(&b, &policy, 0, 0, T0 + NS_PER_S).retry_at_ns, T0 + 11 * NS_PER_S));
}

Test(breaker, each_failed_probe_opens_it_for_longer_up_to_the_maximum)
{
    struct breaker b = {0};
    int64_t now = T0;
    trip(&b, now);
    for (int n = 1; n < 15; n++) {
        int64_t open = (n < 10 ? n * 30 : 300) * NS_PER_S;
        cr_assert(eq(i64, breaker_admit(&b, &policy, 0, 0, now).retry_at_ns, now + open));
        now += open;
        cr_assert(report(&b, false, probe(&b, now).lease_ns, now, 0));
        cr_assert(eq(int, breaker_trips(&b), n + 1));
    }
}

Test(breaker, while_another_place_serves_the_requests_each_failed_probe_opens_it_for_the_same_time)
{
    struct breaker b = {0};
    int64_t now = T0;
    trip(&b, now);
    for (int n = 1; n < 5; n++) {
        now += 30 * NS_PER_S;
        struct breaker_result r = {.elsewhere = true, .lease_ns = probe(&b, now).lease_ns};
        cr_assert(breaker_report(&b, &policy, &r, now, 0));
        cr_assert(eq(int, breaker_trips(&b), n + 1));
        cr_assert(eq(i64, breaker_admit(&b, &policy, 0, 0, now).retry_at_ns, now + 30 * NS_PER_S));
    }
}

Test(breaker, a_failed_probe_after_a_successful_one_opens_it_again)
{
    struct breaker b = {0};
    trip(&b, T0);
    int64_t now = T0 + 30 * NS_PER_S;
    report(&b, true, probe(&b, now).lease_ns, now, 0);
    cr_assert(report(&b, false, probe(&b, now).lease_ns, now, 0));
    now += 60 * NS_PER_S; /* the earlier success does not count */
    cr_assert(not(report(&b, true, probe(&b, now).lease_ns, now, 0)));
}

Test(breaker, jitter_shortens_the_open_time_by_a_tenth_at_most)
{
    struct breaker b = {0};
    for (int i = 0; i < 4; i++)
        result(&b, false, T0);
    cr_assert(report(&b, false, 0, T0, UINT64_MAX));
    int64_t until = breaker_admit(&b, &policy, 0, 0, T0).retry_at_ns;
    cr_assert(ge(i64, until, T0 + 27 * NS_PER_S));
    cr_assert(lt(i64, until, T0 + 28 * NS_PER_S));
}

Test(breaker, a_retry_of_a_probe_keeps_its_lease)
{
    struct breaker b = {0};
    trip(&b, T0);
    int64_t now = T0 + 30 * NS_PER_S;
    int64_t first = probe(&b, now).lease_ns;
    now += 20 * NS_PER_S;
    struct breaker_answer again = breaker_admit(&b, &policy, 0, first, now);
    cr_assert(again.admit && again.lease_ns > first);
    cr_assert(not(breaker_admit(&b, &policy, 0, 0, now + 20 * NS_PER_S).admit));
    cr_assert(not(breaker_admit(&b, &policy, 0, first, now).admit), "the first lease has expired");
    cr_assert(report(&b, false, again.lease_ns, now, 0));
}

Test(breaker, the_probe_of_a_killed_process_is_replaced)
{
    struct breaker b = {0};
    trip(&b, T0);
    int64_t now = T0 + 30 * NS_PER_S;
    probe(&b, now);
    cr_assert(not(breaker_admit(&b, &policy, 0, 0, now + 29 * NS_PER_S).admit));
    probe(&b, now + 31 * NS_PER_S);
}

Test(breaker, a_cancelled_probe_allows_another_one)
{
    struct breaker b = {0};
    trip(&b, T0);
    int64_t now = T0 + 30 * NS_PER_S;
    breaker_cancel(&b, probe(&b, now).lease_ns);
    probe(&b, now);
    struct breaker closed = {0};
    breaker_cancel(&closed, now);
    cr_assert(eq(u64, closed.state, 0));
}

Test(breaker, a_probe_that_ends_after_its_lease_decides_nothing)
{
    struct breaker b = {0};
    trip(&b, T0);
    int64_t now = T0 + 30 * NS_PER_S;
    int64_t old = probe(&b, now).lease_ns;
    now += 31 * NS_PER_S + NS_PER_MS / 3;
    int64_t lease = probe(&b, now).lease_ns;
    uint64_t was = b.state;
    breaker_cancel(&b, old);
    cr_assert(not(report(&b, false, old, now, 0)));
    cr_assert(not(report(&b, true, old, now, 0)));
    breaker_cancel(&b, 0);
    cr_assert(eq(u64, b.state, was));
    cr_assert(report(&b, false, lease, now, 0));
}

Test(breaker, results_from_before_it_opened_decide_nothing)
{
    struct breaker b = {0};
    trip(&b, T0);
    uint64_t was = b.state;
    cr_assert(not(result(&b, true, T0)));
    cr_assert(not(result(&b, false, T0)));
    cr_assert(eq(u64, b.state, was));
    probe(&b, T0 + 30 * NS_PER_S);
    was = b.state;
    cr_assert(not(result(&b, true, T0 + 30 * NS_PER_S)));
    cr_assert(not(result(&b, false, T0 + 30 * NS_PER_S)));
    cr_assert(eq(u64, b.state, was));
}

Test(breaker, no_damaged_word_keeps_a_circuit_open)
{
    uint64_t seed = 7;
    for (int i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        struct breaker b = {.state = seed ^ seed << 17, .window = seed * 31};
        struct breaker_answer a = breaker_admit(&b, &policy, 0, 0, T0);
        if (!a.admit) {
            cr_assert(le(i64, a.retry_at_ns, T0 + 301 * NS_PER_S));
            cr_assert(breaker_admit(&b, &policy, 0, 0, T0 + 302 * NS_PER_S).admit);
        }
        enum breaker_state s = breaker_state_at(&b, T0);
        cr_assert(s == BREAKER_CLOSED || s == BREAKER_OPEN || s == BREAKER_HALF_OPEN);
        report(&b, i % 2, a.lease_ns, T0, seed);
        cr_assert(ge(int, breaker_trips(&b), 0));
    }
}

/* ---- what is not an outage ------------------------------------------------------------------- */

Test(breaker, stays_closed_while_requests_succeed)
{
    struct breaker b = {0};
    for (int i = 0; i < 1000; i++)
        cr_assert(not(report_of(&b, 0, false, true, 0, T0 + i * NS_PER_MS, 0)));
    cr_assert(eq(int, breaker_state_at(&b, T0), BREAKER_CLOSED));
    cr_assert(result(&b, false, T0 + NS_PER_S), "opens when the last success is too old");
}

Test(breaker, a_host_that_fails_rarely_opens_after_a_shorter_row_of_failures)
{
    cr_assert(eq(u32, breaker_min_row(0, 0), 0));
    cr_assert(eq(u32, breaker_min_row(0, 1000), 0), "no success yet: nothing is known");
    cr_assert(eq(u32, breaker_min_row(1000, 0), 0), "no failure yet: nothing is known");
    cr_assert(eq(u32, breaker_min_row(1000, 1), 3));
    cr_assert(eq(u32, breaker_min_row(10, 1), 8));
    cr_assert(eq(u32, breaker_min_row(1, 1), 20), "few results");
    cr_assert(eq(u32, breaker_min_row(500, 500), 20));
    cr_assert(eq(u32, breaker_min_row(333, 667), 35));
    cr_assert(eq(u32, breaker_min_row(1, UINT64_MAX), 1023), "the maximum");
    struct breaker b = {0};
    struct breaker_result r = {.successes = 500, .failures = 500};
    /* The result depends on the results before the row, not on its length. */
    for (int i = 1; i <= 20; i++, r.failures++)
        cr_assert(eq(int, breaker_report(&b, &policy, &r, T0, 0), i == 20), "%d", i);
}

Test(breaker, a_failed_probe_while_requests_succeed_does_not_open_it)
{
    struct breaker b = {0};
    trip(&b, T0);
    int64_t now = T0 + 30 * NS_PER_S;
    cr_assert(not(report(&b, true, probe(&b, now).lease_ns, now, 0)));
    for (int i = 0; i < 10; i++)
        cr_assert(not(report_of(&b, 0, false, true, probe(&b, now).lease_ns, now, 0)));
    cr_assert(report(&b, true, probe(&b, now).lease_ns, now, 0));
    cr_assert(eq(int, breaker_state_at(&b, now), BREAKER_CLOSED));
}

Test(breaker, an_operation_that_has_not_failed_is_admitted_and_its_success_closes_it)
{
    struct breaker b = {0};
    trip(&b, T0);
    cr_assert(not(breaker_admit(&b, &policy, 0, 0, T0).admit));
    for (int i = 0; i < 3; i++) { /* also at once */
        struct breaker_answer a = breaker_admit(&b, &policy, 5, 0, T0);
        cr_assert(a.admit && !a.changed);
        cr_assert(eq(i64, a.lease_ns, BREAKER_UNTRIED));
    }
    cr_assert(eq(i64, breaker_open_until_ns(&b, &policy, 5, T0), 0));
    cr_assert(report_of(&b, 5, true, false, BREAKER_UNTRIED, T0, 0));
    cr_assert(eq(int, breaker_state_at(&b, T0), BREAKER_CLOSED));
    cr_assert(breaker_admit(&b, &policy, 0, 0, T0).admit);
    trip(&b, T0); /* earlier results do not count */
}

Test(breaker, an_operation_that_fails_while_the_circuit_is_open_is_refused_too)
{
    struct breaker b = {0};
    trip(&b, T0);
    uint64_t state = b.state;
    for (unsigned i = 1; i < BREAKER_OPERATIONS; i++) {
        cr_assert(breaker_admit(&b, &policy, i, 0, T0).admit);
        cr_assert(not(report_of(&b, i, false, false, BREAKER_UNTRIED, T0, 0)));
        cr_assert(not(breaker_admit(&b, &policy, i, 0, T0).admit));
    }
    cr_assert(eq(u64, b.state, state));
}

Test(breaker, a_request_in_flight_when_it_opened_counts_for_its_operation)
{
    struct breaker b = {0};
    trip(&b, T0);
    cr_assert(not(report_of(&b, 7, false, false, 0, T0, 0)));
    cr_assert(not(breaker_admit(&b, &policy, 7, 0, T0).admit));
    cr_assert(not(report_of(&b, 8, true, false, 0, T0, 0)), "but does not close the circuit");
}

Test(breaker, each_time_it_opens_all_operations_but_the_failed_one_may_be_tried)
{
    struct breaker b = {0};
    trip(&b, T0);
    report_of(&b, 5, false, false, BREAKER_UNTRIED, T0, 0);
    int64_t now = T0 + 30 * NS_PER_S;
    cr_assert(report_of(&b, 0, false, false, probe(&b, now).lease_ns, now, 0));
    cr_assert(not(breaker_admit(&b, &policy, 0, 0, now).admit));
    cr_assert(breaker_admit(&b, &policy, 5, 0, now).admit);
    cr_assert(report_of(&b, 5, true, false, BREAKER_UNTRIED, now, 0));
}

Test(breaker, an_untried_operation_passes_while_another_request_probes)
{
    struct breaker b = {0};
    trip(&b, T0);
    int64_t now = T0 + 30 * NS_PER_S;
    probe(&b, now);
    cr_assert(not(breaker_admit(&b, &policy, 0, 0, now).admit));
    cr_assert(eq(i64, breaker_admit(&b, &policy, 9, 0, now).lease_ns, BREAKER_UNTRIED));
    breaker_cancel(&b, BREAKER_UNTRIED);
    cr_assert(not(breaker_admit(&b, &policy, 0, 0, now).admit), "the probe has not ended");
    cr_assert(report_of(&b, 9, true, false, BREAKER_UNTRIED, now, 0));
}

Test(breaker, states_have_names)
{
    cr_assert_str_eq(breaker_state_name(BREAKER_CLOSED), "closed");
    cr_assert_str_eq(breaker_state_name(BREAKER_OPEN), "open");
    cr_assert_str_eq(breaker_state_name(BREAKER_HALF_OPEN), "half-open");
}
