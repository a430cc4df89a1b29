/* SPDX-License-Identifier: MIT
 *
 * mode = observe: a program that observes changes nothing for one that enforces, and says what
 * enforcing would do. */
#include "base/process.h"
#include "engine/board/pause.h"
#include "engine/board/status.h"
#include "engine/board/view.h"

#include "configured.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

TestSuite(observe, .init = make_board, .fini = drop_board);

static struct binding bind_host(const struct config *c, const char *host, uint16_t port)
{
    struct target t = {"https", host, port, port == 443, "/x", NULL, 0};
    struct binding b = {0};
    cr_assert(call_bind(&b, c, board, &t, NULL, NOW));
    return b;
}

static struct binding bind_with(const struct config *c)
{
    struct binding b = bind_host(c, "a.example", 443);
    cr_assert(binding_is_current(&b, c, board));
    return b;
}

static struct binding bind_through_proxy(const struct config *c)
{
    struct target proxy = {.scheme = "http", .host = "proxy", .port = 3128, .path = ""};
    struct binding b = bind_with(c);
    call_bind_proxy(&b, &proxy, NOW);
    return b;
}

static struct attempt with_status(int status)
{
    return (struct attempt){.protocol = PROTOCOL_HTTP,
                            .http_status = status,
                            .method = "GET",
                            .replayable = true,
                            .duration_ns = 2 * NS_PER_MS};
}

/* A whole request of one attempt. Returns how the first admission was answered. */
static struct admission request(struct binding *b, struct attempt a, int64_t now)
{
    struct call c;
    int64_t at;
    call_begin(&c, b, 0, now);
    struct admission ad = call_admit(&c, now);
    if (ad.answer == ANSWER_GO)
        call_report(&c, &a, now + a.duration_ns, WALL, 0, &at);
    call_end(&c, now + a.duration_ns, WALL);
    return ad;
}

static uint64_t would(const struct binding *b, enum counter c)
{
    return slot_counter(b->slot, c);
}

Test(observe, an_observing_program_takes_no_token_of_an_enforcing_one)
{
    struct binding o = bind_with(configure("observe", "rate = 1/1s\nburst = 1\n"));
    struct binding e = bind_with(configure("enforce", "rate = 1/1s\nburst = 1\n"));
    for (int i = 0; i < 100; i++)
        cr_assert(eq(int, request(&o, with_status(200), NOW).answer, ANSWER_GO));
    cr_assert(eq(int, request(&e, with_status(200), NOW).answer, ANSWER_GO));
    cr_assert(eq(int, request(&e, with_status(200), NOW).answer, ANSWER_WAIT));
    /* And the other way round: what it would do does not depend on those who enforce. */
    struct binding fresh = bind_with(configure("observe", "rate = 2/1s\nburst = 2\n"));
    cr_assert(eq(u64, would(&fresh, COUNT_RATE_REJECTED), would(&o, COUNT_RATE_REJECTED)));
}

Test(observe, an_observing_program_opens_no_circuit_and_spends_no_budget_of_an_enforcing_one)
{
    struct binding o = bind_with(configure("observe", "breaker_after = 0\n"));
    struct binding e = bind_with(configure("enforce", "breaker_after = 0\n"));
    for (int i = 0; i < 100; i++)
        cr_assert(eq(int, request(&o, with_status(502), NOW).answer, ANSWER_GO));
    cr_assert(lt(u64, 0, would(&o, COUNT_BREAKER_REJECTED)));
    cr_assert(lt(u64, 0, would(&o, COUNT_RETRIES)));
    cr_assert(eq(int, breaker_state_at(&e.slot->breaker, NOW), BREAKER_CLOSED));
    cr_assert(eq(dbl, budget_available(&e.slot->budget, 0, NOW), BUDGET_CAPACITY));
    cr_assert(eq(int, request(&e, with_status(502), NOW).answer, ANSWER_GO));
    cr_assert(eq(u64, slot_counter(e.slot, COUNT_BREAKER_REJECTED), 0));
    cr_assert(eq(sz, history_changes(board->history, (struct history_change[HISTORY_CHANGES]){{0}}),
                 1)); /* of the status, and none of a circuit */
}

