/* SPDX-License-Identifier: MIT
 *
 * Whether and when a failed attempt is retried, and what a retry costs. */
#include "call_steps.h"

TestSuite(retry, .init = one_host, .fini = no_host);

Test(retry, a_retry_takes_a_token_too)
{
    limit(1, NS_PER_S, 1);
    ANSWER(admit_new(NOW), ANSWER_GO);
    int64_t at;
    cr_assert(report(get(0, 500), NOW, &at));
    cr_assert(eq(i64, at, NOW + 500 * NS_PER_MS));
    struct admission ad = admit(at);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(i64, ad.at_ns, NOW + NS_PER_S));
}

Test(retry, a_retry_counts_when_it_is_made)
{
    limit(1, 3600 * NS_PER_S, 1);
    ANSWER(admit_new(NOW), ANSWER_GO);
    int64_t at;
    cr_assert(report(get(0, 500), NOW, &at));
    cr_assert(eq(u64, count(COUNT_RETRIES), 0));
    cr_assert(lt(dbl, budget_left(NOW), BUDGET_CAPACITY));
    REFUSED(admit(at), REFUSED_RATE);
    cr_assert(eq(dbl, budget_left(NOW), BUDGET_CAPACITY));
    call_end(&call, at, WALL);
    cr_assert(eq(u64, count(COUNT_RETRIES), 0));
    cr_assert(eq(u64, count(COUNT_EXHAUSTED), 0));
    cr_assert(eq(dbl, budget_left(NOW), BUDGET_CAPACITY));

    slot_reset(binding.slot);
    policy.limit_count = 0;
    binding.refreshed_ns = 0;
    begin(NOW);
    admit(NOW);
    cr_assert(report(get(28, 0), NOW, &at));
    call_end(&call, NOW, WALL); /* the program aborts the wait */
    cr_assert(eq(u64, count(COUNT_RETRIES), 0));
    cr_assert(eq(dbl, budget_left(NOW), BUDGET_CAPACITY));

    begin(NOW);
    admit(NOW);
    cr_assert(report(get(28, 0), NOW, &at));
    ANSWER(admit(at), ANSWER_GO);
    cr_assert(eq(u64, count(COUNT_RETRIES), 1));
    cr_assert(eq(u32, binding.slot->retries_by[reason_group(REASON_TIMEOUT)], 1));
    call_end(&call, at, WALL);
    cr_assert(eq(dbl, budget_left(NOW), BUDGET_CAPACITY - 5));
}

Test(retry, a_transient_failure_gets_three_attempts_with_back_off)
{
    int64_t at, now = NOW;
    ANSWER(admit_new(now), ANSWER_GO);
    cr_assert(report(get(0, 500), now, &at));
    cr_assert(eq(i64, at, now + 500 * NS_PER_MS));
    now = at;
    ANSWER(admit(now), ANSWER_GO);
    cr_assert(report(get(52, 0), now, &at));
    cr_assert(eq(i64, at, now + NS_PER_S));
    now = at;
    ANSWER(admit(now), ANSWER_GO);
    cr_assert(not(report(get(0, 500), now, &at)));
    call_end(&call, now, WALL);
    cr_assert(eq(u64, count(COUNT_REQUESTS), 1));
    cr_assert(eq(u64, count(COUNT_ATTEMPTS), 3));
    cr_assert(eq(u64, count(COUNT_RETRIES), 2));
    cr_assert(eq(u64, count(COUNT_FAILURES), 1));
    cr_assert(eq(u64, count(COUNT_EXHAUSTED), 1));
    cr_assert(eq(u32, binding.slot->retries_by[GROUP_HTTP_5XX], 1));
    cr_assert(eq(u32, binding.slot->retries_by[GROUP_RESET], 1));
    cr_assert(eq(u32, binding.slot->failures_by[GROUP_HTTP_5XX], 1));
}

Test(retry, a_retry_that_succeeds_is_a_recovery)
{
    int64_t at;
    ANSWER(admit_new(NOW), ANSWER_GO);
    cr_assert(report(get(28, 0), NOW, &at));
    cr_assert(not(report(get(0, 200), at, NULL)));
    call_end(&call, at, WALL);
    cr_assert(eq(u64, count(COUNT_SUCCESSES), 1));
    cr_assert(eq(u64, count(COUNT_RECOVERED), 1));
    cr_assert(eq(u64, count(COUNT_FAILURES), 0));
    cr_assert(eq(i64, binding.slot->last_success_ms, WALL / NS_PER_MS));
}

static bool again(struct attempt a)
{
    slot_reset(binding.slot);
    begin(NOW);
    return report(a, NOW, NULL);
}

Test(retry, a_committed_or_unrepeatable_request_is_never_retried)
{
    struct attempt a = get(0, 500);
    cr_assert(again(a));
    a.committed = true;
    cr_assert(not(again(a)));
    a = get(0, 500);
    a.replayable = false;
    cr_assert(not(again(a)));
    a = get(0, 500);
    memcpy(a.method, "POST", 5);
    cr_assert(not(again(a)));
    a.idempotency_key = true;
    cr_assert(again(a));
    policy.max_attempts = 1;
    cr_assert(not(again(a)));
}

