/* SPDX-License-Identifier: MIT */
#include "one_host.h"

#include "engine/board/status.h"
#include "engine/call/fast_path.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>

TestSuite(call, .init = one_host, .fini = no_host);

static struct rate rate_of(uint32_t tokens, int64_t window_ns, uint32_t burst)
{
    return (struct rate){.tokens = tokens,
                         .burst = burst,
                         .window_ns = window_ns,
                         .interval_ns = (window_ns + tokens - 1) / tokens};
}

/* One more rate for the host's bucket. */
static void limit(uint32_t tokens, int64_t window_ns, uint32_t burst)
{
    struct limit *l = &policy.limits[0];
    l->rates[l->rate_count++] = rate_of(tokens, window_ns, burst);
    policy.limit_count = 1;
    binding.bucket_key[0] = binding.key;
    binding.refreshed_ns = 0;
}

/* A further bucket of its own. */
static struct slot *operation(uint32_t tokens, int64_t window_ns, uint32_t burst)
{
    int i = policy.limit_count++;
    policy.limits[i] = (struct limit){.operation = true, .rate_count = 1};
    policy.limits[i].rates[0] = rate_of(tokens, window_ns, burst);
    binding.bucket_key[i] = 77 + (uint64_t)i;
    binding.refreshed_ns = 0;
    return board_slot(board, binding.bucket_key[i], "h", SLOT_BUCKET, NOW);
}

static void begin(int64_t now)
{
    call_begin(&call, &binding, 0, now);
}

static struct admission admit(int64_t now)
{
    return call_admit(&call, now);
}

static struct admission fresh(int64_t now)
{
    begin(now);
    return admit(now);
}

static struct attempt get(int code, int status)
{
    struct attempt a = {.protocol = PROTOCOL_HTTP,
                        .curl_code = code,
                        .http_status = status,
                        .method = "GET",
                        .replayable = true,
                        .duration_ns = 20 * NS_PER_MS};
    hints_reset(&a.hints);
    return a;
}

static double budget_left(int64_t now)
{
    return budget_available(&binding.slot->budget, budget_fill_ms(20, 6 * NS_PER_S), now);
}

static bool report(struct attempt a, int64_t now, int64_t *at)
{
    int64_t ignored;
    bool would = call_would_retry(&call, &a, now, WALL);
    bool again = call_report(&call, &a, now, WALL, 0, at ? at : &ignored);
    if (!config.mode)
        cr_assert(eq(int, would, again), "what was foretold is what happens");
    return again;
}

/* A whole request of one attempt. */
static void request(struct attempt a, int64_t now)
{
    begin(now);
    cr_assert(eq(int, admit(now).answer, ANSWER_GO));
    report(a, now, NULL);
    call_end(&call, now, WALL);
}

static uint64_t count(enum counter c)
{
    return slot_counter(binding.slot, c);
}

#define ANSWER(ad, what) cr_assert(eq(int, (ad).answer, what))
#define REFUSED(ad, what)                                                                          \
    do {                                                                                           \
        struct admission ad_ = (ad);                                                               \
        cr_assert(eq(int, ad_.answer, ANSWER_REFUSE));                                             \
        cr_assert(eq(int, ad_.why, what));                                                         \
    } while (0)

/* ---- admission ------------------------------------------------------------------------------ */

Test(call, without_limits_everything_goes)
{
    for (int i = 0; i < 1000; i++)
        ANSWER(fresh(NOW), ANSWER_GO);
}

Test(call, waits_for_a_token_and_then_goes_without_paying_twice)
{
    limit(1, NS_PER_S, 1);
    ANSWER(fresh(NOW), ANSWER_GO);
    struct admission ad = fresh(NOW);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(int, ad.why, REFUSED_RATE));
    cr_assert(eq(i64, ad.at_ns, NOW + NS_PER_S));
    ad = admit(NOW + NS_PER_S / 2); /* asked early */
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(i64, ad.at_ns, NOW + NS_PER_S));
    ANSWER(admit(NOW + NS_PER_S), ANSWER_GO);
    cr_assert(eq(i64, binding.slot->tat_ns[0], NOW + 2 * NS_PER_S));
    cr_assert(eq(u64, count(COUNT_WAITED), 1));
    cr_assert(eq(u64, count(COUNT_WAITED_NS), NS_PER_S));
}

Test(call, waiters_are_served_in_the_order_they_came)
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
    for (int i = 9; i > 0; i--) /* and keep their places whoever asks first */
        ANSWER(call_admit(&calls[i], NOW + i * NS_PER_S), ANSWER_GO);
}

Test(call, a_wait_above_max_wait_is_refused_at_once_and_takes_nothing)
{
    policy.max_wait_ns = 2 * NS_PER_S;
    limit(1, NS_PER_S, 1);
    ANSWER(fresh(NOW), ANSWER_GO);
    ANSWER(fresh(NOW), ANSWER_WAIT);
    ANSWER(fresh(NOW), ANSWER_WAIT);
    int64_t tat = binding.slot->tat_ns[0];
    struct admission ad = fresh(NOW);
    REFUSED(ad, REFUSED_RATE);
    cr_assert(eq(i64, ad.at_ns, NOW + 3 * NS_PER_S));
    cr_assert(eq(i64, binding.slot->tat_ns[0], tat));
    cr_assert(eq(u64, count(COUNT_RATE_REJECTED), 1));
}

Test(call, on_limit_fail_never_waits)
{
    policy.on_limit = ON_LIMIT_FAIL;
    limit(1, NS_PER_S, 1);
    ANSWER(fresh(NOW), ANSWER_GO);
    REFUSED(fresh(NOW), REFUSED_RATE);
    ANSWER(fresh(NOW + NS_PER_S), ANSWER_GO);
}

Test(call, the_programs_own_timeout_limits_the_wait)
{
    limit(1, NS_PER_S, 1);
    ANSWER(fresh(NOW), ANSWER_GO);
    /* What would begin when the program gives up would fail, and seem to be the host's fault. */
    call_begin(&call, &binding, NS_PER_S + 49 * NS_PER_MS, NOW);
    REFUSED(admit(NOW), REFUSED_RATE);
    call_begin(&call, &binding, NS_PER_S + 50 * NS_PER_MS, NOW);
    ANSWER(admit(NOW), ANSWER_WAIT);
    /* But what need not wait may try. */
    call_begin(&call, &binding, 1, NOW + 2 * NS_PER_S);
    ANSWER(admit(NOW + 2 * NS_PER_S), ANSWER_GO);
}

Test(call, a_caller_long_after_its_reserved_start_asks_anew)
{
    policy.max_wait_ns = 60 * NS_PER_S;
    limit(1, NS_PER_S, 1);
    struct call calls[31];
    for (int i = 0; i < 31; i++) {
        call_begin(&calls[i], &binding, 0, NOW);
        call_admit(&calls[i], NOW);
    }
    /* 30 wait, and are stopped for 40 s. */
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
    cr_assert(eq(int, wait, 20)); /* max_wait counts from the first question */
    cr_assert(eq(int, refused, 9));
    cr_assert(eq(u64, count(COUNT_WAITED), 30));
}

Test(call, a_caller_that_wakes_up_a_little_late_keeps_its_start)
{
    limit(1, NS_PER_S, 1);
    fresh(NOW);
    ANSWER(fresh(NOW), ANSWER_WAIT);
    int64_t tat = binding.slot->tat_ns[0];
    ANSWER(admit(NOW + NS_PER_S + 100 * NS_PER_MS), ANSWER_GO);
    cr_assert(eq(i64, binding.slot->tat_ns[0], tat));
}