Test(observe, what_happened_is_shown_whoever_it_happened_to)
{
    struct binding o = bind_with(configure("observe", ""));
    struct binding e = bind_with(configure("enforce", ""));
    for (int i = 0; i < 3; i++)
        request(&o, with_status(200), NOW);
    for (int i = 0; i < 4; i++)
        request(&o, with_status(500), NOW);
    struct slot *host = o.facts;
    cr_assert(host == e.slot);
    cr_assert(eq(u64, slot_counter(host, COUNT_REQUESTS), 7));
    cr_assert(eq(u64, slot_counter(host, COUNT_ATTEMPTS), 7));
    cr_assert(eq(u64, slot_counter(host, COUNT_SUCCESSES), 3));
    cr_assert(eq(u64, slot_counter(host, COUNT_FAILURES), 4));
    cr_assert(eq(u64, slot_counter(host, COUNT_FAILED_ATTEMPTS), 4));
    cr_assert(eq(u64, slot_counter(host, COUNT_RETRIES), 0));
    cr_assert(eq(u64, slot_counter(host, COUNT_EXHAUSTED), 0));
    cr_assert(eq(int, host->failures_by[GROUP_HTTP_5XX], 4));
    cr_assert(eq(int, status_of(host), STATUS_UNHEALTHY));
}

/* A program that sends one request after the other would be later with each wait. */
Test(observe, the_predicted_wait_of_sequential_requests_is_that_of_enforcing)
{
    struct binding o = bind_with(configure("observe", "rate = 5/s\n"));
    struct binding e = bind_with(configure("enforce", "rate = 5/s\n"));
    int64_t now = NOW, waited = 0;
    for (int i = 0; i < 300; i++, now += 2 * NS_PER_MS) {
        struct call c;
        call_begin(&c, &e, 0, now);
        struct admission ad = call_admit(&c, now);
        if (ad.answer == ANSWER_WAIT) {
            waited += ad.at_ns - now;
            now = ad.at_ns;
            cr_assert(eq(int, call_admit(&c, now).answer, ANSWER_GO));
        }
        call_end(&c, now, WALL);
    }
    for (int i = 0; i < 300; i++)
        cr_assert(
            eq(int, request(&o, with_status(200), NOW + i * 2 * NS_PER_MS).answer, ANSWER_GO));
    cr_assert(eq(u64, would(&o, COUNT_RATE_REJECTED), 0));
    double predicted = (double)would(&o, COUNT_WAITED_NS);
    cr_assert(epsilon_eq(dbl, predicted, (double)waited, 0.02 * (double)waited));
    cr_assert(eq(u64, would(&o, COUNT_WAITED), slot_counter(e.slot, COUNT_WAITED)));
}

Test(observe, requests_that_do_not_wait_for_each_other_add_no_delay)
{
    struct binding o = bind_with(configure("observe", "rate = 1/1s\nburst = 1\nmax_wait = 3s\n"));
    struct call c[6];
    for (int i = 0; i < 6; i++)
        call_begin(&c[i], &o, 0, NOW);
    for (int i = 0; i < 6; i++)
        call_admit(&c[i], NOW);
    for (int i = 0; i < 6; i++)
        call_end(&c[i], NOW, WALL);
    cr_assert(eq(u64, would(&o, COUNT_WAITED), 3)); /* 1, 2 and 3 s */
    cr_assert(eq(u64, would(&o, COUNT_WAITED_NS), 6 * NS_PER_S));
    cr_assert(eq(u64, would(&o, COUNT_RATE_REJECTED), 2));
}

Test(observe, the_delay_of_a_retry_that_would_be_made_counts_as_well)
{
    struct binding o = bind_with(configure("observe", "rate = 1/1s\nburst = 1\nbase_delay = 5s\n"));
    request(&o, with_status(500), NOW);
    /* Enforcing, this request would come 5 s later, when there is a token. */
    request(&o, with_status(200), NOW + NS_PER_MS);
    cr_assert(eq(u64, would(&o, COUNT_WAITED), 0));
}

Test(observe, after_a_switch_of_the_mode_nothing_is_left_of_what_was_observed)
{
    struct binding b =
        bind_with(configure("observe", "rate = 1/1s\nburst = 1\nbreaker_after = 0\n"));
    for (int i = 0; i < 100; i++)
        request(&b, with_status(502), NOW);
    const struct config *enforce =
        configure("enforce", "rate = 1/1s\nburst = 1\nbreaker_after = 0\n");
    cr_assert(not(binding_is_current(&b, enforce, board)));
    b = bind_with(enforce);
    cr_assert(eq(int, request(&b, with_status(200), NOW).answer, ANSWER_GO));
}

