/* SPDX-License-Identifier: MIT
 *
 * slow_after: what a response that begins too late means. */
#include "engine/board/status.h"

#include "configured.h"

#include <string.h>

TestSuite(slow, .init = make_board, .fini = drop_board);

static struct binding bind_in(const char *mode, const char *text)
{
    struct target t = {"https", "a.example", 443, true, "/x", NULL, 0};
    struct binding b = {0};
    cr_assert(call_bind(&b, configure(mode, text), board, &t, NULL, NOW));
    return b;
}

static struct binding bind_with(const char *text)
{
    return bind_in("enforce", text);
}

#define SLOW_AFTER_2S "slow_after = 2s\nbreaker_successes = 1\n"

static struct attempt answered(int status, uint32_t after_ms)
{
    return (struct attempt){.protocol = PROTOCOL_HTTP,
                            .http_status = status,
                            .method = "GET",
                            .answered_ms = after_ms,
                            .duration_ns = after_ms * NS_PER_MS + 60 * NS_PER_S};
}

/* A whole request of one attempt, reported at `now`. */
static enum answer request(struct binding *b, struct attempt a, int64_t now)
{
    struct call c;
    int64_t at;
    call_begin(&c, b, 0, now);
    enum answer answer = call_admit(&c, now).answer;
    if (answer == ANSWER_GO)
        call_report(&c, &a, now, WALL, 0, &at);
    call_end(&c, now, WALL);
    return answer;
}

static void request_ten(struct binding *b, struct attempt a)
{
    for (int i = 0; i < 10; i++)
        cr_assert(eq(int, request(b, a, NOW), ANSWER_GO), "%d", i);
}

static int state(const struct slot *s)
{
    return (int)breaker_state_at(&s->breaker, NOW);
}

Test(slow, ten_responses_that_begin_too_late_open_the_circuit)
{
    struct binding b = bind_with(SLOW_AFTER_2S);
    request_ten(&b, answered(200, 2001));
    cr_assert(eq(int, state(b.slot), BREAKER_OPEN));
    cr_assert(eq(int, request(&b, answered(200, 1), NOW), ANSWER_REFUSE));
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_SLOW), 10));
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_SUCCESSES), 10), "they are successes");
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_FAILURES), 0));
    cr_assert(eq(int, status_of(b.slot), STATUS_HEALTHY));
}

Test(slow, a_response_that_begins_in_time_is_not_slow_however_long_it_is)
{
    struct binding b = bind_with(SLOW_AFTER_2S);
    request_ten(&b, answered(200, 2000));
    request_ten(&b, answered(200, 0)); /* not known */
    cr_assert(eq(int, state(b.slot), BREAKER_CLOSED));
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_SLOW), 0));
}

Test(slow, without_the_key_nothing_is_slow)
{
    struct binding b = bind_with("");
    request_ten(&b, answered(200, 60000));
    cr_assert(eq(int, state(b.slot), BREAKER_CLOSED));
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_SLOW), 0));
}

Test(slow, of_a_connection_the_time_until_it_is_made_counts)
{
    struct binding b = bind_with(SLOW_AFTER_2S);
    struct attempt a = {.protocol = PROTOCOL_CONNECT, .duration_ns = 2 * NS_PER_S};
    request_ten(&b, a);
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_SLOW), 0));
    a.duration_ns++;
    request_ten(&b, a);
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_SLOW), 10));
    cr_assert(eq(int, state(b.slot), BREAKER_OPEN), "10 of 20");
}

Test(slow, a_long_transfer_of_another_protocol_is_not_slow)
{
    struct binding b = bind_with(SLOW_AFTER_2S);
    request_ten(&b, (struct attempt){.protocol = PROTOCOL_FTP, .duration_ns = 3600 * NS_PER_S});
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_SLOW), 0));
    cr_assert(eq(int, state(b.slot), BREAKER_CLOSED));
}

Test(slow, only_successes_are_slow)
{
    struct binding b = bind_with(SLOW_AFTER_2S "max_attempts = 1\n");
    request_ten(&b, answered(429, 9000));
    request_ten(&b, answered(500, 9000));
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_SLOW), 0));
    cr_assert(eq(int, state(b.slot), BREAKER_CLOSED));
    request_ten(&b, answered(404, 9000)); /* the host has answered */
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_SLOW), 10));
}

