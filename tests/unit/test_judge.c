/* SPDX-License-Identifier: MIT
 *
 * Which results open a circuit. */
#include "call_steps.h"

#include <errno.h>

TestSuite(judge, .init = one_host, .fini = no_host);

Test(judge, refusals_by_the_library_do_not_count_against_the_host)
{
    policy.on_limit = ON_LIMIT_FAIL;
    policy.max_wait_ns = 5 * NS_PER_S;
    limit(1, 3600 * NS_PER_S, 1);
    request(with_retry_after(429, 100), NOW);
    struct slot before = *binding.slot;
    for (int i = 0; i < 100; i++) {
        int64_t now = NOW + i * 2 * NS_PER_S; /* by the pause, then by the rate */
        REFUSED(admit_new(now), i < 50 ? REFUSED_PAUSE : REFUSED_RATE);
        call_end(&call, now, WALL);
    }
    cr_assert(eq(u64, binding.slot->breaker.state, before.breaker.state));
    cr_assert(eq(u64, binding.slot->breaker.window, before.breaker.window));
    cr_assert(eq(u64, binding.slot->results_in_row, before.results_in_row));
    cr_assert(eq(u64, count(COUNT_FAILURES), 1));
    cr_assert(eq(u64, binding.slot->budget.word, 0));
}

/* Eight concurrent transfers that get one 503 each are eight successful requests. */
Test(judge, a_request_counts_once_with_its_last_result)
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

/* The retry is refused by a limit, or the program ends the request. */
Test(judge, a_request_whose_retry_is_not_made_counts_with_its_last_attempt)
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
    for (int i = 0; i < 9; i++) { /* killed, or unwound by an exception: the result is unknown */
        begin(NOW);
        cr_assert(report(get(0, 503), NOW, &at));
        call_abandon(&call, NOW);
    }
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 0));
    cr_assert(eq(u64, count(COUNT_UNJUDGED), 9));
}

static void repeat(struct attempt a, int n)
{
    slot_reset(binding.slot);
    for (int i = 0; i < n && state_now() == BREAKER_CLOSED; i++)
        request(a, NOW);
}

Test(judge, only_signs_of_an_outage_open_the_circuit)
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
    cut.shortened = true; /* by a timeout of the library */
    repeat(cut, 20);
    cr_assert(eq(int, state_now(), BREAKER_CLOSED));
    policy.retry_after_max_ns = 0; /* even if the hint is ignored */
    hinted = with_retry_after(503, 5);
    repeat(hinted, 20);
    cr_assert(eq(int, state_now(), BREAKER_CLOSED));
}

Test(judge, a_refused_connect_opens_the_circuit)
{
    struct attempt a = {.protocol = PROTOCOL_CONNECT, .os_errno = ECONNREFUSED};
    policy.max_attempts = 1;
    repeat(a, 5);
    cr_assert(eq(int, state_now(), BREAKER_OPEN));
    a.os_errno = EADDRNOTAVAIL;
    repeat(a, 20);
    cr_assert(eq(int, state_now(), BREAKER_CLOSED));
}

Test(judge, a_retry_cut_short_by_the_library_does_not_change_the_result)
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

Test(judge, a_recent_success_keeps_the_circuit_closed)
{
    policy.max_attempts = 1;
    policy.breaker_after_ns = 30 * NS_PER_S;
    int64_t t = 0;
    for (int i = 0; i < 600; i++, t += 5 * NS_PER_S) /* one success in six requests, every 30 s */
        get_at(i % 6 ? 504 : 200, t);
    cr_assert(eq(u64, count(COUNT_BREAKER_OPENED), 0));
    slot_reset(binding.slot);
    get_at(200, t);
    int n = 0; /* then no success: half a minute later it is an outage */
    for (; state_now() == BREAKER_CLOSED; n++)
        get_at(504, t += NS_PER_S);
    cr_assert(eq(int, n, 30));
}

Test(judge, an_unreachable_host_is_down_despite_a_recent_success)
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

Test(judge, an_unreachable_host_is_down_even_if_the_library_cut_the_retry_short)
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

Test(judge, a_row_of_failures_that_is_likely_by_chance_is_not_an_outage)
{
    policy.max_attempts = 1;
    policy.breaker_after_ns = 10 * NS_PER_S;
    int64_t t = 0;
    for (int i = 0; i < 100; i++, t += 60 * NS_PER_S)
        get_at(i % 2 ? 504 : 200, t);
    int n = 0;
    for (; state_now() == BREAKER_CLOSED; n++)
        get_at(504, t += 60 * NS_PER_S);
    cr_assert(ge(int, n, 19)); /* a row of 20 has a probability of one millionth */
    cr_assert(lt(int, n, 40));
    slot_reset(binding.slot);
    policy.breaker_after_ns = 0;
    get_at(200, t);
    for (n = 0; state_now() == BREAKER_CLOSED; n++)
        get_at(504, t += 60 * NS_PER_S);
    cr_assert(eq(int, n, 5), "breaker_after 0: not required");
}

Test(judge, a_changed_wall_clock_does_not_prevent_an_opening)
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

Test(judge, throttles_clients_and_proxies_never_open_a_circuit)
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

Test(judge, every_status_is_judged_as_classify_does)
{
    for (int status = 100; status < 600; status++) {
        struct attempt a = get(0, status);
        a.header_cut = status % 2;
        struct verdict v = classify(&a, &policy);
        admit_new(NOW);
        report(a, NOW, NULL);
        cr_assert(v.class == call.last.class && v.reason == call.last.reason &&
                      v.alive == call.last.alive && v.counted == call.last.counted &&
                      v.proxy == call.last.proxy && v.max_tries == call.last.max_tries &&
                      v.idempotent_only == call.last.idempotent_only,
                  "%d", status);
        slot_reset(binding.slot);
    }
}

/* Throttled requests are no results for the breaker, so they are not part of its ratio. */
Test(judge, throttled_requests_are_not_part_of_the_breakers_ratio)
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

Test(judge, a_reused_slot_begins_a_new_ratio)
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