Test(observe, a_servers_hint_holds_for_those_who_enforce)
{
    struct binding o = bind_with(configure("observe", ""));
    struct binding e = bind_with(configure("enforce", ""));
    struct attempt a = with_status(429);
    a.hint = (struct hint){.wait_ns = 9 * NS_PER_S, .asked = true, .line = "Retry-After: 9"};
    request(&o, a, NOW);
    cr_assert(eq(int, request(&o, with_status(200), NOW + NS_PER_S).answer, ANSWER_GO));
    cr_assert(eq(u64, would(&o, COUNT_WAITED), 1));
    struct call c;
    call_begin(&c, &e, 0, NOW + NS_PER_S);
    struct admission ad = call_admit(&c, NOW + NS_PER_S);
    cr_assert(eq(int, ad.answer, ANSWER_WAIT));
    cr_assert(ge(i64, ad.at_ns, NOW + 9 * NS_PER_S));
}

Test(observe, who_waits_for_the_end_of_a_pause_takes_a_token_there)
{
    struct binding o = bind_with(configure("observe", "rate = 1/1s\nburst = 1\n"));
    struct attempt a = with_status(429);
    a.hint = (struct hint){.wait_ns = 9 * NS_PER_S, .asked = true, .line = "Retry-After: 9"};
    request(&o, a, NOW);
    uint64_t before = would(&o, COUNT_WAITED_NS);
    pause_raise(o.facts, 30 * NS_PER_S, true, 429, "Retry-After: 30", NOW);
    request(&o, with_status(200), NOW);
    cr_assert(eq(u64, would(&o, COUNT_WAITED_NS) - before, 30 * NS_PER_S));
    o.facts->pause_until_ns = o.facts->refuse_until_ns = 0;
    request(&o, with_status(200), NOW);
    cr_assert(eq(u64, would(&o, COUNT_WAITED_NS) - before, 31 * NS_PER_S));
}

/* ---- the delay that is modelled ---------------------------------------------------------------- */

/* Ten at a time, each next one when the first of them has ended, as curl --parallel does. */
Test(observe, overlapping_requests_wait_for_their_turn_only)
{
    struct binding o = bind_with(configure("observe", "rate = 5/s\nburst = 1\n"));
    struct call c[10];
    int64_t now = NOW;
    for (int i = 0; i < 10; i++) {
        call_begin(&c[i], &o, 0, now);
        call_admit(&c[i], now);
    }
    for (int i = 0; i < 290; i++) {
        call_end(&c[i % 10], now += NS_PER_MS, WALL);
        call_begin(&c[i % 10], &o, 0, now);
        call_admit(&c[i % 10], now);
    }
    /* Enforcing, each waits for the nine before it: 2 s, apart from the first ten. */
    double waited = 290 * 2.0 + 9.0;
    cr_assert(eq(u64, would(&o, COUNT_RATE_REJECTED), 0));
    cr_assert(epsilon_eq(dbl, (double)would(&o, COUNT_WAITED_NS) / 1e9, waited, 0.15 * waited));
}

/* The same, when the event loop sees ten ends before it begins ten. */
Test(observe, requests_that_end_together_are_followed_row_by_row)
{
    struct binding o = bind_with(configure("observe", "rate = 5/s\nburst = 1\n"));
    struct call c[10];
    for (int round = 0; round < 30; round++) {
        int64_t now = NOW + round * NS_PER_MS;
        for (int i = 0; i < 10; i++) {
            call_begin(&c[i], &o, 0, now);
            call_admit(&c[i], now);
        }
        for (int i = 0; i < 10; i++)
            call_end(&c[i], now, WALL);
    }
    double waited = 290 * 2.0 + 9.0;
    cr_assert(epsilon_eq(dbl, (double)would(&o, COUNT_WAITED_NS) / 1e9, waited, 0.15 * waited));
    /* Now one after the other: only the first of them comes too early. */
    uint64_t before = would(&o, COUNT_WAITED_NS);
    for (int i = 0; i < 10; i++)
        request(&o, with_status(200), NOW + NS_PER_S);
    cr_assert(le(u64, would(&o, COUNT_WAITED_NS) - before, 4 * NS_PER_S));
}

Test(observe, a_program_that_was_idle_has_caught_up)
{
    struct binding o = bind_with(configure("observe", "rate = 5/s\nburst = 1\n"));
    struct binding other = bind_host(o.config, "b.example", 443);
    for (int i = 0; i < 101; i++)
        request(&o, with_status(200), NOW);
    cr_assert(eq(u64, would(&o, COUNT_WAITED_NS), 20 * NS_PER_S)); /* 20 s behind */
    int64_t later = NOW + 19 * NS_PER_S;
    request(&other, with_status(200), later);
    cr_assert(ge(i64, other.slot->tat_ns[0], later + 20 * NS_PER_S), "still behind");
    later += 60 * NS_PER_S;
    request(&other, with_status(200), later);
    cr_assert(lt(i64, other.slot->tat_ns[0], later + NS_PER_S));
}