Test(slow, a_slow_success_after_a_retry_is_one_slow_result)
{
    struct binding b = bind_with(SLOW_AFTER_2S "max_attempts = 2\n");
    int64_t at;
    struct call c;
    struct attempt failed = answered(503, 9000), slow = answered(200, 9000);
    failed.replayable = true;
    call_begin(&c, &b, 0, NOW);
    call_admit(&c, NOW);
    cr_assert(call_report(&c, &failed, NOW, WALL, 0, &at));
    cr_assert(not(c.slow));
    call_admit(&c, at);
    cr_assert(not(call_report(&c, &slow, at, WALL, 0, &at)));
    cr_assert(c.slow);
    call_end(&c, NOW, WALL);
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_SLOW), 1));
}

Test(slow, a_slow_probe_keeps_the_circuit_open)
{
    struct binding b = bind_with(SLOW_AFTER_2S);
    request_ten(&b, answered(200, 9000));
    int64_t now = NOW + 31 * NS_PER_S;
    cr_assert(eq(int, request(&b, answered(200, 9000), now), ANSWER_GO));
    cr_assert(eq(int, breaker_trips(&b.slot->breaker), 2));
    cr_assert(eq(int, request(&b, answered(200, 1), now), ANSWER_REFUSE));
    now += 61 * NS_PER_S;
    cr_assert(eq(int, request(&b, answered(200, 1), now), ANSWER_GO));
    cr_assert(eq(int, breaker_state_at(&b.slot->breaker, now), BREAKER_CLOSED));
}

Test(slow, without_a_breaker_slow_attempts_are_only_counted)
{
    struct binding b = bind_with(SLOW_AFTER_2S "breaker = off\n");
    for (int i = 0; i < 5; i++)
        request_ten(&b, answered(200, 9000));
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_SLOW), 50));
    cr_assert(breaker_is_calm(&b.slot->breaker));
}

Test(slow, an_observing_program_opens_only_the_circuit_of_those_that_observe)
{
    struct binding o = bind_in("observe", SLOW_AFTER_2S);
    struct binding e = bind_with(SLOW_AFTER_2S);
    for (int i = 0; i < 3; i++)
        request_ten(&o, answered(200, 9000));
    cr_assert(eq(int, state(o.slot), BREAKER_OPEN));
    cr_assert(eq(u64, slot_counter(o.slot, COUNT_BREAKER_REJECTED), 20), "would be refused");
    cr_assert(eq(int, state(e.slot), BREAKER_CLOSED));
    cr_assert(eq(u64, slot_counter(e.slot, COUNT_SLOW), 30), "that they were slow is a fact");
    cr_assert(eq(int, request(&e, answered(200, 1), NOW), ANSWER_GO));
}

Test(slow, a_proxy_is_not_slow_because_the_host_behind_it_is)
{
    struct target proxy = {.scheme = "http", .host = "proxy", .port = 3128, .path = ""};
    struct binding b = bind_with(SLOW_AFTER_2S);
    call_bind_proxy(&b, &proxy, NOW);
    request_ten(&b, answered(200, 9000));
    cr_assert(eq(int, state(b.slot), BREAKER_OPEN));
    cr_assert(breaker_is_calm(&b.proxy.slot->breaker));
    cr_assert(eq(u64, slot_counter(b.proxy.slot, COUNT_SLOW), 0));
}

Test(slow, a_name_look_up_is_not_slow)
{
    struct binding b = bind_with(SLOW_AFTER_2S);
    struct call c;
    int64_t at;
    struct attempt a = {.protocol = PROTOCOL_CONNECT, .duration_ns = 9 * NS_PER_S};
    call_begin(&c, &b, 0, NOW);
    c.lookup_only = true;
    call_admit(&c, NOW);
    call_report(&c, &a, NOW, WALL, 0, &at);
    call_end(&c, NOW, WALL);
    cr_assert(eq(u64, slot_counter(b.slot, COUNT_SLOW), 0));
}

Test(slow, a_success_may_change_more_than_counters)
{
    struct binding b = bind_with(SLOW_AFTER_2S), plain = bind_with("");
    struct call c;
    request(&b, answered(200, 1), NOW);
    call_begin(&c, &b, 0, NOW);
    cr_assert(not(call_expects_success(&c, NOW)));
    call_end(&c, NOW, WALL);
    call_begin(&c, &plain, 0, NOW);
    cr_assert(call_expects_success(&c, NOW));
    call_end(&c, NOW, WALL);
}
