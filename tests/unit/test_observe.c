/* SPDX-License-Identifier: MIT
 *
 * mode = observe: a program that observes changes nothing for one that enforces, and says what
 * enforcing would do. */
#include "base/hash.h"
#include "engine/board/status.h"
#include "engine/call/private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW  (100000 * NS_PER_S)
#define WALL (1796000000 * NS_PER_S)

static struct board *board;
static struct config *loaded[8];
static int loads;

static const struct config *configure(const char *mode, const char *host)
{
    char path[] = "/tmp/test_observe.XXXXXX", text[400];
    int fd = mkstemp(path);
    int n =
        snprintf(text, sizeof text, "[harden]\nmode = %s\n[host *]\njitter = none\n%s", mode, host);
    cr_assert(eq(int, (int)write(fd, text, (size_t)n), n));
    close(fd);
    struct config *c = loaded[loads++] = config_load_file(path, NULL, NULL);
    unlink(path);
    cr_assert(eq(int, c->errors, 0));
    return c;
}

static void set_up(void)
{
    board = board_open(NULL, 64, NULL);
}

static void tear_down(void)
{
    board_close(board);
    while (loads)
        config_discard(loaded[--loads]);
}

TestSuite(observe, .init = set_up, .fini = tear_down);

static struct binding bind_with(const struct config *c)
{
    struct target t = {"https", "a.example", 443, true, "/x", NULL, 0};
    struct binding b = {0};
    cr_assert(call_bind(&b, c, board, &t, NULL, NOW));
    cr_assert(binding_is_current(&b, c, board));
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
    for (int i = 0; i < 6; i++) {
        struct call c;
        call_begin(&c, &o, 0, NOW);
        call_in_parallel(&c);
        call_admit(&c, NOW);
        call_end(&c, NOW, WALL);
    }
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