static void *one_request(void *b)
{
    request(b, with_status(200), NOW);
    return NULL;
}

/* A new thread stands for a new process here: both begin without a lag of their own. */
static void request_of_child(struct binding *b, uint32_t parent)
{
    pthread_t t;
    atomic_store(&process_self()->parent, parent);
    pthread_create(&t, NULL, one_request, b);
    pthread_join(t, NULL);
}

Test(observe, programs_that_one_script_starts_one_after_the_other_are_sequential)
{
    struct binding o = bind_with(configure("observe", "rate = 5/s\nburst = 1\n"));
    for (int i = 0; i < 300; i++)
        request_of_child(&o, 4711);
    double predicted = (double)would(&o, COUNT_WAITED_NS), waited = 299 * 0.2e9;
    cr_assert(epsilon_eq(dbl, predicted, waited, 0.02 * waited));
    cr_assert(eq(u64, would(&o, COUNT_RATE_REJECTED), 0));
    for (uint32_t i = 1; i <= 16; i++) /* of other scripts: they begin now, when no token is left */
        request_of_child(&o, 4711 + i);
    cr_assert(eq(u64, would(&o, COUNT_RATE_REJECTED), 16));
}

/* ---- counters ---------------------------------------------------------------------------------- */

Test(observe, a_request_counts_when_it_begins)
{
    struct binding o = bind_with(configure("observe", ""));
    struct call c;
    call_begin(&c, &o, 0, NOW);
    cr_assert(eq(u64, slot_counter(o.facts, COUNT_REQUESTS), 1));
    call_abandon(&c, NOW);
    cr_assert(eq(u64, slot_counter(o.facts, COUNT_REQUESTS), 1));
}

Test(observe, a_proxy_is_shown_and_its_circuit_is_that_of_enforcing_programs)
{
    struct binding o = bind_through_proxy(configure("observe", "breaker_after = 0\n"));
    struct binding e = bind_through_proxy(configure("enforce", "breaker_after = 0\n"));
    struct attempt a = {.protocol = PROTOCOL_HTTP,
                        .curl_code = 7,
                        .method = "GET",
                        .via_proxy = true,
                        .proxy_unreached = true,
                        .nothing_sent = true};
    for (int i = 0; i < 9; i++)
        cr_assert(eq(int, request(&o, a, NOW).answer, ANSWER_GO));
    struct slot *proxy = e.proxy.slot;
    cr_assert(proxy == o.proxy.facts);
    cr_assert(eq(u64, slot_counter(proxy, COUNT_REQUESTS), 9));
    cr_assert(eq(u64, slot_counter(proxy, COUNT_FAILURES), 9));
    cr_assert(eq(u64, slot_counter(proxy, COUNT_BREAKER_REJECTED), 0));
    cr_assert(eq(u64, slot_counter(proxy, COUNT_RETRIES), 0));
    cr_assert(eq(int, status_of(proxy), STATUS_UNHEALTHY));
    cr_assert(eq(int, breaker_state_at(&proxy->breaker, NOW), BREAKER_CLOSED));
    cr_assert(eq(int, breaker_state_at(&o.proxy.slot->breaker, NOW), BREAKER_OPEN));
    cr_assert(eq(u64, slot_counter(o.facts, COUNT_REQUESTS), 9));
    cr_assert(lt(u64, 0, would(&o, COUNT_BREAKER_REJECTED)));
    cr_assert(eq(int, request(&e, with_status(200), NOW).answer, ANSWER_GO));
}

Test(observe, what_would_be_done_is_found_by_the_host_whichever_port_came_first)
{
    const struct config *c = configure("observe", "rate = 1/1s\nburst = 1\n");
    struct observed_view v;
    struct binding port = bind_host(c, "a.example", 8443);
    request(&port, with_status(200), NOW);
    struct binding o = bind_with(c);
    request(&o, with_status(200), NOW);
    cr_assert(view_observed(board, o.facts, &v));
    cr_assert(eq(u64, v.waits, 1));
    cr_assert(eq(u64, v.waited_ns, NS_PER_S));
    cr_assert(view_observed(board, port.facts, &v));
    cr_assert(eq(u64, v.waits, 0));
}

Test(observe, no_program_that_observes_is_shown_as_such)
{
    struct observed_view v;
    struct binding e = bind_with(configure("enforce", ""));
    request(&e, with_status(500), NOW);
    cr_assert(not(view_observed(board, e.slot, &v)));
}

