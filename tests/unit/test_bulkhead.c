/* SPDX-License-Identifier: MIT */
#include "engine/board/bulkhead.h"

#include "base/bell.h"
#include "base/sizes.h"
#include "engine/board/holder.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOW  (100000 * NS_PER_S)
#define TICK NS_PER_MS /* apart enough to tell who came first */

static struct bulkhead_page pages[2];
static struct bulkhead bulkhead;
static uint32_t sequence;

struct caller {
    struct bulkhead_caller as;
    struct bulkhead_turn turn;
    int permit;
};

static void with_limit(uint32_t limit)
{
    memset(pages, 0, sizeof pages);
    bulkhead = (struct bulkhead){.page = {&pages[0], &pages[1]}, .limit = limit};
}

static int try_again(struct caller *x, int64_t now_ns)
{
    return x->permit = bulkhead_try(&bulkhead, &x->turn, &x->as, now_ns);
}

static int arrive(struct caller *x, int64_t now_ns)
{
    *x = (struct caller){
        .as = {.mark = bulkhead_mark(1, ++sequence), .arrived_ns = now_ns, .enters = true}};
    return try_again(x, now_ns);
}

static void give_back(struct caller *x, int64_t now_ns)
{
    struct bulkhead_page *p = &pages[x->permit / BULKHEAD_PERMITS];
    cr_assert(bulkhead_give_back(&p->permit[x->permit % BULKHEAD_PERMITS], x->as.mark));
    if (pages[0].waiting)
        bulkhead_wake(&pages[0], now_ns);
}

Test(bulkhead, has_as_many_permits_as_its_limit)
{
    struct caller x[9];
    with_limit(8);
    for (int i = 0; i < 8; i++)
        cr_assert(eq(int, arrive(&x[i], NOW), i));
    cr_assert(eq(int, arrive(&x[8], NOW), BULKHEAD_WAIT));
    cr_assert(eq(int, bulkhead_in_flight(&pages[0]), 8));
    cr_assert(eq(int, bulkhead_waiting(&pages[0], NOW), 1));
    give_back(&x[3], NOW + TICK);
    cr_assert(eq(int, try_again(&x[8], NOW + TICK), 3));
    cr_assert(zero(int, bulkhead_waiting(&pages[0], NOW + TICK)));
    cr_assert(zero(u64, pages[0].waiting), "the next one needs only one look");
}

Test(bulkhead, has_further_pages_for_a_large_limit)
{
    struct caller x[71];
    with_limit(70);
    for (int i = 0; i < 70; i++)
        cr_assert(eq(int, arrive(&x[i], NOW), i));
    cr_assert(eq(int, arrive(&x[70], NOW), BULKHEAD_WAIT));
    cr_assert(eq(int, bulkhead_in_flight(&pages[1]), 6));
    give_back(&x[69], NOW);
    cr_assert(eq(int, try_again(&x[70], NOW), 69));
}

Test(bulkhead, uses_the_permits_of_the_pages_that_there_are)
{
    struct caller x[65];
    with_limit(128);
    bulkhead.page[1] = NULL;
    for (int i = 0; i < 64; i++)
        cr_assert(eq(int, arrive(&x[i], NOW), i));
    cr_assert(eq(int, arrive(&x[64], NOW), BULKHEAD_WAIT));
}

Test(bulkhead, who_came_first_is_served_first)
{
    struct caller holder, first, second, late;
    with_limit(1);
    arrive(&holder, NOW);
    arrive(&first, NOW + TICK);
    arrive(&second, NOW + 2 * TICK);
    give_back(&holder, NOW + 3 * TICK);
    cr_assert(eq(int, try_again(&second, NOW + 3 * TICK), BULKHEAD_WAIT));
    cr_assert(eq(int, arrive(&late, NOW + 3 * TICK), BULKHEAD_WAIT));
    cr_assert(not(bulkhead_take(&pages[0], &pages[0].permit[0], bulkhead_mark(1, ++sequence))),
              "no look is enough");
    cr_assert(zero(int, try_again(&first, NOW + 4 * TICK)));
    give_back(&first, NOW + 5 * TICK);
    cr_assert(eq(int, try_again(&late, NOW + 5 * TICK), BULKHEAD_WAIT));
    cr_assert(zero(int, try_again(&second, NOW + 5 * TICK)));
}

