/* SPDX-License-Identifier: MIT
 *
 * Which requests count as good or bad for the objective of a host, and what follows from it. */
#include "call_steps.h"

#include "engine/board/slo_slot.h"
#include "engine/board/status.h"
#include "engine/board/view.h"
#include "engine/publish/pause_end.h"

#define MIN SLO_MINUTE_NS

static void promise(void)
{
    one_host();
    policy.slo_ppm = 995000;
    policy.max_attempts = 1;
    policy.unhealthy_after = 1000;
    policy.breaker = BREAKER_OFF;
    binding.special = SPECIAL_SLO;
}

TestSuite(call_slo, .init = promise, .fini = no_host);

static struct slo_view view(int64_t now)
{
    struct slo_view v;
    if (!slo_slot_view(board, binding.facts ? binding.facts : binding.slot, now, &v))
        v = (struct slo_view){.ppm = 0};
    return v;
}

static bool counted(uint64_t good, uint64_t bad)
{
    struct slo_view v = view(NOW);
    return v.good == good && v.bad == bad && v.sum[SLO_24H].total == good + bad &&
           v.sum[SLO_24H].bad == bad;
}

static struct attempt took(uint32_t answered_ms, int64_t duration_ns)
{
    struct attempt a = get(0, 200);
    a.answered_ms = answered_ms;
    a.duration_ns = duration_ns;
    return a;
}

/* ---- what is counted -------------------------------------------------------------------------- */

Test(call_slo, a_request_counts_once_with_what_the_program_got)
{
    int64_t at;
    policy.max_attempts = 3;
    cr_assert(not(slo_slot_view(board, binding.slot, NOW, &(struct slo_view){0})));
    begin(NOW);
    admit(NOW);
    cr_assert(report(get(0, 503), NOW, &at));
    admit(at);
    report(get(0, 200), at, NULL);
    call_end(&call, at, WALL);
    cr_assert(counted(1, 0), "a failed attempt that was repeated is no bad request");
    policy.max_attempts = 1;
    request(get(0, 503), NOW);
    cr_assert(counted(1, 1));
    request(get(28, 0), NOW);
    cr_assert(counted(1, 2));
    request(get(0, 429), NOW);
    cr_assert(counted(1, 3));
    request(get(0, 404), NOW);
    cr_assert(counted(2, 3), "the server did answer");
    cr_assert(eq(u32, view(NOW).ppm, 995000));
    cr_assert(eq(i64, view(NOW).latency_ns, 0));
}

Test(call_slo, a_refused_request_is_bad)
{
    limit(1, 60 * NS_PER_S, 1);
    policy.on_limit = ON_LIMIT_FAIL;
    request(get(0, 200), NOW);
    REFUSED(admit_new(NOW), REFUSED_RATE);
    call_end(&call, NOW, WALL);
    cr_assert(counted(1, 1));
}

Test(call_slo, a_failure_whose_retry_is_refused_is_bad_once)
{
    int64_t at;
    policy.max_attempts = 3;
    limit(1, 60 * NS_PER_S, 1);
    begin(NOW);
    admit(NOW);
    cr_assert(report(get(0, 503), NOW, &at));
    policy.on_limit = ON_LIMIT_FAIL;
    REFUSED(admit(at), REFUSED_RATE);
    call_end(&call, at, WALL);
    cr_assert(counted(0, 1));
}

Test(call_slo, what_says_nothing_about_the_host_is_not_counted)
{
    begin(NOW);
    call_end(&call, NOW, WALL); /* the program has ended it */
    struct attempt local = get(27, 0);
    local.nothing_sent = true;
    request(local, NOW);
    begin(NOW);
    admit(NOW);
    call_abandon(&call, NOW);
    cr_assert(eq(u32, view(NOW).ppm, 0));
}

