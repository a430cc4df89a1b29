/* SPDX-License-Identifier: MIT
 *
 * Admission: rates and buckets, waits for a token, and refusals. */
#include "call_steps.h"

TestSuite(admit, .init = one_host, .fini = no_host);

Test(admit, without_limits_every_request_is_admitted)
{
    for (int i = 0; i < 1000; i++)
        ANSWER(admit_new(NOW), ANSWER_GO);
}

Test(admit, a_waiter_takes_its_token_once)
{
    limit(1, NS_PER_S, 1);
    ANSWER(admit_new(NOW), ANSWER_GO);
    struct admission ad = admit_new(NOW);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(int, ad.why, REFUSED_RATE));
    cr_assert(eq(i64, ad.at_ns, NOW + NS_PER_S));
    ad = admit(NOW + NS_PER_S / 2); /* too early */
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(i64, ad.at_ns, NOW + NS_PER_S));
    ANSWER(admit(NOW + NS_PER_S), ANSWER_GO);
    cr_assert(eq(i64, binding.slot->tat_ns[0], NOW + 2 * NS_PER_S));
    cr_assert(eq(u64, count(COUNT_WAITED), 1));
    cr_assert(eq(u64, count(COUNT_WAITED_NS), NS_PER_S));
}

Test(admit, waiters_start_in_order_of_arrival)
{
    limit(1, NS_PER_S, 1);
    struct call calls[10];
    for (int i = 0; i < 10; i++) {
        call_begin(&calls[i], &binding, 0, NOW);
        struct admission ad = call_admit(&calls[i], NOW);
        ANSWER(ad, i ? ANSWER_WAIT : ANSWER_GO);
        if (i)
            cr_assert(eq(i64, ad.at_ns, NOW + i * NS_PER_S));
    }
    for (int i = 9; i > 0; i--) /* in any order of their calls */
        ANSWER(call_admit(&calls[i], NOW + i * NS_PER_S), ANSWER_GO);
}

Test(admit, a_wait_longer_than_max_wait_is_refused_at_once_and_takes_no_token)
{
    policy.max_wait_ns = 2 * NS_PER_S;
    limit(1, NS_PER_S, 1);
    ANSWER(admit_new(NOW), ANSWER_GO);
    ANSWER(admit_new(NOW), ANSWER_WAIT);
    ANSWER(admit_new(NOW), ANSWER_WAIT);
    int64_t tat = binding.slot->tat_ns[0];
    struct admission ad = admit_new(NOW);
    REFUSED(ad, REFUSED_RATE);
    cr_assert(eq(i64, ad.at_ns, NOW + 3 * NS_PER_S));
    cr_assert(eq(i64, binding.slot->tat_ns[0], tat));
    cr_assert(eq(u64, count(COUNT_RATE_REJECTED), 1));
}

Test(admit, on_limit_fail_never_waits)
{
    policy.on_limit = ON_LIMIT_FAIL;
    limit(1, NS_PER_S, 1);
    ANSWER(admit_new(NOW), ANSWER_GO);
    REFUSED(admit_new(NOW), REFUSED_RATE);
    ANSWER(admit_new(NOW + NS_PER_S), ANSWER_GO);
}

Test(admit, the_programs_own_timeout_limits_the_wait)
{
    limit(1, NS_PER_S, 1);
    ANSWER(admit_new(NOW), ANSWER_GO);
    /* A request that starts when the program's timeout expires would fail and count against the
     * host. */
    call_begin(&call, &binding, NS_PER_S + 49 * NS_PER_MS, NOW);
    REFUSED(admit(NOW), REFUSED_RATE);
    call_begin(&call, &binding, NS_PER_S + 50 * NS_PER_MS, NOW);
    ANSWER(admit(NOW), ANSWER_WAIT);
    /* A request that need not wait may start. */
    call_begin(&call, &binding, 1, NOW + 2 * NS_PER_S);
    ANSWER(admit(NOW + 2 * NS_PER_S), ANSWER_GO);
}

Test(admit, a_caller_far_too_late_for_its_reserved_start_needs_a_new_one)
{
    policy.max_wait_ns = 60 * NS_PER_S;
    limit(1, NS_PER_S, 1);
    struct call calls[31];
    for (int i = 0; i < 31; i++) {
        call_begin(&calls[i], &binding, 0, NOW);
        call_admit(&calls[i], NOW);
    }
    /* 30 callers wait, and are stopped for 40 s. */
    int64_t now = NOW + 40 * NS_PER_S;
    int go = 0, wait = 0, refused = 0;
    for (int i = 1; i < 31; i++) {
        struct admission ad = call_admit(&calls[i], now);
        go += ad.answer == ANSWER_GO;
        wait += ad.answer == ANSWER_WAIT;
        refused += ad.answer == ANSWER_REFUSE;
        if (ad.answer == ANSWER_WAIT)
            cr_assert(eq(i64, ad.at_ns, now + wait * NS_PER_S));
    }
    cr_assert(eq(int, go, 1));
    cr_assert(eq(int, wait, 20)); /* max_wait counts from the first call */
    cr_assert(eq(int, refused, 9));
    cr_assert(eq(u64, count(COUNT_WAITED), 30));
}

