/* SPDX-License-Identifier: MIT
 *
 * Pauses that a server asks for, and the callers that wait for their end. */
#include "call_steps.h"

#include "engine/board/view.h"

TestSuite(pause, .init = one_host, .fini = no_host);

Test(pause, a_servers_hint_pauses_all_callers)
{
    request(with_retry_after(429, 7), NOW);
    struct admission ad = admit_new(NOW + NS_PER_S);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(int, ad.why, REFUSED_PAUSE));
    cr_assert(ge(i64, ad.at_ns, NOW + 7 * NS_PER_S));
    cr_assert(eq(i64, admit(ad.at_ns - 1).at_ns, ad.at_ns)); /* too early */
    ANSWER(admit(ad.at_ns), ANSWER_GO);
    cr_assert(eq(u64, count(COUNT_WAITED), 1));
    cr_assert(eq(u64, count(COUNT_WAITED_NS), ad.at_ns - NOW - NS_PER_S));
}

/* Without a rate limit, only the spreading separates them. */
Test(pause, waiters_for_the_end_of_a_pause_do_not_start_together)
{
    request(with_retry_after(429, 10), NOW);
    int starts[10] = {0};
    for (int i = 0; i < 200; i++) {
        struct admission ad = admit_new(NOW + i * NS_PER_MS);
        ANSWER(ad, ANSWER_WAIT);
        cr_assert(ge(i64, ad.at_ns, NOW + 10 * NS_PER_S));
        cr_assert(lt(i64, ad.at_ns, NOW + 15 * NS_PER_S));
        starts[(ad.at_ns - NOW - 10 * NS_PER_S) / (500 * NS_PER_MS)]++;
    }
    for (int i = 0; i < 10; i++) { /* 20 on average */
        cr_assert(lt(int, 5, starts[i]), "%d", i);
        cr_assert(lt(int, starts[i], 40), "%d", i);
    }
    slot_reset(binding.slot); /* simultaneous callers also get different starts */
    request(with_retry_after(429, 10), NOW);
    int64_t first = admit_new(NOW).at_ns;
    cr_assert(ne(i64, admit_new(NOW).at_ns, first));
}

Test(pause, a_waiter_with_little_time_left_starts_within_that_time)
{
    policy.max_wait_ns = 12 * NS_PER_S;
    request(with_retry_after(429, 10), NOW);
    for (int i = 0; i < 200; i++) {
        struct admission ad = admit_new(NOW);
        ANSWER(ad, ANSWER_WAIT);
        cr_assert(ge(i64, ad.at_ns, NOW + 11 * NS_PER_S));
        cr_assert(le(i64, ad.at_ns, NOW + 12 * NS_PER_S));
    }
    policy.max_wait_ns = 10 * NS_PER_S;
    cr_assert(eq(i64, admit_new(NOW).at_ns, NOW + 10 * NS_PER_S));
}

Test(pause, a_new_pause_for_the_first_caller_delays_the_others)
{
    request(with_retry_after(429, 10), NOW);
    struct call calls[20];
    int64_t at[20], first = INT64_MAX;
    for (int i = 0; i < 20; i++) {
        call_begin(&calls[i], &binding, 0, NOW);
        at[i] = call_admit(&calls[i], NOW).at_ns;
        first = at[i] < first ? at[i] : first;
    }
    request(with_retry_after(429, 10), first);
    for (int i = 0; i < 20; i++) {
        struct admission ad = call_admit(&calls[i], at[i]);
        ANSWER(ad, ANSWER_WAIT);
        cr_assert(ge(i64, ad.at_ns, first + 10 * NS_PER_S));
    }
}

Test(pause, an_impossibly_long_pause_is_replaced_by_a_valid_one)
{
    binding.slot->pause_until_ns = INT64_MAX;
    ANSWER(admit_new(NOW), ANSWER_GO);
    report(with_retry_after(429, 7), NOW, NULL);
    cr_assert(eq(i64, binding.slot->pause_until_ns, NOW + 7 * NS_PER_S));
}

