/* SPDX-License-Identifier: MIT
 *
 * The concurrency limit as requests meet it: who waits for whom, what is taken, counted and given back. */
#include "configured.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS NS_PER_MS

TestSuite(concurrency, .init = make_board, .fini = drop_board, .timeout = 60);

static struct binding bind_path(const struct config *c, const char *path)
{
    struct target t = {"https", "a.example", 443, true, path, NULL, 0};
    struct binding b = {0};
    cr_assert(call_bind(&b, c, board, &t, NULL, NOW));
    return b;
}

static struct binding limited(const char *settings)
{
    return bind_path(configure("enforce", settings), "/x");
}

static struct admission begin(struct call *c, struct binding *b, int64_t now)
{
    call_begin(c, b, 0, now);
    return call_admit(c, now);
}

static struct attempt with_status(int status)
{
    return (struct attempt){.protocol = PROTOCOL_HTTP,
                            .http_status = status,
                            .method = "GET",
                            .replayable = true,
                            .duration_ns = 20 * MS};
}

static void end(struct call *c, int64_t now)
{
    int64_t at_ns;
    struct attempt a = with_status(200);
    call_report(c, &a, now, WALL, 0, &at_ns);
    call_end(c, now, WALL);
}

static int in_flight(const struct binding *b)
{
    return bulkhead_in_flight(bulkhead_page(b->bulkhead.slot));
}

static uint64_t count(const struct binding *b, enum counter c)
{
    return slot_counter(b->slot, c);
}

#define ANSWER(ad, what) cr_assert(eq(int, (ad).answer, what))
#define WAITS(ad)                                                                                  \
    do {                                                                                           \
        struct admission ad_ = (ad);                                                               \
        cr_assert(eq(int, ad_.answer, ANSWER_WAIT));                                               \
        cr_assert(eq(int, ad_.why, REFUSED_CONCURRENCY));                                          \
    } while (0)
#define REFUSED(ad)                                                                                \
    do {                                                                                           \
        struct admission ad_ = (ad);                                                               \
        cr_assert(eq(int, ad_.answer, ANSWER_REFUSE));                                             \
        cr_assert(eq(int, ad_.why, REFUSED_CONCURRENCY));                                          \
    } while (0)

Test(concurrency, off_takes_nothing)
{
    struct binding b = limited("");
    struct call c;
    cr_assert(zero(int, b.special));
    ANSWER(begin(&c, &b, NOW), ANSWER_GO);
    cr_assert(zero(int, b.bulkheads));
}

Test(concurrency, a_request_beyond_the_limit_waits_until_another_one_ends)
{
    struct binding b = limited("concurrency = 2\n");
    struct call c[3];
    ANSWER(begin(&c[0], &b, NOW), ANSWER_GO);
    ANSWER(begin(&c[1], &b, NOW), ANSWER_GO);
    WAITS(begin(&c[2], &b, NOW));
    cr_assert(eq(int, in_flight(&b), 2));
    end(&c[0], NOW + 50 * MS);
    cr_assert(eq(int, in_flight(&b), 1));
    ANSWER(call_admit(&c[2], NOW + 50 * MS), ANSWER_GO);
    end(&c[1], NOW + 60 * MS);
    end(&c[2], NOW + 60 * MS);
    cr_assert(zero(int, in_flight(&b)));
    cr_assert(eq(u64, count(&b, COUNT_CONCURRENCY_WAITED), 1));
    cr_assert(eq(u64, count(&b, COUNT_CONCURRENCY_WAITED_NS), 50 * MS));
    cr_assert(zero(u64, count(&b, COUNT_WAITED)));
}

Test(concurrency, with_fail_it_is_refused_at_once)
{
    struct binding b = limited("concurrency = 1\non_concurrency = fail\n");
    struct call c[2];
    ANSWER(begin(&c[0], &b, NOW), ANSWER_GO);
    REFUSED(begin(&c[1], &b, NOW));
    call_end(&c[1], NOW, WALL);
    cr_assert(eq(u64, count(&b, COUNT_CONCURRENCY_REJECTED), 1));
    cr_assert(zero(int, bulkhead_waiting(bulkhead_page(b.bulkhead.slot), NOW)));
    end(&c[0], NOW);
    ANSWER(begin(&c[1], &b, NOW), ANSWER_GO);
}