Test(admit, a_caller_that_wakes_up_a_little_late_keeps_its_start)
{
    limit(1, NS_PER_S, 1);
    admit_new(NOW);
    ANSWER(admit_new(NOW), ANSWER_WAIT);
    int64_t tat = binding.slot->tat_ns[0];
    ANSWER(admit(NOW + NS_PER_S + 100 * NS_PER_MS), ANSWER_GO);
    cr_assert(eq(i64, binding.slot->tat_ns[0], tat));
}

Test(admit, a_caller_that_wakes_up_a_tenth_of_a_second_late_loses_its_start)
{
    limit(1, NS_PER_S, 1);
    admit_new(NOW);
    ANSWER(admit_new(NOW), ANSWER_WAIT);
    int64_t tat = binding.slot->tat_ns[0];
    admit(NOW + NS_PER_S + 100 * NS_PER_MS + 1);
    cr_assert(lt(i64, tat, binding.slot->tat_ns[0]), "a new start was reserved");
}

Test(admit, a_caller_as_late_as_the_burst_covers_keeps_its_start)
{
    policy.max_wait_ns = 60 * NS_PER_S;
    limit(10, NS_PER_S, 10);
    for (int i = 0; i < 10; i++)
        ANSWER(admit_new(NOW), ANSWER_GO);
    struct call late, later;
    call_begin(&late, &binding, 0, NOW);
    call_admit(&late, NOW);
    call_begin(&later, &binding, 0, NOW);
    call_admit(&later, NOW);
    int64_t tat = binding.slot->tat_ns[0], covered = 900 * NS_PER_MS;
    ANSWER(call_admit(&late, NOW + 100 * NS_PER_MS + covered), ANSWER_GO);
    cr_assert(eq(i64, binding.slot->tat_ns[0], tat));
    call_admit(&later, NOW + 200 * NS_PER_MS + covered + 1);
    cr_assert(lt(i64, tat, binding.slot->tat_ns[0]));
}

Test(admit, an_event_loop_that_runs_rarely_gets_the_tokens_that_are_free_then)
{
    enum { CALLS = 12 };
    struct call calls[CALLS];
    bool started[CALLS] = {false};
    int64_t starts[CALLS];
    int n = 0;
    policy.max_wait_ns = 60 * NS_PER_S;
    limit(10, NS_PER_S, 2);
    for (int i = 0; i < CALLS; i++)
        call_begin(&calls[i], &binding, 0, NOW);
    for (int64_t turn = 0; turn < 20; turn++)
        for (int i = 0; i < CALLS; i++)
            if (!started[i]) {
                struct admission ad = call_admit(&calls[i], NOW + turn * NS_PER_S);
                cr_assert(ne(int, ad.answer, ANSWER_REFUSE));
                started[i] = ad.answer == ANSWER_GO;
                if (started[i])
                    starts[n++] = turn * NS_PER_S;
            }
    cr_assert(eq(int, n, CALLS), "all of them start");
    for (int i = 0; i + 2 < n; i++)
        cr_assert(lt(i64, starts[i], starts[i + 2]), "at most the burst at once");
}

Test(admit, a_first_attempt_may_wait_longer_than_max_elapsed_but_a_retry_may_not)
{
    policy.max_elapsed_ns = 2 * NS_PER_S;
    limit(1, 10 * NS_PER_S, 1);
    ANSWER(admit_new(NOW), ANSWER_GO);
    ANSWER(admit_new(NOW), ANSWER_WAIT);
    int64_t at;
    ANSWER(admit(NOW + 10 * NS_PER_S), ANSWER_GO);
    cr_assert(not(report(get(0, 500), NOW + 10 * NS_PER_S, &at)));

    slot_reset(binding.slot);
    ANSWER(admit_new(NOW), ANSWER_GO);
    cr_assert(report(get(0, 500), NOW, &at));
    REFUSED(admit(at), REFUSED_RATE);
}

Test(admit, every_rate_of_every_bucket_applies)
{
    limit(10, 10 * NS_PER_S, 10);
    limit(2, NS_PER_S, 2);
    struct slot *op = operation(1, 3 * NS_PER_S, 1);
    ANSWER(admit_new(NOW), ANSWER_GO);
    int64_t host = binding.slot->tat_ns[0];
    struct admission ad = admit_new(NOW);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(i64, ad.at_ns, NOW + 3 * NS_PER_S));
    /* That start took tokens of all three rates. */
    cr_assert(lt(i64, host, binding.slot->tat_ns[0]));
    cr_assert(eq(i64, binding.slot->tat_ns[1], NOW + 3 * NS_PER_S + NS_PER_S / 2));
    cr_assert(eq(i64, op->tat_ns[0], NOW + 6 * NS_PER_S));
}