Test(call, a_caller_that_wakes_up_a_tenth_of_a_second_late_has_lost_its_start)
{
    limit(1, NS_PER_S, 1);
    fresh(NOW);
    ANSWER(fresh(NOW), ANSWER_WAIT);
    int64_t tat = binding.slot->tat_ns[0];
    admit(NOW + NS_PER_S + 100 * NS_PER_MS + 1);
    cr_assert(lt(i64, tat, binding.slot->tat_ns[0]), "a start was reserved anew");
}

Test(call, a_caller_as_late_as_the_burst_covers_keeps_its_start)
{
    policy.max_wait_ns = 60 * NS_PER_S;
    limit(10, NS_PER_S, 10);
    for (int i = 0; i < 10; i++)
        ANSWER(fresh(NOW), ANSWER_GO);
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

Test(call, a_loop_that_turns_seldom_gets_what_is_free_when_it_comes)
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
    cr_assert(eq(int, n, CALLS), "all of them come to their turn");
    for (int i = 0; i + 2 < n; i++)
        cr_assert(lt(i64, starts[i], starts[i + 2]), "never more than the burst at once");
}

Test(call, a_first_attempt_may_wait_longer_than_max_elapsed_but_no_retry)
{
    policy.max_elapsed_ns = 2 * NS_PER_S;
    limit(1, 10 * NS_PER_S, 1);
    ANSWER(fresh(NOW), ANSWER_GO);
    ANSWER(fresh(NOW), ANSWER_WAIT);
    int64_t at;
    ANSWER(admit(NOW + 10 * NS_PER_S), ANSWER_GO);
    cr_assert(not(report(get(0, 500), NOW + 10 * NS_PER_S, &at)));

    slot_reset(binding.slot);
    ANSWER(fresh(NOW), ANSWER_GO);
    cr_assert(report(get(0, 500), NOW, &at));
    REFUSED(admit(at), REFUSED_RATE);
}

Test(call, every_rate_of_every_bucket_must_admit)
{
    limit(10, 10 * NS_PER_S, 10);
    limit(2, NS_PER_S, 2);
    struct slot *op = operation(1, 3 * NS_PER_S, 1);
    ANSWER(fresh(NOW), ANSWER_GO);
    int64_t host = binding.slot->tat_ns[0];
    struct admission ad = fresh(NOW);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(i64, ad.at_ns, NOW + 3 * NS_PER_S));
    /* All three were taken for that start. */
    cr_assert(lt(i64, host, binding.slot->tat_ns[0]));
    cr_assert(eq(i64, binding.slot->tat_ns[1], NOW + 3 * NS_PER_S + NS_PER_S / 2));
    cr_assert(eq(i64, op->tat_ns[0], NOW + 6 * NS_PER_S));
}

Test(call, a_refusal_by_one_bucket_takes_from_none)
{
    policy.on_limit = ON_LIMIT_FAIL;
    limit(10, 10 * NS_PER_S, 10);
    operation(1, 3 * NS_PER_S, 1);
    ANSWER(fresh(NOW), ANSWER_GO);
    int64_t host = binding.slot->tat_ns[0];
    REFUSED(fresh(NOW), REFUSED_RATE);
    cr_assert(eq(i64, binding.slot->tat_ns[0], host));
}

/* Two rates on one word: each alone would admit, both never. */
Test(call, rates_of_one_window_of_one_bucket_are_one_that_keeps_both)
{
    limit(60, 60 * NS_PER_S, 20);
    limit(5, 60 * NS_PER_S, 5);
    policy.on_limit = ON_LIMIT_FAIL;
    int n = 0;
    for (int64_t t = NOW; t < NOW + 60 * NS_PER_S; t += NS_PER_S / 10)
        n += fresh(t).answer == ANSWER_GO;
    cr_assert(eq(int, n, 9)); /* 5 at first, and 4 within the minute */
    cr_assert(eq(int, binding.lane_count, 1));
}

/* As if somebody else took from the second whenever we have taken from the first. */
Test(call, what_one_bucket_gave_is_given_back_when_the_next_has_nothing)
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
    cr_assert(false, "a wait has an end");
}

Test(call, limits_that_share_the_overflow_slot_do_not_starve_each_other)
{
    board_close(board);
    board = binding.board = board_open(NULL, 1, NULL);
    binding.slot = board_slot(board, binding.key, "h", SLOT_HOST, NOW);
    operation(1, NS_PER_S, 1);
    operation(1, NS_PER_S, 1);
    cr_assert(eq(int, fresh(NOW).answer, ANSWER_GO));
    cr_assert(binding.lane[0].slot == board_overflow(board));
    struct admission ad = fresh(NOW);
    cr_assert(eq(int, ad.answer, ANSWER_WAIT));
    cr_assert(eq(i64, ad.at_ns, NOW + NS_PER_S));
    cr_assert(eq(int, admit(NOW + NS_PER_S).answer, ANSWER_GO));
}

/* Random arrivals through the whole of admission; every window of every rate holds. */
Test(call, starts_never_exceed_any_rate_whatever_comes)
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
        struct admission ad = fresh(now);
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

Test(call, a_corrupted_board_never_stalls_a_program)
{
    limit(1, NS_PER_S, 1);
    binding.slot->tat_ns[0] = INT64_MAX;
    binding.slot->pause_until_ns = INT64_MAX;
    binding.slot->breaker.state = UINT64_MAX;
    binding.slot->budget.word = UINT64_MAX;
    ANSWER(fresh(NOW), ANSWER_GO);
}

Test(call, a_retry_pays_too)
{
    limit(1, NS_PER_S, 1);
    ANSWER(fresh(NOW), ANSWER_GO);
    int64_t at;
    cr_assert(report(get(0, 500), NOW, &at));
    cr_assert(eq(i64, at, NOW + 500 * NS_PER_MS));
    struct admission ad = admit(at);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(i64, ad.at_ns, NOW + NS_PER_S));
}

Test(call, a_retry_counts_when_it_is_made)
{
    limit(1, 3600 * NS_PER_S, 1);
    ANSWER(fresh(NOW), ANSWER_GO);
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
    call_end(&call, NOW, WALL); /* the program aborts meanwhile */
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

/* ---- the gate ------------------------------------------------------------------------------- */

static struct attempt told(int status, int64_t retry_after_s)
{
    struct attempt a = get(0, status);
    a.hints.retry_after_s = retry_after_s;
    return a;
}

Test(call, a_servers_hint_pauses_all_callers)
{
    request(told(429, 7), NOW);
    struct admission ad = fresh(NOW + NS_PER_S);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(int, ad.why, REFUSED_PAUSE));
    cr_assert(ge(i64, ad.at_ns, NOW + 7 * NS_PER_S));
    cr_assert(eq(i64, admit(ad.at_ns - 1).at_ns, ad.at_ns)); /* asked early */
    ANSWER(admit(ad.at_ns), ANSWER_GO);
    cr_assert(eq(u64, count(COUNT_WAITED), 1));
    cr_assert(eq(u64, count(COUNT_WAITED_NS), ad.at_ns - NOW - NS_PER_S));
}

/* Without a rate, nothing else would keep them apart. */
Test(call, waiters_for_the_end_of_a_pause_do_not_start_together)
{
    request(told(429, 10), NOW);
    int starts[10] = {0};
    for (int i = 0; i < 200; i++) {
        struct admission ad = fresh(NOW + i * NS_PER_MS);
        ANSWER(ad, ANSWER_WAIT);
        cr_assert(ge(i64, ad.at_ns, NOW + 10 * NS_PER_S));
        cr_assert(lt(i64, ad.at_ns, NOW + 15 * NS_PER_S));
        starts[(ad.at_ns - NOW - 10 * NS_PER_S) / (500 * NS_PER_MS)]++;
    }
    for (int i = 0; i < 10; i++) { /* 20 on average */
        cr_assert(lt(int, 5, starts[i]), "%d", i);
        cr_assert(lt(int, starts[i], 40), "%d", i);
    }
    slot_reset(binding.slot); /* and who asks at the same moment is told apart by the others */
    request(told(429, 10), NOW);
    int64_t first = fresh(NOW).at_ns;
    cr_assert(ne(i64, fresh(NOW).at_ns, first));
}

