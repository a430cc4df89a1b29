/* SPDX-License-Identifier: MIT
 *
 * Requests to a host whose circuit is open: refusals, probes, and operations that have not
 * failed. */
#include "call_steps.h"
#include "engine/board/view.h"

TestSuite(probe, .init = one_host, .fini = no_host);

Test(probe, an_open_circuit_refuses_and_returns_when_it_ends)
{
    open_circuit();
    struct admission ad = admit_new(NOW + NS_PER_S);
    REFUSED(ad, REFUSED_BREAKER);
    cr_assert(eq(i64, ad.at_ns, NOW + 30 * NS_PER_S));
    call_end(&call, NOW, WALL);
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 1));
    cr_assert(eq(u64, count(COUNT_BREAKER_REJECTED), 1));
    cr_assert(eq(u64, count(COUNT_REQUESTS), 6));
    cr_assert(eq(u64, count(COUNT_FAILURES), 5));
    cr_assert(lt(u64, 0, board->header->alerts));
}

Test(probe, probes_run_one_at_a_time_and_close_the_circuit)
{
    open_circuit();
    int64_t now = NOW + 30 * NS_PER_S;
    ANSWER(admit_new(now), ANSWER_GO);
    struct call probe = call;
    REFUSED(admit_new(now), REFUSED_BREAKER);
    call = probe;
    report(get(0, 200), now, NULL);
    request(get(0, 200), now);
    cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, now), BREAKER_CLOSED));
}

Test(probe, a_probe_without_a_verdict_allows_another_one)
{
    open_circuit();
    int64_t now = NOW + 30 * NS_PER_S;
    ANSWER(admit_new(now), ANSWER_GO);
    call_abandon(&call, now); /* ended by an exception */
    ANSWER(admit_new(now), ANSWER_GO);
    call_end(&call, now, WALL); /* aborted by the program */
    ANSWER(admit_new(now), ANSWER_GO);
    report(get(42, 0), now, NULL); /* an error of the program */
    ANSWER(admit_new(now), ANSWER_GO);
    report(get(0, 429), now, NULL); /* alive, but throttled */
    ANSWER(admit_new(now), ANSWER_GO);
}

Test(probe, a_request_that_must_wait_for_a_token_gives_up_its_probe)
{
    limit(1, 10 * NS_PER_S, 1);
    policy.max_attempts = 1;
    for (int i = 0; i < 5; i++) {
        begin(NOW);
        report(get(7, 0), NOW, NULL);
    }
    cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, NOW), BREAKER_OPEN));
    int64_t now = NOW + 30 * NS_PER_S;
    binding.slot->tat_ns[0] = now + 5 * NS_PER_S;
    ANSWER(admit_new(now), ANSWER_WAIT);
    cr_assert(eq(i64, call.lease_ns, 0));
    cr_assert(breaker_admit(&binding.slot->breaker, &policy, 0, 0, now).lease_ns != 0);
}

Test(probe, a_probe_with_an_expired_lease_does_not_end_the_next_one)
{
    open_circuit();
    int64_t now = NOW + 30 * NS_PER_S;
    ANSWER(admit_new(now), ANSWER_GO);
    struct call first = call;
    now += 31 * NS_PER_S;
    ANSWER(admit_new(now), ANSWER_GO);
    call_abandon(&first, now);
    REFUSED(admit_new(now), REFUSED_BREAKER);
}

Test(probe, a_probe_includes_its_retries)
{
    int64_t at, now = NOW + 30 * NS_PER_S;
    open_circuit();
    policy.max_attempts = 3;
    ANSWER(admit_new(now), ANSWER_GO);
    for (int i = 0; i < 2; i++) {
        cr_assert(report(get(0, 503), now, &at));
        struct call probe = call;
        REFUSED(admit_new(at - 1), REFUSED_BREAKER);
        call_end(&call, at, WALL);
        call = probe;
        now = at;
        ANSWER(admit(now), ANSWER_GO);
    }
    cr_assert(not(report(get(0, 503), now, NULL)));
    call_end(&call, now, WALL);
    struct admission ad = admit_new(now);
    REFUSED(ad, REFUSED_BREAKER);
    cr_assert(eq(i64, ad.at_ns, now + 60 * NS_PER_S));
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 2));
    now = ad.at_ns;
    for (int i = 0; i < 2; i++) { /* a probe that succeeds in the end is a success */
        ANSWER(admit_new(now), ANSWER_GO);
        cr_assert(report(get(0, 503), now, &at));
        ANSWER(admit(at), ANSWER_GO);
        report(get(0, 200), at, NULL);
        call_end(&call, at, WALL);
    }
    cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, now), BREAKER_CLOSED));
}