Test(pause, a_caller_that_cannot_wait_ignores_a_pause)
{
    request(with_retry_after(429, 10), NOW);
    begin(NOW);
    call.cannot_wait = true;
    ANSWER(admit(NOW), ANSWER_GO);
    cr_assert(eq(u64, count(COUNT_WAITED), 0));
}

Test(pause, a_pause_longer_than_max_wait_is_refused)
{
    request(with_retry_after(429, 60), NOW);
    struct admission ad = admit_new(NOW);
    REFUSED(ad, REFUSED_PAUSE);
    cr_assert(eq(i64, ad.at_ns, NOW + 60 * NS_PER_S));
    cr_assert(eq(u64, count(COUNT_RATE_REJECTED), 1));
}

Test(pause, only_a_status_that_speaks_for_the_host_pauses_it)
{
    for (int status = 200; status < 1000; status++) {
        slot_reset(binding.slot);
        policy.max_attempts = 1;
        request(with_retry_after(status, 3), NOW);
        bool pauses = status == 403 || status == 413 || status == 420 || status == 429 ||
                      (status >= 500 && status < 600);
        cr_assert(eq(i64, binding.slot->pause_until_ns, pauses ? NOW + 3 * NS_PER_S : 0), "%d",
                  status);
        slot_reset(binding.slot);
        request(with_empty_quota(status, 3), NOW);
        pauses = (status < 300) || status == 403 || status == 413 || status == 420 ||
                 status == 429 || status == 503 || status == 509 || status == 529;
        cr_assert(eq(i64, binding.slot->pause_until_ns, pauses ? NOW + 3 * NS_PER_S : 0), "%d",
                  status);
    }
}

Test(pause, after_a_success_that_used_up_a_quota_callers_wait_but_are_never_refused)
{
    request(with_empty_quota(200, 60), NOW);
    struct admission ad = admit_new(NOW + NS_PER_S);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(int, ad.why, REFUSED_PAUSE));
    cr_assert(eq(i64, ad.at_ns, NOW + 31 * NS_PER_S)); /* max_wait */
    ANSWER(admit(ad.at_ns), ANSWER_GO);
    call_end(&call, ad.at_ns, WALL);
    policy.on_limit = ON_LIMIT_FAIL;
    ANSWER(admit_new(NOW + 40 * NS_PER_S), ANSWER_GO);
    call_end(&call, NOW + 40 * NS_PER_S, WALL);
}

/* Bare it would have succeeded: a slow server needs the time. */
Test(pause, a_used_up_quota_takes_at_most_half_of_the_programs_own_timeout)
{
    request(with_empty_quota(200, 10), NOW);
    begin(NOW);
    call_set_timeout(&call, 29 * NS_PER_S);
    ANSWER(admit(NOW), ANSWER_GO);
    call_end(&call, NOW, WALL);
    begin(NOW);
    call_set_timeout(&call, 30 * NS_PER_S);
    struct admission ad = admit(NOW);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(ge(i64, ad.at_ns, NOW + 10 * NS_PER_S));
    cr_assert(le(i64, ad.at_ns, NOW + 15 * NS_PER_S));
}

Test(pause, the_tokens_of_a_rate_are_given_out_after_the_pause_of_a_used_up_quota)
{
    limit(1, NS_PER_S, 1);
    request(with_empty_quota(200, 10), NOW);
    for (int i = 0; i <= 20; i++)
        cr_assert(eq(i64, admit_new(NOW).at_ns, NOW + (10 + i) * NS_PER_S));
    REFUSED(admit_new(NOW), REFUSED_RATE); /* max_wait */
}

Test(pause,
     a_used_up_quota_that_lasts_longer_than_anybody_waits_does_not_keep_a_rate_from_its_tokens)
{
    limit(1, NS_PER_S, 1);
    request(with_empty_quota(200, 60), NOW);
    for (int i = 1; i <= 30; i++)
        cr_assert(eq(i64, admit_new(NOW).at_ns, NOW + i * NS_PER_S));
    REFUSED(admit_new(NOW), REFUSED_RATE);
}