Test(call, a_waiter_with_little_time_left_starts_within_the_rest_of_it)
{
    policy.max_wait_ns = 12 * NS_PER_S;
    request(told(429, 10), NOW);
    for (int i = 0; i < 200; i++) {
        struct admission ad = fresh(NOW);
        ANSWER(ad, ANSWER_WAIT);
        cr_assert(ge(i64, ad.at_ns, NOW + 11 * NS_PER_S));
        cr_assert(le(i64, ad.at_ns, NOW + 12 * NS_PER_S));
    }
    policy.max_wait_ns = 10 * NS_PER_S;
    cr_assert(eq(i64, fresh(NOW).at_ns, NOW + 10 * NS_PER_S));
}

Test(call, the_first_after_a_pause_that_is_told_to_wait_again_delays_the_others)
{
    request(told(429, 10), NOW);
    struct call calls[20];
    int64_t at[20], first = INT64_MAX;
    for (int i = 0; i < 20; i++) {
        call_begin(&calls[i], &binding, 0, NOW);
        at[i] = call_admit(&calls[i], NOW).at_ns;
        first = at[i] < first ? at[i] : first;
    }
    request(told(429, 10), first);
    for (int i = 0; i < 20; i++) {
        struct admission ad = call_admit(&calls[i], at[i]);
        ANSWER(ad, ANSWER_WAIT);
        cr_assert(ge(i64, ad.at_ns, first + 10 * NS_PER_S));
    }
}

Test(call, a_pause_too_long_for_any_policy_gives_way_to_a_true_one)
{
    binding.slot->pause_until_ns = INT64_MAX;
    ANSWER(fresh(NOW), ANSWER_GO);
    report(told(429, 7), NOW, NULL);
    cr_assert(eq(i64, binding.slot->pause_until_ns, NOW + 7 * NS_PER_S));
}

Test(call, a_caller_that_cannot_wait_ignores_a_pause)
{
    request(told(429, 10), NOW);
    begin(NOW);
    call.cannot_wait = true;
    ANSWER(admit(NOW), ANSWER_GO);
    cr_assert(eq(u64, count(COUNT_WAITED), 0));
}

Test(call, a_pause_longer_than_max_wait_is_refused)
{
    request(told(429, 60), NOW);
    struct admission ad = fresh(NOW);
    REFUSED(ad, REFUSED_PAUSE);
    cr_assert(eq(i64, ad.at_ns, NOW + 60 * NS_PER_S));
    cr_assert(eq(u64, count(COUNT_RATE_REJECTED), 1));
}

Test(call, redirections_and_empty_quotas_pause_but_the_retry_after_of_a_success_does_not)
{
    request(told(302, 3), NOW);
    cr_assert(eq(i64, binding.slot->pause_until_ns, NOW + 3 * NS_PER_S));
    slot_reset(binding.slot);
    request(told(202, 3), NOW);
    cr_assert(eq(i64, binding.slot->pause_until_ns, 0));
    struct attempt a = told(200, 9);
    a.hints.limit_remaining = 0;
    a.hints.limit_reset_s = 4;
    request(a, NOW);
    cr_assert(eq(i64, binding.slot->pause_until_ns, NOW + 4 * NS_PER_S));
}

Test(call, a_pause_is_never_shortened_and_never_longer_than_the_longest_hint)
{
    request(told(429, 20), NOW);
    begin(NOW);
    report(told(429, 5), NOW, NULL);
    cr_assert(eq(i64, binding.slot->pause_until_ns, NOW + 20 * NS_PER_S));
    request(told(503, 100000), NOW + 30 * NS_PER_S);
    cr_assert(eq(i64, binding.slot->pause_until_ns, NOW + 330 * NS_PER_S));
}

Test(call, a_policy_of_shorter_hints_neither_ignores_nor_shortens_the_pause)
{
    policy.retry_after_max_ns = 3600 * NS_PER_S;
    policy.max_wait_ns = 3600 * NS_PER_S;
    request(told(429, 1800), NOW);
    policy.retry_after_max_ns = 60 * NS_PER_S;
    struct admission ad = fresh(NOW + NS_PER_S);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(int, ad.why, REFUSED_PAUSE));
    cr_assert(ge(i64, ad.at_ns, NOW + 61 * NS_PER_S));
    cr_assert(le(i64, ad.at_ns, NOW + 91 * NS_PER_S));
    ANSWER(admit(ad.at_ns), ANSWER_GO); /* it obeyed for as long as it obeys any */
    report(told(429, 5), ad.at_ns, NULL);
    cr_assert(eq(i64, binding.slot->pause_until_ns, NOW + 1800 * NS_PER_S));
    policy.retry_after_max_ns = 3600 * NS_PER_S;
    cr_assert(ge(i64, fresh(NOW + 100 * NS_PER_S).at_ns, NOW + 1800 * NS_PER_S));
}

Test(call, hints_that_are_switched_off_are_ignored)
{
    policy.retry_after_max_ns = 0;
    int64_t at;
    ANSWER(fresh(NOW), ANSWER_GO);
    cr_assert(report(told(503, 20), NOW, &at));
    cr_assert(eq(i64, at, NOW + NS_PER_S));
    ANSWER(fresh(NOW), ANSWER_GO);
}

Test(call, waiters_for_the_end_of_a_pause_are_spread_by_the_rate)
{
    limit(1, NS_PER_S, 1);
    ANSWER(fresh(NOW - 10 * NS_PER_S), ANSWER_GO);
    report(told(429, 15), NOW - 10 * NS_PER_S, NULL);
    for (int i = 0; i < 5; i++) {
        struct admission ad = fresh(NOW);
        ANSWER(ad, ANSWER_WAIT);
        cr_assert(eq(i64, ad.at_ns, NOW + (5 + i) * NS_PER_S));
    }
}

Test(call, a_pause_that_begins_during_a_wait_counts_and_max_wait_stays)
{
    limit(1, NS_PER_S, 1);
    ANSWER(fresh(NOW), ANSWER_GO);
    struct call other = call;
    struct admission ad = fresh(NOW);
    ANSWER(ad, ANSWER_WAIT);
    struct attempt a = told(429, 10);
    int64_t at;
    call_report(&other, &a, NOW, WALL, 0, &at);
    ad = admit(NOW + NS_PER_S);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(ge(i64, ad.at_ns, NOW + 10 * NS_PER_S));
    a = told(429, 100);
    call_report(&other, &a, NOW + 2 * NS_PER_S, WALL, 0, &at);
    REFUSED(admit(NOW + 10 * NS_PER_S), REFUSED_PAUSE);
    call_end(&call, NOW + 10 * NS_PER_S, WALL);
    cr_assert(eq(u64, count(COUNT_WAITED), 1));
    cr_assert(eq(u64, count(COUNT_WAITED_NS), 10 * NS_PER_S));
}

Test(call, a_wait_that_the_program_aborts_counts_as_long_as_it_lasted)
{
    limit(1, 10 * NS_PER_S, 1);
    ANSWER(fresh(NOW), ANSWER_GO);
    ANSWER(fresh(NOW), ANSWER_WAIT);
    call_end(&call, NOW + 2 * NS_PER_S, WALL);
    cr_assert(eq(u64, count(COUNT_WAITED_NS), 2 * NS_PER_S));
}

/* ---- retries -------------------------------------------------------------------------------- */