Test(bulkhead, two_free_permits_serve_the_first_two)
{
    struct caller holder[2], first, second, third;
    with_limit(2);
    arrive(&holder[0], NOW);
    arrive(&holder[1], NOW);
    arrive(&first, NOW + TICK);
    arrive(&second, NOW + 2 * TICK);
    arrive(&third, NOW + 3 * TICK);
    give_back(&holder[0], NOW + 4 * TICK);
    give_back(&holder[1], NOW + 4 * TICK);
    cr_assert(eq(int, try_again(&third, NOW + 4 * TICK), BULKHEAD_WAIT));
    cr_assert(eq(int, try_again(&second, NOW + 4 * TICK), 0));
    cr_assert(eq(int, try_again(&third, NOW + 4 * TICK), BULKHEAD_WAIT));
    cr_assert(eq(int, try_again(&first, NOW + 4 * TICK), 1));
}

Test(bulkhead, a_waiter_that_is_not_seen_keeps_nobody_waiting)
{
    struct caller holder, gone, next;
    with_limit(1);
    arrive(&holder, NOW);
    arrive(&gone, NOW + TICK);
    arrive(&next, NOW + 2 * TICK);
    give_back(&holder, NOW + 3 * TICK);
    cr_assert(eq(int, try_again(&next, NOW + BULKHEAD_REST_NS), BULKHEAD_WAIT));
    cr_assert(zero(int, try_again(&next, NOW + BULKHEAD_SEEN_NS + 2 * BULKHEAD_REST_NS)));
}

Test(bulkhead, a_waiter_that_comes_back_has_its_old_place)
{
    struct caller holder, stopped, next;
    int64_t later = NOW + 2 * BULKHEAD_SEEN_NS;
    with_limit(1);
    arrive(&holder, NOW);
    arrive(&stopped, NOW + TICK);
    arrive(&next, NOW + 2 * TICK);
    try_again(&next, later); /* whose look takes the place away */
    try_again(&stopped, later + TICK);
    give_back(&holder, later + 2 * TICK);
    cr_assert(eq(int, try_again(&next, later + 3 * TICK), BULKHEAD_WAIT));
    cr_assert(zero(int, try_again(&stopped, later + 3 * TICK)));
}

Test(bulkhead, the_table_has_those_who_came_first)
{
    struct caller holder, x[BULKHEAD_PLACES], older = {0};
    with_limit(1);
    arrive(&holder, NOW);
    for (int i = 0; i < BULKHEAD_PLACES; i++)
        arrive(&x[i], NOW + (10 + i) * TICK);
    int64_t now = NOW + 50 * TICK;
    older.as = (struct bulkhead_caller){
        .mark = bulkhead_mark(1, ++sequence), .arrived_ns = NOW + TICK, .enters = true};
    try_again(&older, now); /* it had lost its place */
    cr_assert(older.turn.word != 0);
    cr_assert(eq(int, older.turn.place, x[BULKHEAD_PLACES - 1].turn.place), "that of the last one");
    try_again(&x[BULKHEAD_PLACES - 1], now);
    cr_assert(zero(u64, x[BULKHEAD_PLACES - 1].turn.word), "it waits outside");
    give_back(&holder, now);
    cr_assert(eq(int, try_again(&x[0], now), BULKHEAD_WAIT));
    cr_assert(zero(int, try_again(&older, now)));
    try_again(&x[BULKHEAD_PLACES - 1], now);
    cr_assert(x[BULKHEAD_PLACES - 1].turn.word != 0, "there is a place again");
}

Test(bulkhead, who_only_looks_does_not_wait)
{
    struct caller holder, looks = {.as = {.mark = 7, .arrived_ns = NOW}};
    with_limit(1);
    arrive(&holder, NOW);
    cr_assert(eq(int, try_again(&looks, NOW), BULKHEAD_WAIT));
    cr_assert(zero(int, bulkhead_waiting(&pages[0], NOW)));
}

Test(bulkhead, a_permit_is_given_back_once)
{
    struct caller x, next;
    with_limit(1);
    arrive(&x, NOW);
    give_back(&x, NOW);
    arrive(&next, NOW);
    cr_assert(not(bulkhead_give_back(&pages[0].permit[0], x.as.mark)));
    cr_assert(eq(int, bulkhead_in_flight(&pages[0]), 1));
}

Test(bulkhead, who_leaves_passes_on_that_it_was_woken)
{
    struct caller holder, first, second;
    uint32_t value;
    with_limit(1);
    arrive(&holder, NOW);
    arrive(&first, NOW + TICK);
    arrive(&second, NOW + 2 * TICK);
    give_back(&holder, NOW + 3 * TICK);
    _Atomic uint32_t *bell = bulkhead_bell(&pages[0], &second.turn, &value);
    cr_assert(eq(u32, *bell, value));
    bulkhead_leave(&bulkhead, &first.turn, NOW + 4 * TICK); /* its time is up */
    cr_assert(value != *bell, "it does not sleep on");
    cr_assert(zero(int, try_again(&second, NOW + 4 * TICK)));
}