Test(pause, a_refusing_server_is_obeyed_within_the_longer_pause_of_a_used_up_quota)
{
    request(with_empty_quota(200, 100), NOW);
    begin(NOW);
    report(with_retry_after(429, 40), NOW, NULL);
    struct admission ad = admit_new(NOW + NS_PER_S);
    REFUSED(ad, REFUSED_PAUSE); /* until 40 s, which is beyond max_wait */
    ad = admit_new(NOW + 20 * NS_PER_S);
    ANSWER(ad, ANSWER_WAIT); /* until max_wait, within the 100 s but after the 40 s */
    cr_assert(eq(i64, ad.at_ns, NOW + 50 * NS_PER_S));
}

Test(pause, a_pause_is_never_shortened_and_never_longer_than_the_longest_hint)
{
    request(with_retry_after(429, 20), NOW);
    begin(NOW);
    report(with_retry_after(429, 5), NOW, NULL);
    cr_assert(eq(i64, binding.slot->pause_until_ns, NOW + 20 * NS_PER_S));
    request(with_retry_after(503, 100000), NOW + 30 * NS_PER_S);
    cr_assert(eq(i64, binding.slot->pause_until_ns, NOW + 330 * NS_PER_S));
}

Test(pause, a_policy_with_a_shorter_retry_after_neither_ignores_nor_shortens_the_pause)
{
    policy.retry_after_max_ns = 3600 * NS_PER_S;
    policy.max_wait_ns = 3600 * NS_PER_S;
    request(with_retry_after(429, 1800), NOW);
    policy.retry_after_max_ns = 60 * NS_PER_S;
    struct admission ad = admit_new(NOW + NS_PER_S);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(int, ad.why, REFUSED_PAUSE));
    cr_assert(ge(i64, ad.at_ns, NOW + 61 * NS_PER_S));
    cr_assert(le(i64, ad.at_ns, NOW + 91 * NS_PER_S));
    ANSWER(admit(ad.at_ns), ANSWER_GO); /* it waited for its own maximum */
    report(with_retry_after(429, 5), ad.at_ns, NULL);
    cr_assert(eq(i64, binding.slot->pause_until_ns, NOW + 1800 * NS_PER_S));
    policy.retry_after_max_ns = 3600 * NS_PER_S;
    cr_assert(ge(i64, admit_new(NOW + 100 * NS_PER_S).at_ns, NOW + 1800 * NS_PER_S));
}

Test(pause, hints_are_ignored_with_retry_after_off)
{
    policy.retry_after_max_ns = 0;
    int64_t at;
    ANSWER(admit_new(NOW), ANSWER_GO);
    cr_assert(report(with_retry_after(503, 20), NOW, &at));
    cr_assert(eq(i64, at, NOW + NS_PER_S));
    ANSWER(admit_new(NOW), ANSWER_GO);
}

Test(pause, waiters_for_the_end_of_a_pause_are_spread_by_the_rate)
{
    limit(1, NS_PER_S, 1);
    ANSWER(admit_new(NOW - 10 * NS_PER_S), ANSWER_GO);
    report(with_retry_after(429, 15), NOW - 10 * NS_PER_S, NULL);
    for (int i = 0; i < 5; i++) {
        struct admission ad = admit_new(NOW);
        ANSWER(ad, ANSWER_WAIT);
        cr_assert(eq(i64, ad.at_ns, NOW + (5 + i) * NS_PER_S));
    }
}

Test(pause, a_pause_that_begins_during_a_wait_applies_and_max_wait_still_limits_it)
{
    limit(1, NS_PER_S, 1);
    ANSWER(admit_new(NOW), ANSWER_GO);
    struct call other = call;
    struct admission ad = admit_new(NOW);
    ANSWER(ad, ANSWER_WAIT);
    struct attempt a = with_retry_after(429, 10);
    int64_t at;
    call_report(&other, &a, NOW, WALL, 0, &at);
    ad = admit(NOW + NS_PER_S);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(ge(i64, ad.at_ns, NOW + 10 * NS_PER_S));
    a = with_retry_after(429, 100);
    call_report(&other, &a, NOW + 2 * NS_PER_S, WALL, 0, &at);
    REFUSED(admit(NOW + 10 * NS_PER_S), REFUSED_PAUSE);
    call_end(&call, NOW + 10 * NS_PER_S, WALL);
    cr_assert(eq(u64, count(COUNT_WAITED), 1));
    cr_assert(eq(u64, count(COUNT_WAITED_NS), 10 * NS_PER_S));
}