Test(call, a_transient_failure_is_tried_three_times_with_back_off)
{
    int64_t at, now = NOW;
    ANSWER(fresh(now), ANSWER_GO);
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

Test(call, a_retry_that_succeeds_is_a_recovery)
{
    int64_t at;
    ANSWER(fresh(NOW), ANSWER_GO);
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

Test(call, never_repeats_what_was_seen_or_cannot_be_sent_again)
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

Test(call, outcomes_with_a_maximum_of_their_own_are_tried_twice)
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

Test(call, a_throttle_starts_at_a_second_and_obeys_the_hint)
{
    int64_t at;
    ANSWER(fresh(NOW), ANSWER_GO);
    cr_assert(report(get(0, 429), NOW, &at));
    cr_assert(eq(i64, at, NOW + NS_PER_S));
    ANSWER(fresh(NOW), ANSWER_GO);
    cr_assert(report(told(429, 4), NOW, &at));
    cr_assert(eq(i64, at, NOW + 4 * NS_PER_S));
    slot_reset(binding.slot);
    ANSWER(fresh(NOW), ANSWER_GO);
    struct attempt a = told(429, 4);
    cr_assert(call_report(&call, &a, NOW, WALL, UINT64_MAX, &at));
    cr_assert(eq(i64, at, NOW + 6 * NS_PER_S));
}

Test(call, a_hint_past_the_cap_or_the_deadline_delivers_at_once)
{
    policy.max_elapsed_ns = 1000 * NS_PER_S;
    cr_assert(again(told(503, 300)));
    cr_assert(not(again(told(503, 301))));
    policy.max_elapsed_ns = 30 * NS_PER_S;
    cr_assert(again(told(503, 29)));
    cr_assert(not(again(told(503, 30))));
}

Test(call, jitter_is_squeezed_into_the_time_that_is_left)
{
    for (int i = 0; i < 100; i++) {
        slot_reset(binding.slot);
        begin(NOW);
        struct attempt a = told(503, 25);
        int64_t at;
        cr_assert(call_report(&call, &a, NOW, WALL, UINT64_MAX / 100 * (uint64_t)i, &at));
        cr_assert(ge(i64, at, NOW + 25 * NS_PER_S));
        cr_assert(lt(i64, at, NOW + 30 * NS_PER_S));
    }
}

Test(call, no_retry_begins_after_the_programs_own_deadline)
{
    call_begin(&call, &binding, 400 * NS_PER_MS, NOW);
    cr_assert(not(report(get(0, 500), NOW, NULL)));
    call_begin(&call, &binding, 600 * NS_PER_MS, NOW);
    cr_assert(report(get(0, 500), NOW, NULL));
}

Test(call, the_budget_ends_a_storm_of_retries)
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

Test(call, a_denied_retry_is_counted_once_wherever_it_was_decided)
{
    static const int statuses[] = {503, 429};
    policy.breaker = BREAKER_OFF;
    for (int i = 0; i < 2; i++) {
        struct attempt a = get(0, statuses[i]);
        int64_t at;
        slot_reset(binding.slot);
        while (budget_take(&binding.slot->budget, 20, 0, NOW))
            ;
        begin(NOW); /* with headers, then whole: transfer.c asks twice, then reports */
        cr_assert(not(call_would_retry(&call, &a, NOW, WALL)));
        cr_assert(eq(u64, count(COUNT_BUDGET_DENIED), 1), "where it is decided");
        cr_assert(not(call_would_retry(&call, &a, NOW, WALL)));
        a.committed = true;
        cr_assert(not(call_report(&call, &a, NOW, WALL, 0, &at)));
        call_end(&call, NOW, WALL);
        cr_assert(eq(u64, count(COUNT_BUDGET_DENIED), 1));
        begin(NOW);
        a.committed = false;
        cr_assert(not(call_report(&call, &a, NOW, WALL, 0, &at)));
        cr_assert(eq(u64, count(COUNT_BUDGET_DENIED), 2));
        a.replayable = false; /* not for want of budget */
        begin(NOW);
        cr_assert(not(call_would_retry(&call, &a, NOW, WALL)));
        cr_assert(not(call_report(&call, &a, NOW, WALL, 0, &at)));
        cr_assert(eq(u64, count(COUNT_BUDGET_DENIED), 2));
    }
}

Test(call, each_denied_retry_of_a_request_counts)
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

Test(call, a_retry_that_helped_has_its_cost_back)
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

Test(call, an_hourly_job_has_its_retries_whatever_became_of_the_last_ones)
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

Test(call, only_requests_that_end_well_refill_the_budget)
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

Test(call, a_request_that_vanishes_before_its_retry_leaves_the_budget_whole)
{
    begin(NOW);
    cr_assert(report(get(28, 0), NOW, NULL));
    cr_assert(eq(dbl, budget_left(NOW), BUDGET_CAPACITY - 5));
    call_abandon(&call, NOW);
    cr_assert(eq(dbl, budget_left(NOW), BUDGET_CAPACITY));
}

Test(call, asking_whether_it_would_be_repeated_changes_nothing)
{
    begin(NOW);
    struct attempt a = get(0, 500);
    struct call before = call;
    struct slot slot = *binding.slot;
    cr_assert(call_would_retry(&call, &a, NOW, WALL));
    cr_assert(eq(int, memcmp(&before, &call, sizeof call), 0));
    cr_assert(eq(int, memcmp(&slot, binding.slot, sizeof slot), 0));
}

/* ---- the breaker ---------------------------------------------------------------------------- */

static void open_circuit(void)
{
    policy.max_attempts = 1;
    for (int i = 0; i < 5; i++)
        request(get(7, 0), NOW);
}

Test(call, an_open_circuit_refuses_and_says_until_when)
{
    open_circuit();
    struct admission ad = fresh(NOW + NS_PER_S);
    REFUSED(ad, REFUSED_BREAKER);
    cr_assert(eq(i64, ad.at_ns, NOW + 30 * NS_PER_S));
    call_end(&call, NOW, WALL);
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 1));
    cr_assert(eq(u64, count(COUNT_BREAKER_REJECTED), 1));
    cr_assert(eq(u64, count(COUNT_REQUESTS), 6));
    cr_assert(eq(u64, count(COUNT_FAILURES), 5));
    cr_assert(lt(u64, 0, board->header->alerts));
}

Test(call, one_probe_at_a_time_closes_it_again)
{
    open_circuit();
    int64_t now = NOW + 30 * NS_PER_S;
    ANSWER(fresh(now), ANSWER_GO);
    struct call probe = call;
    REFUSED(fresh(now), REFUSED_BREAKER);
    call = probe;
    report(get(0, 200), now, NULL);
    request(get(0, 200), now);
    cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, now), BREAKER_CLOSED));
}

Test(call, a_probe_without_a_verdict_makes_room_for_the_next)
{
    open_circuit();
    int64_t now = NOW + 30 * NS_PER_S;
    ANSWER(fresh(now), ANSWER_GO);
    call_abandon(&call, now); /* an exception */
    ANSWER(fresh(now), ANSWER_GO);
    call_end(&call, now, WALL); /* aborted */
    ANSWER(fresh(now), ANSWER_GO);
    report(get(42, 0), now, NULL); /* the program's own fault */
    ANSWER(fresh(now), ANSWER_GO);
    report(get(0, 429), now, NULL); /* alive, but no proof of health */
    ANSWER(fresh(now), ANSWER_GO);
}

Test(call, a_probe_that_must_wait_for_a_token_leaves_the_probing_to_others)
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
    ANSWER(fresh(now), ANSWER_WAIT);
    cr_assert(eq(i64, call.lease_ns, 0));
    cr_assert(breaker_admit(&binding.slot->breaker, &policy, 0, 0, now).lease_ns != 0);
}

Test(call, a_prober_whose_lease_ran_out_does_not_end_the_next_ones)
{
    open_circuit();
    int64_t now = NOW + 30 * NS_PER_S;
    ANSWER(fresh(now), ANSWER_GO);
    struct call first = call;
    now += 31 * NS_PER_S;
    ANSWER(fresh(now), ANSWER_GO);
    call_abandon(&first, now);
    REFUSED(fresh(now), REFUSED_BREAKER);
}