Test(concurrency, max_wait_bounds_the_wait)
{
    struct binding b = limited("concurrency = 1\nmax_wait = 150ms\n");
    struct call c[2];
    begin(&c[0], &b, NOW);
    struct admission ad = begin(&c[1], &b, NOW);
    WAITS(ad);
    cr_assert(eq(i64, ad.at_ns, NOW + 100 * MS));
    ad = call_admit(&c[1], NOW + 100 * MS);
    WAITS(ad);
    cr_assert(eq(i64, ad.at_ns, NOW + 150 * MS), "not later than it may start");
    REFUSED(call_admit(&c[1], NOW + 150 * MS));
    call_end(&c[1], NOW + 150 * MS, WALL);
    cr_assert(eq(u64, count(&b, COUNT_CONCURRENCY_WAITED_NS), 150 * MS));
    cr_assert(zero(int, bulkhead_waiting(bulkhead_page(b.bulkhead.slot), NOW + 150 * MS)));
}

Test(concurrency, the_programs_time_out_bounds_the_wait)
{
    struct binding b = limited("concurrency = 1\n");
    struct call c[2];
    begin(&c[0], &b, NOW);
    call_begin(&c[1], &b, 200 * MS, NOW);
    WAITS(call_admit(&c[1], NOW));
    WAITS(call_admit(&c[1], NOW + 100 * MS));
    REFUSED(call_admit(&c[1], NOW + 150 * MS));
}

Test(concurrency, a_back_off_is_no_request_in_flight)
{
    struct binding b = limited("concurrency = 1\n");
    struct call c[2];
    int64_t at_ns;
    struct attempt failed = with_status(503);
    begin(&c[0], &b, NOW);
    cr_assert(call_report(&c[0], &failed, NOW, WALL, 0, &at_ns));
    cr_assert(zero(int, in_flight(&b)));
    ANSWER(begin(&c[1], &b, NOW), ANSWER_GO);
    WAITS(call_admit(&c[0], at_ns));
    end(&c[1], at_ns + 10 * MS);
    ANSWER(call_admit(&c[0], at_ns + 10 * MS), ANSWER_GO);
    end(&c[0], at_ns + 20 * MS);
    cr_assert(zero(int, in_flight(&b)));
}

Test(concurrency, a_retry_that_gets_no_permit_is_not_made)
{
    struct binding b = limited("concurrency = 1\non_concurrency = fail\n");
    struct call c[2];
    int64_t at_ns;
    struct attempt failed = with_status(503);
    begin(&c[0], &b, NOW);
    call_report(&c[0], &failed, NOW, WALL, 0, &at_ns);
    begin(&c[1], &b, NOW);
    REFUSED(call_admit(&c[0], at_ns));
    cr_assert(eq(int, c[0].stop, STOP_CONCURRENCY));
    call_end(&c[0], at_ns, WALL);
    cr_assert(zero(u64, count(&b, COUNT_RETRIES)));
    cr_assert(eq(int, in_flight(&b), 1));
}

Test(concurrency, a_call_that_vanishes_gives_its_permit_back)
{
    struct binding b = limited("concurrency = 1\n");
    struct call c;
    begin(&c, &b, NOW);
    call_abandon(&c, NOW);
    cr_assert(zero(int, in_flight(&b)));
}

Test(concurrency, who_waits_for_a_permit_pays_for_no_start)
{
    struct binding b = limited("concurrency = 1\nrate = 10/1s\nburst = 2\n");
    struct call c[3];
    ANSWER(begin(&c[0], &b, NOW), ANSWER_GO);
    for (int i = 0; i < 5; i++) {
        WAITS(i ? call_admit(&c[1], NOW + i * 100 * MS) : begin(&c[1], &b, NOW));
    }
    end(&c[0], NOW + 500 * MS);
    ANSWER(call_admit(&c[1], NOW + 500 * MS), ANSWER_GO);
    end(&c[1], NOW + 500 * MS);
    ANSWER(begin(&c[2], &b, NOW + 500 * MS), ANSWER_GO);
}