Test(call_slo, a_look_up_counts_only_if_it_fails)
{
    struct attempt found = {.protocol = PROTOCOL_CONNECT, .nothing_sent = true};
    begin(NOW);
    call.lookup_only = true;
    admit(NOW);
    call_report(&call, &found, NOW, WALL, 0, &(int64_t){0});
    call_end(&call, NOW, WALL);
    cr_assert(eq(u32, view(NOW).ppm, 0));
    begin(NOW);
    call.lookup_only = true;
    admit(NOW);
    found.curl_code = 6;
    call_report(&call, &found, NOW, WALL, 0, &(int64_t){0});
    call_end(&call, NOW, WALL);
    cr_assert(counted(0, 1));
}

Test(call_slo, a_late_answer_is_bad)
{
    policy.slo_latency_ns = 800 * NS_PER_MS;
    struct attempt a = took(800, 60 * NS_PER_S);
    begin(NOW);
    admit(NOW);
    report(a, NOW + a.duration_ns, NULL);
    call_end(&call, NOW + a.duration_ns, WALL);
    cr_assert(counted(1, 0), "however long the body takes");
    cr_assert(eq(i64, view(NOW).latency_ns, 800 * NS_PER_MS));
    a.answered_ms++;
    begin(NOW);
    admit(NOW);
    report(a, NOW + a.duration_ns, NULL);
    call_end(&call, NOW + a.duration_ns, WALL);
    cr_assert(eq(u64, view(NOW + a.duration_ns).bad, 1));
}

/* 799.3 ms are rounded up, and the call began a little before the attempt. */
Test(call_slo, an_answer_within_the_last_millisecond_is_in_time)
{
    policy.slo_latency_ns = 800 * NS_PER_MS;
    struct attempt a = took(800, 900 * NS_PER_MS);
    int64_t end = NOW + 50 * NS_PER_US + a.duration_ns;
    begin(NOW);
    admit(NOW);
    report(a, end, NULL);
    call_end(&call, end, WALL);
    cr_assert(counted(1, 0));
}

Test(call_slo, where_the_first_byte_is_not_known_the_duration_counts)
{
    policy.slo_latency_ns = 800 * NS_PER_MS;
    struct attempt a = took(0, 801 * NS_PER_MS);
    begin(NOW);
    admit(NOW);
    report(a, NOW + a.duration_ns, NULL);
    call_end(&call, NOW + a.duration_ns, WALL);
    cr_assert(counted(0, 1));
}

Test(call_slo, waits_and_retries_are_part_of_the_latency)
{
    policy.slo_latency_ns = 800 * NS_PER_MS;
    policy.max_attempts = 3;
    int64_t at;
    begin(NOW);
    admit(NOW);
    cr_assert(report(get(0, 503), NOW + 400 * NS_PER_MS, &at)); /* again in 500 ms */
    admit(at);
    report(took(0, 20 * NS_PER_MS), at + 20 * NS_PER_MS, NULL);
    call_end(&call, at + 20 * NS_PER_MS, WALL);
    cr_assert(counted(0, 1));
}

Test(call_slo, a_host_without_a_slot_of_its_own_counts_nothing)
{
    binding.slot = board_overflow(board);
    request(get(0, 503), NOW);
    cr_assert(not(slo_slot_view(board, board_overflow(board), NOW, &(struct slo_view){0})));
}

/* ---- status ----------------------------------------------------------------------------------- */

static int status(int64_t now)
{
    return (int)view_status(board, binding.slot, now);
}

static int64_t since_ms(int64_t now)
{
    return view_since_ms(board, binding.slot, (enum health_status)status(now), now,
                         WALL + (now - NOW));
}

/* A request at a moment of both clocks. */
static void request_at(struct attempt a, int64_t now)
{
    begin(now);
    admit(now);
    call_report(&call, &a, now, WALL + (now - NOW), 0, &(int64_t){0});
    call_end(&call, now, WALL + (now - NOW));
}

static size_t changes(struct history_change *out)
{
    static struct history_change all[HISTORY_CHANGES];
    size_t n = history_changes(board->history, all), found = 0;
    for (size_t i = 0; i < n; i++)
        if (all[i].kind == CHANGE_SLO)
            out[found++] = all[i];
    return found;
}