Test(call, a_probe_is_a_request_with_its_retries)
{
    int64_t at, now = NOW + 30 * NS_PER_S;
    open_circuit();
    policy.max_attempts = 3;
    ANSWER(fresh(now), ANSWER_GO);
    for (int i = 0; i < 2; i++) {
        cr_assert(report(get(0, 503), now, &at));
        struct call probe = call;
        REFUSED(fresh(at - 1), REFUSED_BREAKER);
        call_end(&call, at, WALL);
        call = probe;
        now = at;
        ANSWER(admit(now), ANSWER_GO);
    }
    cr_assert(not(report(get(0, 503), now, NULL)));
    call_end(&call, now, WALL);
    struct admission ad = fresh(now);
    REFUSED(ad, REFUSED_BREAKER);
    cr_assert(eq(i64, ad.at_ns, now + 60 * NS_PER_S));
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 2));
    now = ad.at_ns;
    for (int i = 0; i < 2; i++) { /* and one that goes well in the end is a good one */
        ANSWER(fresh(now), ANSWER_GO);
        cr_assert(report(get(0, 503), now, &at));
        ANSWER(admit(at), ANSWER_GO);
        report(get(0, 200), at, NULL);
        call_end(&call, at, WALL);
    }
    cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, now), BREAKER_CLOSED));
}

Test(call, a_probe_whose_retry_the_program_does_not_want_has_failed)
{
    int64_t at, now = NOW + 30 * NS_PER_S;
    open_circuit();
    policy.max_attempts = 3;
    ANSWER(fresh(now), ANSWER_GO);
    cr_assert(report(get(0, 503), now, &at));
    call_end(&call, now, WALL);
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 2));
}

Test(call, a_probe_whose_retry_the_rate_refuses_has_failed)
{
    int64_t at, now = NOW + 30 * NS_PER_S;
    open_circuit();
    limit(1, 60 * NS_PER_S, 1);
    policy.on_limit = ON_LIMIT_FAIL;
    policy.max_attempts = 3;
    ANSWER(fresh(now), ANSWER_GO);
    cr_assert(report(get(0, 503), now, &at));
    REFUSED(admit(at), REFUSED_RATE);
    call_end(&call, at, WALL);
    cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, at), BREAKER_OPEN));
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 2));
}

Test(call, a_retry_whose_circuit_opened_meanwhile_is_refused_and_has_its_budget_back)
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

Test(call, our_own_refusals_say_nothing_about_the_host)
{
    policy.on_limit = ON_LIMIT_FAIL;
    policy.max_wait_ns = 5 * NS_PER_S;
    limit(1, 3600 * NS_PER_S, 1);
    request(told(429, 100), NOW);
    struct slot before = *binding.slot;
    for (int i = 0; i < 100; i++) {
        int64_t now = NOW + i * 2 * NS_PER_S; /* by the gate, then by the rate */
        REFUSED(fresh(now), i < 50 ? REFUSED_PAUSE : REFUSED_RATE);
        call_end(&call, now, WALL);
    }
    cr_assert(eq(u64, binding.slot->breaker.state, before.breaker.state));
    cr_assert(eq(u64, binding.slot->breaker.window, before.breaker.window));
    cr_assert(eq(u64, binding.slot->results_in_row, before.results_in_row));
    cr_assert(eq(u64, count(COUNT_FAILURES), 1));
    cr_assert(eq(u64, binding.slot->budget.word, 0));
}

/* Eight transfers at once that get one 503 each are eight good requests. */
Test(call, a_request_counts_once_whatever_became_of_its_attempts)
{
    struct call calls[8];
    int64_t at[8];
    struct attempt bad = get(0, 503), good = get(0, 200);
    policy.breaker_failures = 3;
    for (int i = 0; i < 8; i++) {
        call_begin(&calls[i], &binding, 0, NOW);
        ANSWER(call_admit(&calls[i], NOW), ANSWER_GO);
    }
    for (int i = 0; i < 8; i++)
        cr_assert(call_report(&calls[i], &bad, NOW, WALL, 0, &at[i]));
    for (int i = 0; i < 8; i++) {
        ANSWER(call_admit(&calls[i], at[i]), ANSWER_GO);
        cr_assert(not(call_report(&calls[i], &good, at[i], WALL, 0, &at[i])));
        call_end(&calls[i], at[i], WALL);
    }
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 0));
    cr_assert(eq(u64, count(COUNT_RECOVERED), 8));
    slot_reset(binding.slot);
    for (int request = 1; request <= 3; request++) {
        begin(NOW);
        for (int n = 0; n < 2; n++) {
            cr_assert(report(bad, NOW, at));
            ANSWER(admit(at[0]), ANSWER_GO);
        }
        cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 0));
        cr_assert(not(report(bad, NOW, at)));
        call_end(&call, NOW, WALL);
        cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), request == 3));
    }
}

/* By a limit, or because the program no longer wants it: then it failed by what it had. */
Test(call, a_request_whose_retry_is_not_made_has_the_result_of_its_last_attempt)
{
    int64_t at;
    policy.breaker_failures = 2;
    for (int i = 0; i < 2; i++) {
        begin(NOW);
        cr_assert(report(get(0, 503), NOW, &at));
        cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 0));
        call_end(&call, NOW, WALL);
    }
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 1));
    cr_assert(eq(u64, count(COUNT_UNJUDGED), 0));
    slot_reset(binding.slot);
    for (int i = 0; i < 9; i++) { /* killed, or unwound by an exception: nobody knows */
        begin(NOW);
        cr_assert(report(get(0, 503), NOW, &at));
        call_abandon(&call, NOW);
    }
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 0));
    cr_assert(eq(u64, count(COUNT_UNJUDGED), 9));
}

static int state_now(void)
{
    return (int)breaker_state_at(&binding.slot->breaker, NOW);
}

static void repeat(struct attempt a, int n)
{
    slot_reset(binding.slot);
    for (int i = 0; i < n && state_now() == BREAKER_CLOSED; i++)
        request(a, NOW);
}