Test(retry, outcomes_with_their_own_maximum_get_two_attempts)
{
    static const int codes[] = {5, 6, 8, 35};
    policy.max_attempts = 5;
    for (int i = 0; i < 4; i++) {
        cr_assert(again(get(codes[i], 0)));
        cr_assert(not(report(get(codes[i], 0), NOW + NS_PER_S, NULL)));
    }
    cr_assert(again(get(0, 425)));
    cr_assert(not(report(get(0, 425), NOW + NS_PER_S, NULL)));
}

Test(retry, a_throttle_starts_at_a_second_and_obeys_the_hint)
{
    int64_t at;
    ANSWER(admit_new(NOW), ANSWER_GO);
    cr_assert(report(get(0, 429), NOW, &at));
    cr_assert(eq(i64, at, NOW + NS_PER_S));
    ANSWER(admit_new(NOW), ANSWER_GO);
    cr_assert(report(with_retry_after(429, 4), NOW, &at));
    cr_assert(eq(i64, at, NOW + 4 * NS_PER_S));
    slot_reset(binding.slot);
    ANSWER(admit_new(NOW), ANSWER_GO);
    struct attempt a = with_retry_after(429, 4);
    cr_assert(call_report(&call, &a, NOW, WALL, UINT64_MAX, &at));
    cr_assert(eq(i64, at, NOW + 6 * NS_PER_S));
}

Test(retry, a_hint_beyond_the_maximum_or_the_deadline_prevents_the_retry)
{
    policy.max_elapsed_ns = 1000 * NS_PER_S;
    cr_assert(again(with_retry_after(503, 300)));
    cr_assert(not(again(with_retry_after(503, 301))));
    policy.max_elapsed_ns = 30 * NS_PER_S;
    cr_assert(again(with_retry_after(503, 29)));
    cr_assert(not(again(with_retry_after(503, 30))));
}

Test(retry, jitter_is_limited_to_the_time_left)
{
    for (int i = 0; i < 100; i++) {
        slot_reset(binding.slot);
        begin(NOW);
        struct attempt a = with_retry_after(503, 25);
        int64_t at;
        cr_assert(call_report(&call, &a, NOW, WALL, UINT64_MAX / 100 * (uint64_t)i, &at));
        cr_assert(ge(i64, at, NOW + 25 * NS_PER_S));
        cr_assert(lt(i64, at, NOW + 30 * NS_PER_S));
    }
}

Test(retry, no_retry_begins_after_the_programs_own_deadline)
{
    call_begin(&call, &binding, 400 * NS_PER_MS, NOW);
    cr_assert(not(report(get(0, 500), NOW, NULL)));
    call_begin(&call, &binding, 600 * NS_PER_MS, NOW);
    cr_assert(report(get(0, 500), NOW, NULL));
}

Test(retry, the_budget_ends_a_storm_of_retries)
{
    policy.breaker = BREAKER_OFF;
    int retries = 0;
    for (int i = 0; i < 100; i++) {
        begin(NOW);
        int64_t at;
        if (report(get(0, 500), NOW, &at)) {
            ANSWER(admit(at), ANSWER_GO);
            retries++;
        }
        call_end(&call, NOW, WALL);
    }
    cr_assert(eq(int, retries, 20));
    cr_assert(eq(u64, count(COUNT_BUDGET_DENIED), 80));
    for (int i = 0; i < 5; i++)
        request(get(0, 200), NOW);
    begin(NOW);
    cr_assert(report(get(0, 500), NOW, NULL));
}

Test(retry, a_denied_retry_is_counted_once)
{
    static const int statuses[] = {503, 429};
    policy.breaker = BREAKER_OFF;
    for (int i = 0; i < 2; i++) {
        struct attempt a = get(0, statuses[i]);
        int64_t at;
        slot_reset(binding.slot);
        while (budget_take(&binding.slot->budget, 20, 0, NOW))
            ;
        begin(NOW); /* transfer.c asks after the headers and after the body, then reports */
        cr_assert(not(call_would_retry(&call, &a, NOW)));
        cr_assert(eq(u64, count(COUNT_BUDGET_DENIED), 1), "counted when it is decided");
        cr_assert(not(call_would_retry(&call, &a, NOW)));
        a.committed = true;
        cr_assert(not(call_report(&call, &a, NOW, WALL, 0, &at)));
        call_end(&call, NOW, WALL);
        cr_assert(eq(u64, count(COUNT_BUDGET_DENIED), 1));
        begin(NOW);
        a.committed = false;
        cr_assert(not(call_report(&call, &a, NOW, WALL, 0, &at)));
        cr_assert(eq(u64, count(COUNT_BUDGET_DENIED), 2));
        a.replayable = false; /* denied for another reason */
        begin(NOW);
        cr_assert(not(call_would_retry(&call, &a, NOW)));
        cr_assert(not(call_report(&call, &a, NOW, WALL, 0, &at)));
        cr_assert(eq(u64, count(COUNT_BUDGET_DENIED), 2));
    }
}