#define MS(now) ((WALL + ((now) - NOW)) / NS_PER_MS)

Test(call_slo, the_host_is_degraded_while_the_fast_pair_burns)
{
    struct history_change change[HISTORY_CHANGES];
    for (int i = 0; i < 93; i++)
        request_at(get(0, 200), NOW);
    uint64_t alerts = board->header->alerts;
    for (int i = 0; i < 7; i++)
        request_at(get(0, 500), NOW);
    cr_assert(eq(int, status(NOW), STATUS_HEALTHY), "14.0");
    cr_assert(eq(u64, board->header->alerts, alerts));
    request_at(get(0, 500), NOW + NS_PER_S);
    cr_assert(eq(int, status(NOW + NS_PER_S), STATUS_DEGRADED), "15.8");
    cr_assert(eq(u64, board->header->alerts, alerts + 1), "the files are due at once");
    cr_assert(eq(i64, since_ms(NOW + NS_PER_S), MS(NOW + NS_PER_S)));
    int64_t end = (NOW / MIN + 6) * MIN;
    cr_assert(eq(int, status(end - 1), STATUS_DEGRADED));
    cr_assert(eq(int, status(end), STATUS_HEALTHY));
    cr_assert(eq(i64, since_ms(end + NS_PER_S), MS(end)), "although nobody has noticed it");
    request_at(get(0, 200), end + 2 * NS_PER_S);
    cr_assert(eq(i64, since_ms(end + 2 * NS_PER_S), MS(end)));
    cr_assert(eq(sz, changes(change), 2));
    cr_assert(eq(int, change[0].state, 1));
    cr_assert(eq(i64, change[0].at_ns, NOW + NS_PER_S));
    cr_assert(eq(int, change[1].state, 0));
    cr_assert(eq(i64, change[1].at_ns, end));
}

Test(call_slo, a_status_that_is_worse_stays)
{
    policy.unhealthy_after = 3;
    for (int i = 0; i < 3; i++)
        request_at(get(0, 500), NOW + i * NS_PER_S);
    cr_assert(eq(int, status(NOW + 3 * NS_PER_S), STATUS_UNHEALTHY));
    cr_assert(eq(i64, since_ms(NOW + 3 * NS_PER_S), MS(NOW + 2 * NS_PER_S)));
    policy.healthy_after = 1;
    request_at(get(0, 200), NOW + 4 * NS_PER_S);
    cr_assert(eq(int, status(NOW + 4 * NS_PER_S), STATUS_DEGRADED));
    cr_assert(eq(i64, since_ms(NOW + 4 * NS_PER_S), MS(NOW + 4 * NS_PER_S)));
}

Test(call_slo, a_circuit_that_opens_meanwhile_does_not_change_since_when)
{
    policy.breaker = BREAKER_ON;
    request_at(get(0, 503), NOW);
    cr_assert(eq(i64, since_ms(NOW), MS(NOW)));
    for (int i = 0; i < 5; i++)
        request_at(get(7, 0), NOW + 20 * NS_PER_S);
    cr_assert(
        eq(int, (int)breaker_state_at(&binding.slot->breaker, NOW + 20 * NS_PER_S), BREAKER_OPEN));
    cr_assert(eq(i64, since_ms(NOW + 20 * NS_PER_S), MS(NOW)));
}

Test(call_slo, the_end_is_noticed_without_a_request)
{
    int64_t next_ns, end = (NOW / MIN + 6) * MIN;
    struct history_change change[HISTORY_CHANGES];
    request_at(get(0, 500), NOW);
    int rounds = 0;
    for (int64_t now = NOW; pause_end_announce(board, now, &next_ns), next_ns != INT64_MAX;
         now = next_ns) {
        cr_assert(lt(int, rounds++, 10));
        cr_assert(le(i64, next_ns - now, MIN));
    }
    cr_assert(eq(sz, changes(change), 2));
    cr_assert(eq(i64, change[1].at_ns, end));
}