Test(concurrency, who_waits_for_a_token_holds_no_permit)
{
    struct binding b = limited("concurrency = 1\nrate = 1/1s\nburst = 1\n");
    struct call c[2];
    begin(&c[0], &b, NOW);
    end(&c[0], NOW);
    struct admission ad = begin(&c[1], &b, NOW);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(int, ad.why, REFUSED_RATE));
    cr_assert(zero(int, in_flight(&b)));
    ANSWER(call_admit(&c[1], ad.at_ns), ANSWER_GO);
    cr_assert(eq(int, in_flight(&b), 1));
}

Test(concurrency, a_start_that_is_paid_for_is_kept_during_the_wait_for_a_permit)
{
    struct binding b = limited("concurrency = 1\nrate = 10/1s\nburst = 3\n");
    struct call c[3];
    for (int i = 0; i < 3; i++) {
        ANSWER(begin(&c[0], &b, NOW), ANSWER_GO);
        end(&c[0], NOW);
    }
    cr_assert(eq(i64, begin(&c[1], &b, NOW).at_ns, NOW + 100 * MS)); /* pays for that start */
    cr_assert(eq(i64, begin(&c[2], &b, NOW).at_ns, NOW + 200 * MS));
    ANSWER(call_admit(&c[2], NOW + 200 * MS), ANSWER_GO);
    WAITS(call_admit(&c[1], NOW + 200 * MS));
    end(&c[2], NOW + 250 * MS);
    ANSWER(call_admit(&c[1], NOW + 250 * MS), ANSWER_GO);
    end(&c[1], NOW + 250 * MS);
    cr_assert(eq(i64, begin(&c[0], &b, NOW + 250 * MS).at_ns, NOW + 300 * MS), "not paid twice");
}

Test(concurrency, what_a_call_waited_for_is_counted_apart)
{
    struct binding b = limited("concurrency = 1\nrate = 1/1s\nburst = 1\n");
    struct call c[2];
    begin(&c[0], &b, NOW);
    WAITS(begin(&c[1], &b, NOW));
    end(&c[0], NOW + 400 * MS);
    struct admission ad = call_admit(&c[1], NOW + 400 * MS);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(int, ad.why, REFUSED_RATE));
    ANSWER(call_admit(&c[1], ad.at_ns), ANSWER_GO);
    end(&c[1], ad.at_ns);
    cr_assert(eq(u64, count(&b, COUNT_CONCURRENCY_WAITED_NS), 400 * MS));
    cr_assert(eq(u64, count(&b, COUNT_WAITED_NS), 600 * MS));
    cr_assert(eq(i64, c[1].waited_ns, 1000 * MS));
    cr_assert(eq(u64, count(&b, COUNT_CONCURRENCY_WAITED), 1));
    cr_assert(eq(u64, count(&b, COUNT_WAITED), 1));
}

#define TWO_LIMITS "concurrency = 2\n[host a.example/slow]\nconcurrency = 1\n"

Test(concurrency, a_request_takes_a_permit_of_each_limit_or_none)
{
    const struct config *config = configure("enforce", TWO_LIMITS);
    struct binding slow = bind_path(config, "/slow"), other = bind_path(config, "/x");
    struct call c[4];
    ANSWER(begin(&c[0], &slow, NOW), ANSWER_GO);
    WAITS(begin(&c[1], &slow, NOW));
    cr_assert(eq(int, in_flight(&slow), 1), "it holds no permit of the host while it waits");
    ANSWER(begin(&c[2], &other, NOW), ANSWER_GO);
    WAITS(begin(&c[3], &other, NOW));
    end(&c[0], NOW + MS);
    WAITS(call_admit(&c[1], NOW + MS)); /* the permit of the host is for the one that waits there */
    ANSWER(call_admit(&c[3], NOW + MS), ANSWER_GO);
    end(&c[2], NOW + 2 * MS);
    ANSWER(call_admit(&c[1], NOW + 2 * MS), ANSWER_GO);
    end(&c[1], NOW + 3 * MS);
    end(&c[3], NOW + 3 * MS);
    cr_assert(zero(int, in_flight(&slow)));
    cr_assert(zero(int, bulkhead_in_flight(bulkhead_page(binding_bulkhead(&slow, 1)->slot))));
}