Test(observe, a_breaker_that_only_observes_refuses_nothing_and_counts_so)
{
    struct binding e = bind_with(configure("enforce", "breaker = observe\nbreaker_after = 0\n"));
    struct observed_view v;
    for (int i = 0; i < 9; i++)
        cr_assert(eq(int, request(&e, with_status(502), NOW).answer, ANSWER_GO));
    cr_assert(eq(u64, slot_counter(e.slot, COUNT_BREAKER_REJECTED), 0));
    cr_assert(view_observed(board, e.slot, &v));
    cr_assert(lt(u64, 0, v.rejected));
}

Test(observe, the_limit_that_is_shown_is_the_enforced_one_or_else_the_current_one)
{
    struct rate r;
    int64_t tat;
    struct binding b = bind_with(configure("observe", "rate = 5/1s\n"));
    b = bind_with(configure("observe", "rate = 6/1s\n"));
    cr_assert(view_rate(board, b.facts, &r, &tat));
    cr_assert(eq(u32, r.tokens, 6));
    b = bind_with(configure("enforce", "rate = 7/1s\n"));
    b = bind_with(configure("observe", "rate = 8/1s\n"));
    cr_assert(view_rate(board, b.facts, &r, &tat));
    cr_assert(eq(u32, r.tokens, 7));
}

Test(observe, a_success_after_failures_is_not_expected)
{
    struct binding o = bind_with(configure("observe", ""));
    struct call c;
    request(&o, with_status(200), NOW);
    call_begin(&c, &o, 0, NOW);
    cr_assert(call_expects_success(&c, NOW));
    call_end(&c, NOW, WALL);
    for (int i = 0; i < 3; i++)
        request(&o, with_status(500), NOW);
    call_begin(&c, &o, 0, NOW);
    cr_assert(not(call_expects_success(&c, NOW)), "it changes the status of the host");
    call_end(&c, NOW, WALL);
}

/* ---- a full board -------------------------------------------------------------------------------- */

static void fill_board(void)
{
    char name[32];
    for (uint64_t i = 0; i < 4 * board->slot_count; i++) {
        snprintf(name, sizeof name, "other%llu", (unsigned long long)i);
        board_slot(board, board_host_key(name, 0), name, SLOT_HOST, NOW);
    }
}

Test(observe, on_a_full_board_nothing_is_decided_and_everything_counts_once)
{
    fill_board();
    struct slot *other = board_overflow(board);
    struct binding o =
        bind_host(configure("observe", "rate = 1/1m\nburst = 1\n"), "a.example", 443);
    struct binding e =
        bind_host(configure("enforce", "rate = 1/1m\nburst = 1\n"), "b.example", 443);
    cr_assert(o.slot == other && o.facts == other && e.slot == other);
    double budget = budget_available(&other->budget, 0, NOW);
    for (int i = 0; i < 5; i++)
        request(&o, with_status(i % 2 ? 500 : 200), NOW);
    cr_assert(eq(u64, slot_counter(other, COUNT_REQUESTS), 5));
    cr_assert(eq(u64, slot_counter(other, COUNT_ATTEMPTS), 5));
    cr_assert(eq(u64, slot_counter(other, COUNT_SUCCESSES), 3));
    cr_assert(eq(u64, slot_counter(other, COUNT_FAILURES), 2));
    cr_assert(eq(u64, slot_counter(other, COUNT_RETRIES), 0));
    cr_assert(eq(u64, slot_counter(other, COUNT_WAITED), 0));
    cr_assert(eq(u64, slot_counter(other, COUNT_RATE_REJECTED), 0));
    cr_assert(eq(dbl, budget_available(&other->budget, 0, NOW), budget));
    cr_assert(eq(int, request(&e, with_status(200), NOW).answer, ANSWER_GO));
}

Test(observe, a_host_whose_slot_was_given_away_gets_another_one)
{
    struct binding o = bind_with(configure("observe", "rate = 1/1m\nburst = 1\n"));
    struct slot *before = o.facts;
    request(&o, with_status(200), NOW);
    atomic_store(&before->key, 4711);
    request(&o, with_status(200), NOW);
    cr_assert(o.facts != before);
    cr_assert(eq(u64, o.facts->key, o.facts_key));
    cr_assert(eq(u64, slot_counter(before, COUNT_SUCCESSES), 1));
    cr_assert(eq(u64, slot_counter(o.facts, COUNT_SUCCESSES), 1));
    cr_assert(eq(u64, slot_counter(o.facts, COUNT_REQUESTS), 1));
}