/* ---- what is shown of a pause ---------------------------------------------------------------- */

static struct pause_shown shown(enum pause_extent extent, int64_t now)
{
    struct pause_shown p;
    pause_show(binding.slot, extent, now, &p);
    return p;
}

Test(pause, its_end_and_origin_are_shown_until_it_is_over)
{
    request(with_retry_after(429, 600), NOW);
    struct pause_shown p = shown(PAUSE_OF_ALL, NOW + 100 * NS_PER_S);
    cr_assert(eq(i64, p.until_ns, NOW + 300 * NS_PER_S), "as long as it is obeyed");
    cr_assert(eq(int, p.status, 429));
    cr_assert(eq(str, p.line, "Retry-After"));
    cr_assert(eq(i64, shown(PAUSE_OF_ALL, NOW + 300 * NS_PER_S).until_ns, 0));
    cr_assert(eq(i64, shown(PAUSE_OF_PART, NOW).until_ns, 0));
}

Test(pause, a_line_that_was_cut_is_marked)
{
    const char *longer = "anthropic-ratelimit-requests-reset: 2026-11-30T00:00:03Z";
    pause_raise(binding.slot, NS_PER_S, true, 429, longer, NOW);
    cr_assert(
        eq(str, shown(PAUSE_OF_ALL, NOW).line, "anthropic-ratelimit-requests-reset: 2026-11-..."));
    char whole[PAUSE_LINE_SIZE];
    memset(whole, 'x', sizeof whole);
    whole[sizeof whole - 1] = '\0';
    pause_raise(binding.slot, 2 * NS_PER_S, true, 429, whole, NOW);
    cr_assert(eq(str, shown(PAUSE_OF_ALL, NOW).line, whole));
    pause_raise(binding.slot, 3 * NS_PER_S, true, 429, "a\x1b\\\xc3\xbc", NOW);
    cr_assert(eq(str, shown(PAUSE_OF_ALL, NOW).line, "a????"));
}

static int64_t since_ms(int64_t now)
{
    enum health_status status = view_status(board, binding.slot, now);
    return view_since_ms(board, binding.slot, status, now, WALL + (now - NOW));
}

static int64_t wall_ms(int64_t now)
{
    return (WALL + (now - NOW)) / NS_PER_MS;
}

static void report_at(struct attempt a, int64_t now)
{
    int64_t at;
    begin(now);
    call.cannot_wait = true;
    admit(now);
    call_report(&call, &a, now, WALL + (now - NOW), 0, &at);
    call_end(&call, now, WALL + (now - NOW));
}

static int status_at(int64_t now)
{
    return (int)view_status(board, binding.slot, now);
}

Test(pause, a_paused_host_is_degraded_and_the_time_of_each_change_is_known)
{
    const int64_t begun = NOW + 5 * NS_PER_S, over = NOW + 15 * NS_PER_S;
    policy.max_attempts = 1;
    report_at(get(0, 200), NOW);
    report_at(with_retry_after(429, 10), begun);
    cr_assert(eq(int, status_at(over - 1), STATUS_DEGRADED));
    cr_assert(eq(i64, since_ms(over - 1), wall_ms(begun)));
    report_at(get(0, 200), begun + NS_PER_S); /* has been under way */
    cr_assert(eq(i64, since_ms(over - 1), wall_ms(begun)));
    cr_assert(eq(int, status_at(over), STATUS_HEALTHY));
    cr_assert(eq(i64, since_ms(over), wall_ms(over)));
    cr_assert(eq(i64, since_ms(over + 100 * NS_PER_S), wall_ms(over)));
    for (int i = 0; i < 3; i++)
        report_at(get(7, 0), over + 20 * NS_PER_S);
    cr_assert(eq(int, status_at(over + 20 * NS_PER_S), STATUS_UNHEALTHY));
    cr_assert(eq(i64, since_ms(over + 20 * NS_PER_S), wall_ms(over + 20 * NS_PER_S)));
}