Test(probe, a_probe_that_the_program_ends_before_its_retry_has_failed)
{
    int64_t at, now = NOW + 30 * NS_PER_S;
    open_circuit();
    policy.max_attempts = 3;
    ANSWER(admit_new(now), ANSWER_GO);
    cr_assert(report(get(0, 503), now, &at));
    call_end(&call, now, WALL);
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 2));
}

Test(probe, a_probe_whose_retry_the_rate_refuses_has_failed)
{
    int64_t at, now = NOW + 30 * NS_PER_S;
    open_circuit();
    limit(1, 60 * NS_PER_S, 1);
    policy.on_limit = ON_LIMIT_FAIL;
    policy.max_attempts = 3;
    ANSWER(admit_new(now), ANSWER_GO);
    cr_assert(report(get(0, 503), now, &at));
    REFUSED(admit(at), REFUSED_RATE);
    call_end(&call, at, WALL);
    cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, at), BREAKER_OPEN));
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 2));
}

Test(probe, an_operation_that_has_not_failed_passes_an_open_circuit)
{
    open_circuit();
    struct binding other = binding;
    other.operation = binding.operation ^ 1;
    struct call second;
    call_begin(&second, &other, 0, NOW);
    ANSWER(call_admit(&second, NOW), ANSWER_GO);
    call_begin(&call, &other, 0, NOW);
    ANSWER(admit(NOW), ANSWER_GO); /* also two at once */
    struct attempt bad = get(0, 503), page = get(0, 500), good = get(0, 200);
    int64_t at;
    policy.max_attempts = 3;
    cr_assert(call_report(&second, &page, NOW, WALL, 0, &at), "status 500 is retried");
    ANSWER(call_admit(&second, at), ANSWER_GO);
    cr_assert(not(call_report(&second, &good, at, WALL, 0, &at)));
    call_end(&second, at, WALL);
    cr_assert(eq(int, state_now(), BREAKER_CLOSED));
    call_end(&call, NOW, WALL);
    slot_reset(binding.slot);
    open_circuit();
    policy.max_attempts = 3;
    call_begin(&call, &other, 0, NOW);
    ANSWER(admit(NOW), ANSWER_GO);
    policy.max_attempts = 1;
    cr_assert(not(call_report(&call, &bad, NOW, WALL, 0, &at)));
    call_end(&call, NOW, WALL);
    call_begin(&call, &other, 0, NOW);
    REFUSED(admit(NOW), REFUSED_BREAKER);
}

Test(probe, status_500_of_one_page_does_not_keep_a_circuit_open)
{
    open_circuit();
    int64_t now = NOW + 30 * NS_PER_S;
    for (int i = 0; i < 2; i++) {
        cr_assert(ne(int, breaker_state_at(&binding.slot->breaker, now), BREAKER_CLOSED));
        request(get(0, 500), now);
    }
    cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, now), BREAKER_CLOSED));
}

Test(probe, a_throttled_probe_that_waits_for_its_retry_allows_another_one)
{
    int64_t at, now = NOW + 30 * NS_PER_S;
    open_circuit();
    policy.max_attempts = 3;
    ANSWER(admit_new(now), ANSWER_GO);
    cr_assert(report(get(0, 429), now, &at));
    struct call waiting = call;
    ANSWER(admit_new(now), ANSWER_GO);
    call_end(&call, now, WALL);
    call_end(&waiting, now, WALL);
}

Test(probe, a_breaker_in_observe_mode_counts_and_admits)
{
    policy.breaker = BREAKER_OBSERVE;
    open_circuit();
    ANSWER(admit_new(NOW), ANSWER_GO);
    struct observed_view v;
    cr_assert(view_observed(board, binding.slot, &v));
    cr_assert(eq(u64, v.rejected, 1));
    policy.breaker = BREAKER_OFF;
    ANSWER(admit_new(NOW), ANSWER_GO);
    cr_assert(view_observed(board, binding.slot, &v));
    cr_assert(eq(u64, v.rejected, 1));
    cr_assert(eq(u64, count(COUNT_BREAKER_REJECTED), 0));
}