Test(call_slo, only_ten_bad_requests_in_five_minutes_steer)
{
    for (int i = 0; i < 9; i++)
        request_at(get(0, 500), NOW);
    cr_assert(eq(int, status(NOW), STATUS_DEGRADED));
    cr_assert(not(slo_burns_fast(board, binding.slot, NOW)));
    request_at(get(0, 500), NOW);
    cr_assert(slo_burns_fast(board, binding.slot, NOW));
    cr_assert(not(slo_burns_fast(board, binding.slot, NOW + 6 * MIN)));
}

Test(call_slo, while_it_burns_the_requests_begin_at_the_second_place)
{
    policy.fallback.count = 1;
    memcpy(policy.fallback.at[0].host, "backup", 7);
    binding.special |= SPECIAL_PLACES;
    for (int i = 0; i < 10; i++) {
        begin(NOW);
        cr_assert(eq(int, admit(NOW).answer, ANSWER_GO));
        cr_assert(eq(int, call_place(&call), 0), "%d", i);
        report(get(0, 500), NOW, NULL);
        call_end(&call, NOW, WALL);
    }
    begin(NOW);
    admit(NOW);
    cr_assert(eq(int, call_place(&call), 1));
    report(get(0, 200), NOW, NULL);
    call_end(&call, NOW, WALL);
    begin(NOW + 6 * MIN);
    admit(NOW + 6 * MIN);
    cr_assert(eq(int, call_place(&call), 0), "it is over");
}

Test(call_slo, what_counted_is_shown_for_a_day_even_without_the_objective)
{
    request_at(get(0, 500), NOW);
    policy.slo_ppm = 0;
    binding.special = 0;
    request_at(get(0, 200), NOW + NS_PER_S);
    cr_assert(counted(0, 1));
    cr_assert(eq(int, status(NOW + 6 * MIN), STATUS_HEALTHY), "it burns no longer than before");
    cr_assert(eq(u32, view(NOW + 24 * SLO_HOUR_NS).ppm, 995000));
    cr_assert(eq(u32, view(NOW + 25 * SLO_HOUR_NS).ppm, 0));
}

Test(call_slo, a_host_without_an_objective_never_burns)
{
    for (int i = 0; i < 20; i++)
        request_at(get(0, 500), NOW);
    binding.slot->shown_slo_ppm = 0;
    cr_assert(eq(int, status(NOW), STATUS_HEALTHY));
    cr_assert(not(slo_burns_fast(board, binding.slot, NOW)));
    static const uint32_t damaged[] = {1, 499999, 999991, 1000000, UINT32_MAX};
    for (size_t i = 0; i < array_size(damaged); i++) {
        binding.slot->shown_slo_ppm = damaged[i];
        cr_assert(not(slo_slot_burns(board, binding.slot, NOW)), "%u", damaged[i]);
    }
}

/* ---- observe mode ------------------------------------------------------------------------------- */

static void observe(uint32_t ppm)
{
    config.mode = MODE_OBSERVE;
    policy.slo_ppm = ppm;
    binding.facts = binding.slot;
    binding.facts_key = binding.key;
    binding.key = board_observed_key(binding.facts_key);
    binding.slot = board_slot(board, binding.key, "h", SLOT_OBSERVED, NOW);
    binding.special |= SPECIAL_OBSERVED;
}

Test(call_slo, in_observe_mode_the_real_requests_of_the_host_count)
{
    observe(995000);
    limit(1, 60 * NS_PER_S, 1);
    policy.on_limit = ON_LIMIT_FAIL;
    request(get(0, 200), NOW);
    request(get(0, 200), NOW); /* would have been refused */
    request(get(0, 500), NOW);
    cr_assert(counted(2, 1));
    cr_assert(eq(int, (int)view_status(board, binding.facts, NOW), STATUS_DEGRADED));
}

Test(call_slo, an_observed_objective_does_not_replace_that_of_enforcing_programs)
{
    request(get(0, 200), NOW);
    observe(990000);
    request(get(0, 200), NOW);
    cr_assert(eq(u32, view(NOW).ppm, 995000));
    cr_assert(counted(2, 0));
}