Test(call, what_tells_of_an_outage_opens_the_circuit_and_nothing_else_does)
{
    static const int outages[] = {502, 503, 504, 520, 521, 522, 523, 524};
    policy.max_attempts = 1;
    for (int status = 400; status < 600; status++) {
        bool outage = false;
        for (size_t i = 0; i < sizeof outages / sizeof *outages; i++)
            outage |= outages[i] == status;
        repeat(get(0, status), 20);
        cr_assert(eq(int, state_now(), outage ? BREAKER_OPEN : BREAKER_CLOSED), "%d", status);
    }
    static const struct {
        int code, status;
        bool outage;
    } rows[] = {{6, 0, true},     {7, 0, true},   {28, 0, true},   {35, 0, true},  {52, 0, true},
                {56, 0, true},    {95, 0, true},  {28, 200, true}, {8, 0, false},  {18, 200, false},
                {56, 200, false}, {60, 0, false}, {42, 0, false},  {23, 0, false}, {89, 0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct attempt a = get(rows[i].code, rows[i].status);
        a.committed = rows[i].status;
        repeat(a, 20);
        cr_assert(eq(int, state_now(), rows[i].outage ? BREAKER_OPEN : BREAKER_CLOSED), "%d %d",
                  rows[i].code, rows[i].status);
    }
    struct attempt cut = get(28, 0), hinted = get(0, 503);
    cut.shortened = true; /* by a bound of ours */
    repeat(cut, 20);
    cr_assert(eq(int, state_now(), BREAKER_CLOSED));
    policy.retry_after_max_ns = 0; /* obeyed or not */
    hinted.hints.retry_after_s = 5;
    repeat(hinted, 20);
    cr_assert(eq(int, state_now(), BREAKER_CLOSED));
}

Test(call, a_refused_connection_opens_it_at_the_connect_layer_too)
{
    struct attempt a = {.protocol = PROTOCOL_CONNECT, .os_errno = ECONNREFUSED};
    policy.max_attempts = 1;
    repeat(a, 5);
    cr_assert(eq(int, state_now(), BREAKER_OPEN));
    a.os_errno = EADDRNOTAVAIL;
    repeat(a, 20);
    cr_assert(eq(int, state_now(), BREAKER_CLOSED));
}

Test(call, a_retry_that_a_timeout_of_ours_cut_leaves_the_request_its_result)
{
    int64_t at;
    struct attempt cut = get(28, 0);
    cut.shortened = true;
    cut.replayable = false;
    for (int i = 1; i <= 5; i++) {
        begin(NOW);
        cr_assert(report(get(0, 503), NOW, &at));
        ANSWER(admit(at), ANSWER_GO);
        cr_assert(not(report(cut, at, NULL)));
        call_end(&call, at, WALL);
        cr_assert(eq(int, state_now(), i == 5 ? BREAKER_OPEN : BREAKER_CLOSED), "%d", i);
    }
}

static void get_at(int status, int64_t t)
{
    struct attempt a = get(0, status);
    int64_t at;
    begin(NOW + t);
    ANSWER(admit(NOW + t), ANSWER_GO);
    call_report(&call, &a, NOW + t, WALL + t, 0, &at);
    call_end(&call, NOW + t, WALL + t);
}

Test(call, the_circuit_of_a_host_of_which_anything_succeeds_stays_closed)
{
    policy.max_attempts = 1;
    policy.breaker_after_ns = 30 * NS_PER_S;
    int64_t t = 0;
    for (int i = 0; i < 600; i++, t += 5 * NS_PER_S) /* one good answer in six, each 30 s */
        get_at(i % 6 ? 504 : 200, t);
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 0));
    slot_reset(binding.slot);
    get_at(200, t);
    int n = 0; /* and then none: half a minute later it is an outage */
    for (; state_now() == BREAKER_CLOSED; n++)
        get_at(504, t += NS_PER_S);
    cr_assert(eq(int, n, 30));
}

Test(call, a_host_that_cannot_be_reached_is_down_whatever_went_well_just_now)
{
    policy.max_attempts = 1;
    policy.breaker_after_ns = 30 * NS_PER_S;
    get_at(200, 0);
    for (int i = 0; i < 5; i++) {
        cr_assert(eq(int, state_now(), BREAKER_CLOSED));
        request(get(7, 0), NOW + i);
    }
    cr_assert(eq(int, state_now(), BREAKER_OPEN));
}

Test(call, a_host_that_cannot_be_reached_is_down_also_if_a_timeout_of_ours_cut_the_retry)
{
    int64_t at;
    struct attempt cut = get(28, 0);
    cut.shortened = true;
    cut.replayable = false;
    policy.breaker_after_ns = 30 * NS_PER_S;
    get_at(200, 0);
    for (int i = 0; i < 5; i++) {
        cr_assert(eq(int, state_now(), BREAKER_CLOSED));
        begin(NOW);
        cr_assert(report(get(7, 0), NOW, &at));
        ANSWER(admit(at), ANSWER_GO);
        call_report_cut(&call, &cut, at, WALL, 0, &at);
        call_end(&call, at, WALL);
    }
    cr_assert(eq(int, state_now(), BREAKER_OPEN));
}

Test(call, a_row_that_a_host_has_by_chance_is_no_outage)
{
    policy.max_attempts = 1;
    policy.breaker_after_ns = 10 * NS_PER_S;
    int64_t t = 0;
    for (int i = 0; i < 100; i++, t += 60 * NS_PER_S)
        get_at(i % 2 ? 504 : 200, t);
    int n = 0;
    for (; state_now() == BREAKER_CLOSED; n++)
        get_at(504, t += 60 * NS_PER_S);
    cr_assert(ge(int, n, 19)); /* one half to the power of 20 is a millionth */
    cr_assert(lt(int, n, 40));
    slot_reset(binding.slot);
    policy.breaker_after_ns = 0;
    get_at(200, t);
    for (n = 0; state_now() == BREAKER_CLOSED; n++)
        get_at(504, t += 60 * NS_PER_S);
    cr_assert(eq(int, n, 5), "nobody asks");
}

Test(call, a_wall_clock_that_was_set_keeps_no_circuit_from_opening)
{
    policy.max_attempts = 1;
    policy.breaker_after_ns = 30 * NS_PER_S;
    static const int64_t wrong[] = {INT64_MAX, INT64_MIN, WALL / NS_PER_MS + 86400000, -1, 0};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        slot_reset(binding.slot);
        binding.slot->last_success_ms = wrong[i];
        for (int k = 0; k < 5; k++)
            request(get(0, 504), NOW);
        cr_assert(eq(int, state_now(), BREAKER_OPEN), "%zu", i);
    }
}

Test(call, an_operation_that_has_not_failed_passes_an_open_circuit)
{
    open_circuit();
    struct binding other = binding;
    other.operation = binding.operation ^ 1;
    struct call second;
    call_begin(&second, &other, 0, NOW);
    ANSWER(call_admit(&second, NOW), ANSWER_GO);
    call_begin(&call, &other, 0, NOW);
    ANSWER(admit(NOW), ANSWER_GO); /* two at once, too */
    struct attempt bad = get(0, 503), page = get(0, 500), good = get(0, 200);
    int64_t at;
    policy.max_attempts = 3;
    cr_assert(call_report(&second, &page, NOW, WALL, 0, &at), "one page's bug is tried again");
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

Test(call, a_page_that_is_broken_does_not_keep_a_circuit_open)
{
    open_circuit();
    int64_t now = NOW + 30 * NS_PER_S;
    for (int i = 0; i < 2; i++) {
        cr_assert(ne(int, breaker_state_at(&binding.slot->breaker, now), BREAKER_CLOSED));
        request(get(0, 500), now);
    }
    cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, now), BREAKER_CLOSED));
}

Test(call, a_probe_that_is_tried_again_leaves_the_probing_to_others)
{
    int64_t at, now = NOW + 30 * NS_PER_S;
    open_circuit();
    policy.max_attempts = 3;
    ANSWER(fresh(now), ANSWER_GO);
    cr_assert(report(get(0, 429), now, &at));
    struct call waiting = call;
    ANSWER(fresh(now), ANSWER_GO);
    call_end(&call, now, WALL);
    call_end(&waiting, now, WALL);
}

Test(call, throttles_clients_and_proxies_never_open_a_circuit)
{
    policy.max_attempts = 1;
    struct attempt proxy = get(56, 0);
    proxy.proxy_status = 503;
    for (int i = 0; i < 100; i++) {
        request(get(0, 429), NOW);
        request(get(0, 404), NOW);
        request(get(0, 401), NOW);
        request(get(60, 0), NOW);
        request(get(42, 0), NOW);
        request(get(5, 0), NOW);
        request(proxy, NOW);
    }
    cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, NOW), BREAKER_CLOSED));
}

Test(call, a_breaker_that_only_observes_counts_and_lets_pass)
{
    policy.breaker = BREAKER_OBSERVE;
    open_circuit();
    ANSWER(fresh(NOW), ANSWER_GO);
    cr_assert(eq(u64, count(COUNT_BREAKER_REJECTED), 1));
    policy.breaker = BREAKER_OFF;
    ANSWER(fresh(NOW), ANSWER_GO);
    cr_assert(eq(u64, count(COUNT_BREAKER_REJECTED), 1));
}

/* ---- what is counted ------------------------------------------------------------------------ */