Test(bulkhead, an_event_loop_is_not_woken_in_place_of_a_thread)
{
    struct caller holder, loop = {0}, thread;
    uint32_t value;
    with_limit(1);
    arrive(&holder, NOW);
    loop.as = (struct bulkhead_caller){.mark = bulkhead_mark(1, ++sequence),
                                       .arrived_ns = NOW + TICK,
                                       .enters = true,
                                       .loop = true};
    try_again(&loop, NOW + TICK);
    arrive(&thread, NOW + 2 * TICK);
    _Atomic uint32_t *bell = bulkhead_bell(&pages[0], &thread.turn, &value);
    bulkhead_wake(&pages[0], NOW + 2 * TICK);
    cr_assert(value != *bell);
    cr_assert(loop.turn.soon && thread.turn.soon == false);
}

/* Of a process that has ended. */
static uint64_t dead_holder(struct board *board)
{
    int fd[2];
    uint64_t id;
    cr_assert(zero(int, pipe(fd)));
    pid_t pid = fork();
    if (!pid) {
        id = holder_own(board);
        _exit(write(fd[1], &id, sizeof id) < 0);
    }
    cr_assert(eq(sz, (size_t)read(fd[0], &id, sizeof id), sizeof id));
    waitpid(pid, NULL, 0);
    close(fd[0]);
    close(fd[1]);
    return id;
}

Test(bulkhead, damaged_words_are_repaired)
{
    struct caller x;
    struct board *board = board_open(NULL, 4, NULL);
    with_limit(2);
    memset(pages, 0xff, sizeof pages);
    cr_assert(eq(int, arrive(&x, NOW), BULKHEAD_WAIT));
    cr_assert(bulkhead_check(&bulkhead, board, NOW), "no process has these permits");
    for (int i = 0; i < 10 && x.permit == BULKHEAD_WAIT; i++)
        try_again(&x, NOW + i * BULKHEAD_REST_NS);
    cr_assert(x.permit >= 0);
    board_close(board);
}

Test(bulkhead, looks_for_dead_holders_four_times_a_second)
{
    struct board *board = board_open(NULL, 4, NULL);
    with_limit(1);
    uint64_t dead = dead_holder(board);
    pages[0].permit[0] = bulkhead_mark(dead, 1);
    cr_assert(bulkhead_check(&bulkhead, board, NOW));
    pages[0].permit[0] = bulkhead_mark(dead, 2);
    cr_assert(not(bulkhead_check(&bulkhead, board, NOW + BULKHEAD_CHECK_NS - 1)));
    cr_assert(bulkhead_check(&bulkhead, board, NOW + BULKHEAD_CHECK_NS));
    pages[0].permit[0] = bulkhead_mark(holder_own(board), 3);
    cr_assert(not(bulkhead_check(&bulkhead, board, NOW + 2 * BULKHEAD_CHECK_NS)));
    board_close(board);
}

/* ---- threads -------------------------------------------------------------------------------- */

#define THREADS 8
#define LIMIT   2
#define TAKES   400

static _Atomic int in_flight, most, taken;

static void *take_turns(void *unused)
{
    struct caller x;
    for (int i = 0; i < TAKES; i++) {
        static _Atomic uint32_t next;
        int64_t now = clock_now_ns();
        x = (struct caller){
            .as = {.mark = bulkhead_mark(1, ++next), .arrived_ns = now, .enters = true}};
        while (try_again(&x, clock_now_ns()) == BULKHEAD_WAIT) {
            uint32_t value;
            _Atomic uint32_t *bell = bulkhead_bell(&pages[0], &x.turn, &value);
            bell_wait(bell, value, clock_now_ns() + BULKHEAD_REST_NS);
        }
        int now_flying = ++in_flight, was = most;
        while (now_flying > was && !atomic_compare_exchange_weak(&most, &was, now_flying))
            ;
        taken++;
        in_flight--;
        give_back(&x, clock_now_ns());
    }
    return unused;
}

Test(bulkhead, threads_never_have_more_permits_than_there_are, .timeout = 60)
{
    pthread_t thread[THREADS];
    with_limit(LIMIT);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, take_turns, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    cr_assert(eq(int, taken, THREADS *TAKES));
    cr_assert(le(int, most, LIMIT));
    cr_assert(zero(int, bulkhead_in_flight(&pages[0])));
}