Test(admit, a_refusal_by_one_bucket_takes_from_none)
{
    policy.on_limit = ON_LIMIT_FAIL;
    limit(10, 10 * NS_PER_S, 10);
    operation(1, 3 * NS_PER_S, 1);
    ANSWER(admit_new(NOW), ANSWER_GO);
    int64_t host = binding.slot->tat_ns[0];
    REFUSED(admit_new(NOW), REFUSED_RATE);
    cr_assert(eq(i64, binding.slot->tat_ns[0], host));
}

/* Both rates use one word: each alone would admit, but both together never. */
Test(admit, two_rates_with_the_same_window_are_merged_and_both_hold)
{
    limit(60, 60 * NS_PER_S, 20);
    limit(5, 60 * NS_PER_S, 5);
    policy.on_limit = ON_LIMIT_FAIL;
    int n = 0;
    for (int64_t t = NOW; t < NOW + 60 * NS_PER_S; t += NS_PER_S / 10)
        n += admit_new(t).answer == ANSWER_GO;
    cr_assert(eq(int, n, 9)); /* 5 at first and 4 within the minute */
    cr_assert(eq(int, binding.lane_count, 1));
}

/* Simulates that another caller takes from the second bucket whenever this one has taken from
 * the first. */
Test(admit, tokens_of_one_bucket_are_returned_when_the_next_one_has_none)
{
    struct slot *s = operation(1, NS_PER_S, 1);
    operation(1, NS_PER_S, 1);
    begin(NOW);
    binding.lane[1].tat = binding.lane[0].tat;
    cr_assert(eq(int, admit(NOW).answer, ANSWER_WAIT));
    cr_assert(eq(i64, s->tat_ns[0], 0));
    for (int64_t t = NOW; t <= NOW + 40 * NS_PER_S; t += NS_PER_S) {
        struct admission ad = admit(t);
        cr_assert(eq(int, ad.answer, t < NOW + 30 * NS_PER_S ? ANSWER_WAIT : ANSWER_REFUSE));
        cr_assert(eq(i64, s->tat_ns[0], 0));
        if (ad.answer == ANSWER_REFUSE)
            return;
    }
    cr_assert(false, "the wait does not end");
}

Test(admit, limits_that_share_the_overflow_slot_do_not_starve_each_other)
{
    board_close(board);
    board = binding.board = board_open(NULL, 1, NULL);
    binding.slot = board_slot(board, binding.key, "h", SLOT_HOST, NOW);
    operation(1, NS_PER_S, 1);
    operation(1, NS_PER_S, 1);
    cr_assert(eq(int, admit_new(NOW).answer, ANSWER_GO));
    cr_assert(binding.lane[0].slot == board_overflow(board));
    struct admission ad = admit_new(NOW);
    cr_assert(eq(int, ad.answer, ANSWER_WAIT));
    cr_assert(eq(i64, ad.at_ns, NOW + NS_PER_S));
    cr_assert(eq(int, admit(NOW + NS_PER_S).answer, ANSWER_GO));
}

/* Random arrivals: no window of any rate has too many starts. */
Test(admit, starts_never_exceed_any_rate_for_random_arrivals)
{
    limit(20, 10 * NS_PER_S, 8);
    limit(3, NS_PER_S, 3);
    operation(5, 2 * NS_PER_S, 2);
    uint64_t seed = 5;
    static int64_t start[2000];
    int n = 0;
    int64_t now = NOW;
    for (int i = 0; i < 2000; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        now += (int64_t)(seed >> 34) % (NS_PER_S * 6 / 10);
        struct admission ad = admit_new(now);
        if (ad.answer == ANSWER_GO)
            start[n++] = now;
        else if (ad.answer == ANSWER_WAIT)
            start[n++] = ad.at_ns;
    }
    cr_assert(lt(int, 500, n));
    for (int l = 0; l < policy.limit_count; l++)
        for (int k = 0; k < policy.limits[l].rate_count; k++) {
            const struct rate *r = &policy.limits[l].rates[k];
            for (int i = 0; i < n; i++)
                for (int j = i; j < n; j++)
                    cr_assert(
                        le(i64, j - i + 1, r->burst + (start[j] - start[i]) / r->interval_ns));
        }
}

Test(admit, a_corrupted_board_never_stalls_a_program)
{
    limit(1, NS_PER_S, 1);
    binding.slot->tat_ns[0] = INT64_MAX;
    binding.slot->pause_until_ns = INT64_MAX;
    binding.slot->breaker.state = UINT64_MAX;
    binding.slot->budget.word = UINT64_MAX;
    ANSWER(admit_new(NOW), ANSWER_GO);
}

Test(admit, an_aborted_wait_is_counted_with_its_actual_length)
{
    limit(1, 10 * NS_PER_S, 1);
    ANSWER(admit_new(NOW), ANSWER_GO);
    ANSWER(admit_new(NOW), ANSWER_WAIT);
    call_end(&call, NOW + 2 * NS_PER_S, WALL);
    cr_assert(eq(u64, count(COUNT_WAITED_NS), 2 * NS_PER_S));
}