Test(call, requests_end_well_badly_or_neither)
{
    static const struct {
        int code, status;
        bool success, failure;
    } rows[] = {
        {0, 200, true, false},  {0, 302, true, false},  {0, 404, true, false},
        {22, 401, true, false}, {0, 500, false, true},  {0, 501, false, true},
        {0, 429, false, true},  {28, 0, false, true},   {60, 0, false, true},
        {5, 0, false, true},    {42, 0, false, false},  {23, 0, false, false},
        {63, 0, false, false},  {89, 0, false, false},  {0, 407, false, true},
        {18, 200, false, true}, {47, 302, true, false},
    };
    policy.max_attempts = 1;
    policy.breaker = BREAKER_OFF;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        slot_reset(binding.slot);
        request(get(rows[i].code, rows[i].status), NOW);
        cr_assert(eq(u64, count(COUNT_REQUESTS), 1));
        cr_assert(eq(u64, count(COUNT_SUCCESSES), rows[i].success), "row %zu", i);
        cr_assert(eq(u64, count(COUNT_FAILURES), rows[i].failure), "row %zu", i);
    }
}

Test(call, a_refused_first_attempt_is_a_request_and_nothing_else)
{
    request(told(429, 100), NOW);
    uint64_t changes = board->header->changes;
    REFUSED(fresh(NOW), REFUSED_PAUSE);
    call_end(&call, NOW, WALL);
    cr_assert(eq(u64, count(COUNT_REQUESTS), 2));
    cr_assert(eq(u64, count(COUNT_ATTEMPTS), 1));
    cr_assert(eq(u64, count(COUNT_SUCCESSES) + count(COUNT_FAILURES), 1));
    cr_assert(eq(u64, board->header->changes, changes + 1));
}

Test(call, attempts_leave_their_duration)
{
    request(get(0, 200), NOW);
    struct attempt a = get(0, 200);
    a.duration_ns = 90 * NS_PER_MS;
    request(a, NOW);
    a.duration_ns = -5;
    request(a, NOW);
    cr_assert(eq(u64, count(COUNT_DURATION_NS), 110 * NS_PER_MS));
    cr_assert(eq(i64, binding.slot->max_ns, 90 * NS_PER_MS));
    cr_assert(eq(u64, slot_latency(binding.slot, latency_bucket(20 * NS_PER_MS)), 1));
    cr_assert(eq(u64, slot_latency(binding.slot, latency_bucket(90 * NS_PER_MS)), 1));
}

Test(call, a_good_answer_is_judged_as_the_table_says)
{
    for (int status = 100; status < 600; status++) {
        struct attempt a = get(0, status);
        a.header_cut = status % 2;
        struct verdict v = classify(&a, &policy);
        fresh(NOW);
        report(a, NOW, NULL);
        cr_assert(v.class == call.last.class && v.reason == call.last.reason &&
                      v.alive == call.last.alive && v.counted == call.last.counted &&
                      v.proxy == call.last.proxy && v.max_tries == call.last.max_tries &&
                      v.idempotent_only == call.last.idempotent_only,
                  "%d", status);
        slot_reset(binding.slot);
    }
}

/* Throttles are no results for the breaker, so they are no part of its ratio either. */
Test(call, the_breakers_ratio_counts_only_what_it_learns_from)
{
    policy.breaker_failures = 100;
    policy.max_attempts = 1;
    for (int i = 0; i < 50; i++)
        request(get(0, 429), NOW);
    for (int i = 0; i < 5; i++)
        request(get(0, 200), NOW);
    for (int i = 0; i < 5; i++) {
        cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, NOW), BREAKER_CLOSED));
        request(get(0, 429), NOW);
        request(get(0, 503), NOW);
    }
    cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, NOW), BREAKER_OPEN));
    cr_assert(eq(u64, count(COUNT_ATTEMPTS), 65));
}

Test(call, a_recycled_slot_begins_a_new_ratio)
{
    policy.breaker_failures = 100;
    policy.max_attempts = 1;
    for (int i = 0; i < 9; i++)
        request(get(0, 200), NOW);
    slot_reset(binding.slot);
    for (int i = 0; i < 10; i++) {
        cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, NOW), BREAKER_CLOSED));
        request(get(0, 503), NOW);
    }
    cr_assert(eq(int, breaker_state_at(&binding.slot->breaker, NOW), BREAKER_OPEN));
}

/* Nothing that two who succeed would both want, but the limit and what counts requests. */
Test(call, a_success_writes_no_line_that_decisions_read)
{
    limit(1000, NS_PER_S, 1000);
    request(get(0, 200), NOW);
    unsigned char before[CACHE_LINE];
    memcpy(before, (const void *)binding.slot, sizeof before);
    for (int i = 0; i < 100; i++)
        request(get(0, 200), NOW + i * NS_PER_MS);
    cr_assert(eq(int, memcmp(before, (const void *)binding.slot, sizeof before), 0));
    cr_assert(eq(u64, count(COUNT_SUCCESSES), 101));
}

Test(call, the_last_error_says_what_happened)
{
    policy.max_attempts = 1;
    struct attempt a = get(28, 0);
    a.os_errno = 110;
    request(a, NOW);
    struct last_error e = last_error_unpack(binding.slot->last_error);
    cr_assert_str_eq(class_name(e.class), "transient");
    cr_assert_str_eq(reason_name(e.reason), "timeout");
    cr_assert(eq(int, e.curl, 28));
    cr_assert(eq(int, e.http, 0));
    cr_assert(eq(int, e.os_errno, 110));
    cr_assert(eq(i64, binding.slot->last_failure_ms, WALL / NS_PER_MS));
}

Test(call, status_follows_every_attempt_and_alerts)
{
    for (int i = 0; i < 3; i++)
        request(get(0, 500), NOW);
    cr_assert(eq(int, status_of(binding.slot), STATUS_UNHEALTHY));
    uint64_t alerts = board->header->alerts;
    cr_assert(lt(u64, 0, alerts));
    request(get(0, 404), NOW); /* it lives */
    cr_assert(eq(int, status_of(binding.slot), STATUS_HEALTHY));
    cr_assert(lt(u64, alerts, board->header->alerts));
}

/* A host that is well otherwise is degraded from then on, and well again when the circuit closes. */
Test(call, the_status_is_as_old_as_the_opening_of_the_circuit)
{
    policy.unhealthy_after = 100;
    request(get(0, 200), NOW);
    binding.slot->status_since_ms = 1;
    open_circuit();
    cr_assert(eq(int, status_of(binding.slot), STATUS_HEALTHY));
    cr_assert(eq(i64, binding.slot->status_since_ms, WALL / NS_PER_MS));
    binding.slot->status_since_ms = 1;
    int64_t now = NOW + 30 * NS_PER_S;
    request(get(7, 0), now); /* still open */
    cr_assert(eq(i64, binding.slot->status_since_ms, 1));
    now += 60 * NS_PER_S;
    request(get(0, 200), now);
    cr_assert(eq(i64, binding.slot->status_since_ms, 1));
    request(get(0, 200), now);
    cr_assert(eq(i64, binding.slot->status_since_ms, WALL / NS_PER_MS));
}

/* ---- observe -------------------------------------------------------------------------------- */

Test(call, status_follows_successes_that_the_breaker_has_no_use_for)
{
    policy.healthy_after = 4;
    policy.max_attempts = 1;
    for (int i = 0; i < 3; i++)
        request(get(0, 500), NOW);
    for (int i = 1; i <= 4; i++) {
        cr_assert(ne(int, status_of(binding.slot), STATUS_HEALTHY), "%d", i);
        request(get(0, 200), NOW);
    }
    cr_assert(eq(int, status_of(binding.slot), STATUS_HEALTHY));
}