Test(pause, a_longer_pause_does_not_begin_the_degraded_time_anew)
{
    policy.max_attempts = 1;
    report_at(with_retry_after(429, 10), NOW);
    report_at(get(0, 200), NOW + NS_PER_S); /* the first result */
    report_at(with_retry_after(429, 100), NOW + 5 * NS_PER_S);
    cr_assert(eq(i64, since_ms(NOW + 50 * NS_PER_S), wall_ms(NOW)));
    cr_assert(eq(i64, since_ms(NOW + 200 * NS_PER_S), wall_ms(NOW + 105 * NS_PER_S)));
}

Test(pause, a_circuit_that_opens_during_a_pause_does_not_begin_the_degraded_time_anew)
{
    policy.max_attempts = 1;
    policy.unhealthy_after = 100;
    report_at(get(0, 200), NOW);
    report_at(with_retry_after(429, 300), NOW + NS_PER_S);
    for (int i = 0; i < 6; i++)
        report_at(get(7, 0), NOW + 100 * NS_PER_S);
    cr_assert(ne(int, (int)breaker_state_at(&binding.slot->breaker, NOW + 100 * NS_PER_S),
                 BREAKER_CLOSED));
    cr_assert(eq(int, status_at(NOW + 100 * NS_PER_S), STATUS_DEGRADED));
    cr_assert(eq(i64, since_ms(NOW + 100 * NS_PER_S), wall_ms(NOW + NS_PER_S)));
}

Test(pause, a_host_that_recovers_during_a_pause_stays_degraded_since_it_was)
{
    policy.max_attempts = 1;
    policy.healthy_after = 2;
    policy.breaker = BREAKER_OFF;
    for (int i = 0; i < 3; i++)
        report_at(get(7, 0), NOW);
    cr_assert(eq(int, status_at(NOW), STATUS_UNHEALTHY));
    report_at(with_retry_after(429, 100), NOW + NS_PER_S);
    cr_assert(eq(int, status_at(NOW + NS_PER_S), STATUS_UNHEALTHY));
    report_at(get(0, 200), NOW + 2 * NS_PER_S);
    report_at(get(0, 200), NOW + 3 * NS_PER_S);
    cr_assert(eq(int, status_at(NOW + 3 * NS_PER_S), STATUS_DEGRADED));
    cr_assert(eq(i64, since_ms(NOW + 3 * NS_PER_S), wall_ms(NOW + 2 * NS_PER_S)));
}

Test(pause, of_a_part_is_noted_at_the_host_whose_other_parts_are_not_paused)
{
    binding.scope_key = 77;
    binding.scope = board_slot(board, 77, "h", SLOT_BUCKET, NOW);
    request(with_retry_after(429, 20), NOW);
    cr_assert(eq(i64, binding.slot->pause_until_ns, 0));
    cr_assert(eq(i64, binding.scope->pause_until_ns, NOW + 20 * NS_PER_S));
    cr_assert(eq(i64, shown(PAUSE_OF_PART, NOW).until_ns, NOW + 20 * NS_PER_S));
    cr_assert(eq(int, shown(PAUSE_OF_PART, NOW).status, 429));
    cr_assert(eq(i64, shown(PAUSE_OF_ALL, NOW).until_ns, 0));
    cr_assert(eq(int, status_at(NOW), STATUS_HEALTHY));
    struct pause_shown cause;
    ANSWER(admit_new(NOW + NS_PER_S), ANSWER_WAIT);
    call_pause_cause(&call, NOW + NS_PER_S, &cause);
    cr_assert(eq(str, cause.line, "Retry-After"));
    binding.scope = NULL;
    ANSWER(admit_new(NOW + NS_PER_S), ANSWER_GO);
    call_pause_cause(&call, NOW + NS_PER_S, &cause);
    cr_assert(eq(str, cause.line, ""));
}