Test(concurrency, bindings_of_one_host_share_the_permits_and_per_divides_them)
{
    const struct config *config = configure("enforce", "concurrency = 1\nper = origin\n");
    struct binding a = bind_path(config, "/x"), b = bind_path(config, "/y");
    struct target t = {"http", "a.example", 80, true, "/x", NULL, 0};
    struct binding other = {0};
    struct call c[3];
    cr_assert(call_bind(&other, config, board, &t, NULL, NOW));
    ANSWER(begin(&c[0], &a, NOW), ANSWER_GO);
    WAITS(begin(&c[1], &b, NOW));
    ANSWER(begin(&c[2], &other, NOW), ANSWER_GO);
}

Test(concurrency, a_connection_that_does_not_block_takes_no_permit)
{
    struct binding b = limited("concurrency = 1\n");
    struct binding strict = limited("concurrency = 1\non_concurrency = fail\n");
    struct call c[4];
    for (int i = 0; i < 2; i++) {
        call_begin(&c[i], &b, 0, NOW);
        c[i].cannot_wait = true;
        ANSWER(call_admit(&c[i], NOW), ANSWER_GO);
    }
    call_begin(&c[2], &strict, 0, NOW);
    c[2].cannot_wait = true;
    ANSWER(call_admit(&c[2], NOW), ANSWER_GO);
    cr_assert(zero(int, in_flight(&b)));
    begin(&c[3], &b, NOW);
    call_begin(&c[2], &strict, 0, NOW);
    c[2].cannot_wait = true;
    REFUSED(call_admit(&c[2], NOW));
}