Test(retry, a_retry_denied_after_a_granted_one_is_counted)
{
    int64_t at;
    policy.breaker = BREAKER_OFF;
    for (int i = 0; i < 19; i++)
        cr_assert(budget_take(&binding.slot->budget, 20, 0, NOW));
    begin(NOW);
    cr_assert(report(get(0, 503), NOW, &at));
    ANSWER(admit(at), ANSWER_GO);
    cr_assert(not(report(get(0, 503), at, NULL)));
    call_end(&call, at, WALL);
    cr_assert(eq(u64, count(COUNT_BUDGET_DENIED), 1));
}

Test(retry, a_successful_retry_returns_its_cost_to_the_budget)
{
    int64_t at, now = NOW;
    policy.retry_reserve_ns = 0;
    policy.breaker = BREAKER_OFF;
    for (int i = 0; i < 100; i++) {
        begin(now);
        cr_assert(report(get(28, 0), now, &at));
        ANSWER(admit(at), ANSWER_GO);
        cr_assert(eq(dbl, budget_available(&binding.slot->budget, 0, now), BUDGET_CAPACITY - 5));
        report(get(0, 200), at, NULL);
        call_end(&call, at, WALL);
        cr_assert(eq(dbl, budget_available(&binding.slot->budget, 0, now), BUDGET_CAPACITY));
    }
    begin(now);
    cr_assert(report(get(28, 0), now, &at));
    ANSWER(admit(at), ANSWER_GO);
    policy.max_attempts = 2;
    cr_assert(not(report(get(28, 0), at, NULL)));
    call_end(&call, at, WALL);
    cr_assert(eq(dbl, budget_available(&binding.slot->budget, 0, now), BUDGET_CAPACITY - 5));
}

Test(retry, an_hourly_job_has_its_retries_even_if_the_last_ones_failed)
{
    policy.breaker = BREAKER_OFF;
    for (int hour = 0; hour < 48; hour++) {
        int64_t at, now = NOW + hour * 3600 * NS_PER_S;
        for (int i = 0; i < 10; i++) {
            begin(now);
            for (int n = 0; n < 2; n++) {
                cr_assert(report(get(0, 503), now, &at), "hour %d, %d", hour, i);
                ANSWER(admit(at), ANSWER_GO);
            }
            report(get(0, 503), now, NULL);
            call_end(&call, now, WALL);
        }
    }
    cr_assert(eq(u64, count(COUNT_BUDGET_DENIED), 0));
}

Test(retry, only_successful_requests_refill_the_budget)
{
    static const struct {
        int code, status, tokens;
    } rows[] = {{0, 200, 1}, {0, 302, 1}, {0, 404, 1}, {0, 429, 0},
                {0, 500, 0}, {28, 0, 0},  {60, 0, 0},  {42, 0, 0}};
    policy.max_attempts = 1;
    policy.breaker = BREAKER_OFF;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        slot_reset(binding.slot);
        cr_assert(budget_take(&binding.slot->budget, 10, 0, NOW));
        request(get(rows[i].code, rows[i].status), NOW);
        cr_assert(eq(dbl, budget_left(NOW), 90 + rows[i].tokens), "row %zu", i);
    }
}

Test(retry, an_abandoned_request_returns_the_cost_of_its_planned_retry)
{
    begin(NOW);
    cr_assert(report(get(28, 0), NOW, NULL));
    cr_assert(eq(dbl, budget_left(NOW), BUDGET_CAPACITY - 5));
    call_abandon(&call, NOW);
    cr_assert(eq(dbl, budget_left(NOW), BUDGET_CAPACITY));
}

Test(retry, call_would_retry_changes_nothing)
{
    begin(NOW);
    struct attempt a = get(0, 500);
    struct call before = call;
    struct slot slot = *binding.slot;
    cr_assert(call_would_retry(&call, &a, NOW));
    cr_assert(eq(int, memcmp(&before, &call, sizeof call), 0));
    cr_assert(eq(int, memcmp(&slot, binding.slot, sizeof slot), 0));
}

Test(retry, a_retry_refused_by_a_newly_opened_circuit_returns_its_cost)
{
    int64_t at;
    begin(NOW);
    cr_assert(report(get(0, 500), NOW, &at));
    struct call waiting = call;
    policy.max_attempts = 1;
    for (int i = 0; i < 5; i++)
        request(get(7, 0), NOW);
    double left = budget_left(NOW);
    call = waiting;
    REFUSED(admit(at), REFUSED_BREAKER);
    cr_assert(eq(dbl, budget_left(NOW), left + 5));
    call_end(&call, at, WALL);
    cr_assert(eq(u64, count(COUNT_RETRIES), 0));
}
