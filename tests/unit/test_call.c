/* SPDX-License-Identifier: MIT
 *
 * What a request leaves on the board: counters, status, history; mode = observe; slots that were
 * reused. */
#include "call_steps.h"

#include "engine/board/status.h"

TestSuite(call, .init = one_host, .fini = no_host);

Test(call, requests_are_successes_failures_or_neither)
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

Test(call, a_refused_first_attempt_counts_as_a_request_only)
{
    request(with_retry_after(429, 100), NOW);
    uint64_t changes = board->header->changes;
    REFUSED(admit_new(NOW), REFUSED_PAUSE);
    call_end(&call, NOW, WALL);
    cr_assert(eq(u64, count(COUNT_REQUESTS), 2));
    cr_assert(eq(u64, count(COUNT_ATTEMPTS), 1));
    cr_assert(eq(u64, count(COUNT_SUCCESSES) + count(COUNT_FAILURES), 1));
    cr_assert(eq(u64, board->header->changes, changes + 1));
}

Test(call, durations_of_attempts_are_recorded)
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

/* Concurrent successes share only the lines of the limit and of the counters. */
Test(call, a_success_does_not_write_the_cache_line_that_admission_reads)
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

Test(call, the_last_error_has_class_reason_and_codes)
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

/* libcurl does not forget that of an address that refused the connection when it connects to the next. */
Test(call, an_errno_of_another_address_is_not_shown)
{
    static const struct {
        int curl, os_errno, shown;
    } rows[] = {{7, 111, 111}, {56, 104, 104}, {18, 111, 0}, {28, 111, 0}, {52, 111, 0}};
    policy.max_attempts = 1;
    for (int i = 0; i < 5; i++) {
        struct attempt a = get(rows[i].curl, 0);
        a.os_errno = rows[i].os_errno;
        request(a, NOW);
        struct last_error e = last_error_unpack(binding.slot->last_error);
        cr_expect(eq(int, e.os_errno, rows[i].shown), "%d", rows[i].curl);
    }
}

Test(call, every_attempt_updates_the_status_and_changes_raise_an_alert)
{
    for (int i = 0; i < 3; i++)
        request(get(0, 500), NOW);
    cr_assert(eq(int, status_of(binding.slot), STATUS_UNHEALTHY));
    uint64_t alerts = board->header->alerts;
    cr_assert(lt(u64, 0, alerts));
    request(get(0, 404), NOW); /* the host responds */
    cr_assert(eq(int, status_of(binding.slot), STATUS_HEALTHY));
    cr_assert(lt(u64, alerts, board->header->alerts));
}

/* An otherwise healthy host is degraded from then on, and healthy again when the circuit closes. */
Test(call, opening_and_closing_a_circuit_reset_the_age_of_the_status)
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

Test(call, successes_that_the_breaker_ignores_update_the_status)
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

Test(call, observe_mode_counts_but_never_delays)
{
    config.mode = MODE_OBSERVE;
    binding.facts = binding.slot;
    binding.facts_key = binding.key;
    binding.key = board_observed_key(binding.key);
    binding.slot = board_slot(board, binding.key, "h", SLOT_OBSERVED, NOW);
    binding.special = true;
    limit(1, NS_PER_S, 1);
    policy.max_wait_ns = 2 * NS_PER_S;
    for (int i = 0; i < 5; i++) {
        ANSWER(admit_new(NOW), ANSWER_GO);
        call_end(&call, NOW, WALL);
    }
    cr_assert(eq(u64, count(COUNT_WAITED), 4)); /* a second each, one after the other */
    cr_assert(eq(u64, count(COUNT_WAITED_NS), 4 * NS_PER_S));
    cr_assert(eq(u64, count(COUNT_RATE_REJECTED), 0));
    binding.facts->pause_until_ns = binding.facts->refuse_until_ns = NOW + 20 * NS_PER_S;
    ANSWER(admit_new(NOW), ANSWER_GO);
    cr_assert(eq(u64, count(COUNT_RATE_REJECTED), 1));
    binding.facts->pause_until_ns = 0;
    cr_assert(not(report(get(0, 500), NOW, NULL)));
    cr_assert(eq(u64, count(COUNT_RETRIES), 1));
    struct attempt a = get(0, 500);
    cr_assert(not(call_would_retry(&call, &a, NOW)));
    for (int i = 0; i < 5; i++) {
        begin(NOW);
        report(get(7, 0), NOW, NULL);
    }
    ANSWER(admit_new(NOW), ANSWER_GO);
    cr_assert(eq(u64, count(COUNT_BREAKER_REJECTED), 1));
}

Test(call, changes_of_circuit_and_status_are_recorded_in_the_history)
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

Test(call, a_binding_whose_slot_was_reused_is_renewed)
{
    limit(1, NS_PER_S, 1);
    ANSWER(admit_new(NOW), ANSWER_GO);
    struct slot *old = binding.slot;
    cr_assert(binding_is_current(&binding, &config, binding.board));
    old->key = 12345; /* as if it belonged to another host now */
    cr_assert(not(binding_is_current(&binding, &config, binding.board)));
    ANSWER(admit_new(NOW), ANSWER_GO);
    cr_assert(binding.slot != old);
    cr_assert(binding.lane[0].slot == binding.slot);
    cr_assert(eq(u64, binding.slot->key, binding.key));
}

Test(call, a_request_whose_slot_was_reused_is_not_counted_for_the_new_host)
{
    ANSWER(admit_new(NOW), ANSWER_GO);
    binding.slot->key = 12345;
    struct slot before = *binding.slot;
    for (int i = 0; i < 5; i++)
        report(get(7, 0), NOW, NULL);
    call_end(&call, NOW, WALL);
    cr_assert(eq(int, memcmp(&before, binding.slot, sizeof before), 0));
}

Test(call, hosts_in_the_overflow_slot_do_not_block_each_other)
{
    binding.slot = board_overflow(board);
    policy.max_attempts = 1;
    for (int i = 0; i < 20; i++)
        request(get(7, 0), NOW);
    request(with_retry_after(429, 200), NOW);
    ANSWER(admit_new(NOW), ANSWER_GO);
    cr_assert(eq(u64, slot_counter(board_overflow(board), COUNT_FAILURES), 21));
}

Test(call, a_binding_of_another_configuration_is_not_current)
{
    struct config other = config;
    cr_assert(binding_is_current(&binding, &config, binding.board));
    cr_assert(not(binding_is_current(&binding, &other, binding.board)));
    cr_assert(not(binding_is_current(&(struct binding){0}, &config, binding.board)));
}