Test(call, observing_decides_and_counts_but_never_delays)
{
    config.mode = MODE_OBSERVE;
    limit(1, NS_PER_S, 1);
    policy.max_wait_ns = 2 * NS_PER_S;
    for (int i = 0; i < 5; i++)
        ANSWER(fresh(NOW), ANSWER_GO);
    cr_assert(eq(u64, count(COUNT_WAITED), 2));
    cr_assert(eq(u64, count(COUNT_WAITED_NS), 3 * NS_PER_S));
    cr_assert(eq(u64, count(COUNT_RATE_REJECTED), 2));
    binding.slot->pause_until_ns = NOW + 20 * NS_PER_S;
    ANSWER(fresh(NOW), ANSWER_GO);
    cr_assert(eq(u64, count(COUNT_RATE_REJECTED), 3));
    binding.slot->pause_until_ns = 0;
    cr_assert(not(report(get(0, 500), NOW, NULL)));
    cr_assert(eq(u64, count(COUNT_RETRIES), 1));
    struct attempt a = get(0, 500);
    cr_assert(not(call_would_retry(&call, &a, NOW, WALL)));
    for (int i = 0; i < 5; i++) {
        begin(NOW);
        report(get(7, 0), NOW, NULL);
    }
    ANSWER(fresh(NOW), ANSWER_GO);
    cr_assert(eq(u64, count(COUNT_BREAKER_REJECTED), 1));
}

/* ---- what nothing stands in the way of ------------------------------------------------------- */

static struct fast_path path_of_binding(void)
{
    return (struct fast_path){board, &policy, binding.slot, binding.key};
}

static bool pass(int64_t now)
{
    struct fast_path p = path_of_binding();
    return fast_path_is_clear(&p, now) && fast_path_count(&p, 20 * NS_PER_MS, now, WALL);
}

Test(call, the_fast_path_counts_what_begin_report_and_end_count)
{
    static struct slot by_steps, by_one;
    struct attempt a = {.protocol = PROTOCOL_CONNECT, .duration_ns = 20 * NS_PER_MS};
    request(get(0, 200), NOW);
    slot_reset(binding.slot);
    request(a, NOW);
    struct slot fresh_slot = *binding.slot;
    for (int i = 1; i < 9; i++) {
        uint64_t changes = board->header->changes;
        request(a, NOW + i * NS_PER_S);
        cr_assert(eq(u64, board->header->changes, changes + 1));
    }
    by_steps = *binding.slot;
    *binding.slot = fresh_slot;
    for (int i = 1; i < 9; i++) {
        uint64_t changes = board->header->changes;
        cr_assert(pass(NOW + i * NS_PER_S));
        cr_assert(eq(u64, board->header->changes, changes + 1));
    }
    by_one = *binding.slot;
    /* Which stripe counted depends on the CPU. */
    for (int c = 0; c <= COUNT_ATTEMPTS; c++)
        cr_assert(eq(u64, slot_counter(&by_steps, c), slot_counter(&by_one, c)));
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        cr_assert(eq(u64, slot_latency(&by_steps, i), slot_latency(&by_one, i)));
    memset(by_steps.stripe, 0, sizeof by_steps.stripe);
    memset(by_one.stripe, 0, sizeof by_one.stripe);
    cr_assert(eq(int, memcmp(&by_steps, &by_one, sizeof by_one), 0));
}

Test(call, the_fast_path_is_not_clear_where_a_success_means_more)
{
    struct fast_path p = path_of_binding();
    policy.max_attempts = 1;
    cr_assert(not(pass(NOW)), "the first result of all is news");
    request(get(0, 200), NOW);
    cr_assert(pass(NOW));
    cr_assert(not(pass(NOW + 3600 * NS_PER_S)), "the breaker's window is over");
    request(get(0, 200), NOW);
    request(get(7, 0), NOW);
    cr_assert(not(pass(NOW)), "after a failure it is a recovery");
    request(get(0, 200), NOW);
    cr_assert(pass(NOW));
    policy.breaker = BREAKER_OFF;
    cr_assert(not(pass(NOW)), "what the breaker does not learn is counted");
    policy.breaker = BREAKER_ON;
    binding.slot->pause_until_ns = NOW + 1;
    cr_assert(not(fast_path_is_clear(&p, NOW)));
    cr_assert(fast_path_is_clear(&p, NOW + 1));
    for (int i = 0; i < 5 && breaker_is_calm(&binding.slot->breaker); i++)
        request(get(7, 0), NOW + 1);
    cr_assert(not(fast_path_is_clear(&p, NOW + 1)), "its circuit is open");
}

Test(call, the_fast_path_is_not_clear_for_a_slot_that_was_given_away)
{
    struct fast_path p = path_of_binding();
    request(get(0, 200), NOW);
    binding.slot->key = 12345;
    struct slot before = *binding.slot;
    cr_assert(not(fast_path_is_clear(&p, NOW)));
    cr_assert(not(fast_path_count(&p, 1, NOW, WALL)), "nor when it happens during the attempt");
    cr_assert(eq(int, memcmp(&before, binding.slot, sizeof before), 0));
}

Test(call, changes_of_circuit_and_status_are_in_the_history)
{
    static struct history_change change[HISTORY_CHANGES];
    policy.max_attempts = 1;
    for (int i = 0; i < 5; i++)
        request(get(7, 0), NOW + i);
    cr_assert(eq(sz, history_changes(board->history, change), 2));
    cr_assert(eq(int, (int)change[0].kind, CHANGE_STATUS));
    cr_assert(eq(int, change[0].state, STATUS_UNHEALTHY));
    cr_assert(eq(i64, change[0].at_ns, NOW + 2));
    cr_assert(eq(int, (int)change[1].kind, CHANGE_BREAKER));
    cr_assert(eq(int, change[1].state, BREAKER_OPEN));
    cr_assert(eq(i64, change[1].at_ns, NOW + 4));
    cr_assert(eq(u64, change[1].key, binding.key));
}

/* ---- slots that change hands ---------------------------------------------------------------- */

Test(call, a_slot_that_was_given_away_is_bound_again)
{
    limit(1, NS_PER_S, 1);
    ANSWER(fresh(NOW), ANSWER_GO);
    struct slot *old = binding.slot;
    cr_assert(binding_is_current(&binding, &config, binding.board));
    old->key = 12345; /* as if another host had it now */
    cr_assert(not(binding_is_current(&binding, &config, binding.board)));
    ANSWER(fresh(NOW), ANSWER_GO);
    cr_assert(binding.slot != old);
    cr_assert(binding.lane[0].slot == binding.slot);
    cr_assert(eq(u64, binding.slot->key, binding.key));
}

Test(call, a_request_whose_slot_was_given_away_is_not_counted_for_a_stranger)
{
    ANSWER(fresh(NOW), ANSWER_GO);
    binding.slot->key = 12345;
    struct slot before = *binding.slot;
    for (int i = 0; i < 5; i++)
        report(get(7, 0), NOW, NULL);
    call_end(&call, NOW, WALL);
    cr_assert(eq(int, memcmp(&before, binding.slot, sizeof before), 0));
}

Test(call, hosts_that_share_the_overflow_slot_do_not_shut_each_other_out)
{
    binding.slot = board_overflow(board);
    policy.max_attempts = 1;
    for (int i = 0; i < 20; i++)
        request(get(7, 0), NOW);
    request(told(429, 200), NOW);
    ANSWER(fresh(NOW), ANSWER_GO);
    cr_assert(eq(u64, slot_counter(board_overflow(board), COUNT_FAILURES), 21));
}

Test(call, another_configuration_is_bound_again)
{
    struct config other = config;
    cr_assert(binding_is_current(&binding, &config, binding.board));
    cr_assert(not(binding_is_current(&binding, &other, binding.board)));
    cr_assert(not(binding_is_current(&(struct binding){0}, &config, binding.board)));
}