Test(concurrency, the_child_of_a_fork_gives_back_no_permit_of_its_parent)
{
    struct binding b = limited("concurrency = 1\n");
    struct call c, own;
    begin(&c, &b, NOW);
    pid_t pid = fork();
    if (!pid) {
        end(&c, NOW);
        _exit(in_flight(&b) == 1 && begin(&own, &b, NOW).answer == ANSWER_WAIT ? 0 : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    cr_assert(zero(int, status));
    end(&c, NOW);
    cr_assert(zero(int, in_flight(&b)));
}

Test(concurrency, what_a_killed_process_holds_is_free_when_the_next_one_looks)
{
    struct binding b = limited("concurrency = 1\non_concurrency = fail\n");
    struct call c;
    pid_t pid = fork();
    if (!pid) {
        begin(&c, &b, NOW);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    cr_assert(eq(int, in_flight(&b), 1));
    ANSWER(begin(&c, &b, NOW + NS_PER_S), ANSWER_GO);
    cr_assert(eq(int, in_flight(&b), 1));
}

Test(concurrency, an_event_loop_looks_often_only_for_those_who_are_next)
{
    struct binding b = limited("concurrency = 1\n");
    struct call c[3];
    begin(&c[0], &b, NOW);
    for (int i = 1; i < 3; i++) {
        call_begin(&c[i], &b, 0, NOW + i * MS);
        c[i].in_loop = true;
        WAITS(call_admit(&c[i], NOW + i * MS));
    }
    cr_assert(eq(i64, call_admit(&c[1], NOW + 3 * MS).at_ns, NOW + 10 * MS));
    cr_assert(eq(i64, call_admit(&c[2], NOW + 3 * MS).at_ns, NOW + 100 * MS));
}

Test(concurrency, observing_takes_no_permit_from_others_and_waits_for_none)
{
    struct binding b = bind_path(configure("observe", "concurrency = 1\n"), "/x");
    struct binding enforced = limited("concurrency = 1\n");
    struct call c[3];
    ANSWER(begin(&c[0], &b, NOW), ANSWER_GO);
    ANSWER(begin(&c[1], &b, NOW), ANSWER_GO);
    cr_assert(eq(u64, count(&b, COUNT_CONCURRENCY_WAITED), 1));
    ANSWER(begin(&c[2], &enforced, NOW), ANSWER_GO);
    end(&c[0], NOW + MS);
    end(&c[1], NOW + MS);
    cr_assert(zero(int, in_flight(&b)));
    cr_assert(zero(u64, count(&enforced, COUNT_CONCURRENCY_WAITED)));
}

Test(concurrency, observing_counts_what_would_be_refused)
{
    struct binding b =
        bind_path(configure("observe", "concurrency = 1\non_concurrency = fail\n"), "/x");
    struct call c[2];
    begin(&c[0], &b, NOW);
    ANSWER(begin(&c[1], &b, NOW), ANSWER_GO);
    cr_assert(eq(u64, count(&b, COUNT_CONCURRENCY_REJECTED), 1));
    end(&c[1], NOW);
    end(&c[0], NOW);
}

Test(concurrency, a_reset_of_the_board_gives_out_no_permit_twice)
{
    struct binding b = limited("concurrency = 1\n");
    struct call c[2];
    begin(&c[0], &b, NOW);
    for (uint32_t i = 0; i < board->slot_count; i++)
        slot_reset(&board->slots[i]);
    WAITS(begin(&c[1], &b, NOW));
}

Test(concurrency, permits_in_use_keep_their_slot)
{
    struct board *small = board_open(NULL, 4, NULL);
    const struct config *config = configure("enforce", "concurrency = 1\n");
    struct target t = {"https", "a.example", 443, true, "/x", NULL, 0};
    struct binding b = {0};
    struct call c;
    int64_t later = NOW + 2 * SLOT_IDLE_NS;
    cr_assert(call_bind(&b, config, small, &t, NULL, NOW));
    begin(&c, &b, NOW);
    for (uint64_t i = 0; i < 8; i++)
        board_slot(small, 1000 + i, "other", SLOT_HOST, later);
    cr_assert(eq(u64, b.bulkhead.slot->key, b.bulkhead.key));
    end(&c, later);
    board_slot(small, 2000, "other", SLOT_HOST, later + 3 * SLOT_IDLE_NS);
    cr_assert(b.bulkhead.slot->key != b.bulkhead.key);
    board_close(small);
}

/* Only the key of the first page is compared when a permit is taken at once. */
Test(concurrency, a_permit_of_a_further_page_is_found_each_time)
{
    const struct config *config = configure("enforce", "concurrency = 100\n");
    static struct binding b[BULKHEAD_PERMITS + 1];
    static struct call c[BULKHEAD_PERMITS + 1];
    for (int i = 0; i <= BULKHEAD_PERMITS; i++) {
        b[i] = bind_path(config, "/x");
        ANSWER(begin(&c[i], &b[i], NOW), ANSWER_GO);
    }
    struct binding *last = &b[BULKHEAD_PERMITS];
    const struct bulkhead_page *first = bulkhead_page(last->bulkhead.slot);
    cr_assert(eq(int, in_flight(last), BULKHEAD_PERMITS));
    cr_assert(last->bulkhead.last >= first->permit &&
              last->bulkhead.last < first->permit + BULKHEAD_PERMITS);
    for (int i = BULKHEAD_PERMITS; i >= 0; i--)
        end(&c[i], NOW);
    struct slot *second = board_find(board, bulkhead_page_key(last->bulkhead.key, 1));
    cr_assert(eq(int, bulkhead_in_flight(bulkhead_page(second)), 0));
    cr_assert(eq(int, in_flight(last), 0));
}
