/* SPDX-License-Identifier: MIT
 *
 * A million random histories of a bulkhead: processes take permits, wait, give them back, give up, are stopped,
 * and are killed. Before each access to a word of the board another process may run, or the one that makes the
 * access may be killed, so that it leaves whatever it was doing half done. For these accesses, the source is
 * included here. A seed determines each history, so failures are reproducible. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

static void before_access(void);
static bool is_alive(uint64_t holder);

/* Few places for waiters, so that many wait outside of the table. */
#include "base/sizes.h"
#undef BULKHEAD_PLACES
#define BULKHEAD_PLACES 3

#undef atomic_load
#undef atomic_load_explicit
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_weak
#define atomic_load(p)             (before_access(), __atomic_load_n(p, __ATOMIC_SEQ_CST))
#define atomic_load_explicit(p, o) (before_access(), __atomic_load_n(p, __ATOMIC_SEQ_CST))
#define atomic_compare_exchange_strong(p, old, v)                                                  \
    (before_access(),                                                                              \
     __atomic_compare_exchange_n(p, old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
#define atomic_compare_exchange_weak atomic_compare_exchange_strong

#include "base/bell.h"
#include "engine/board/holder.h"
#define holder_check_begin(k, board) ((void)(board))
#define holder_check_end(k)          ((void)(k))
#define holder_is_alive(k, holder)   ((void)(k), is_alive(holder))
#define bell_ring(word, most)        ((void)(word))
#include "../../src/engine/board/bulkhead.c" // NOLINT(bugprone-suspicious-include)

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <setjmp.h>
#include <string.h>

#define PLAYERS   4 /* processes */
#define CALLERS   3 /* of a process */
#define LIMIT_MAX 4
#define STEPS     24
#define KILLS     3
#define DEPTH     3
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HISTORIES 50000
#else
#define HISTORIES 1000000
#endif

enum state { IDLE, WAITS, HOLDS };

struct caller {
    enum state state;
    struct bulkhead_turn turn;
    struct bulkhead_caller as;
    int permit;
    int64_t due_ns;
};

struct player {
    uint64_t holder; /* another one in each life */
    bool runs;       /* it is on the stack: another one may run in between, but not itself */
    struct caller callers[CALLERS];
    jmp_buf killed;
};

struct life {
    uint64_t holder;
    int64_t ended_ns;
};

static struct player players[PLAYERS];
static struct life ended[KILLS + 1];
static int kills, depth;
static bool calm; /* nobody is killed or interrupted any more */
static struct player *running;
static const struct caller *holder_of[LIMIT_MAX];
static struct bulkhead_page page;
static struct bulkhead bulkhead;
static int64_t now_ns, stopped_ns; /* in the middle of an action, in all */
static uint64_t chance, seed;
static uint32_t sequence;
static uint64_t holders;

static unsigned roll(unsigned n)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (unsigned)(chance >> 33) % n;
}

static int64_t ended_at(uint64_t holder)
{
    for (int i = 0; i < kills; i++)
        if (ended[i].holder == holder)
            return ended[i].ended_ns;
    return INT64_MAX;
}

static bool is_alive(uint64_t holder)
{
    return ended_at(holder) == INT64_MAX;
}

/* Another process with the same number follows. */
static void kill_process(struct player *p)
{
    ended[kills++] = (struct life){p->holder, now_ns};
    for (int i = 0; i < LIMIT_MAX; i++)
        if (holder_of[i] >= p->callers && holder_of[i] < p->callers + CALLERS)
            holder_of[i] = NULL;
    memset(p->callers, 0, sizeof p->callers);
    p->holder = ++holders;
}

/* What nobody may have any more: a permit of a process that ended more than a second before, but
 * for the time that others were stopped. */
static void check_nothing_is_lost(int64_t polled_ns)
{
    for (uint32_t i = 0; i < bulkhead.limit; i++) {
        uint64_t mark = __atomic_load_n(&page.permit[i], __ATOMIC_SEQ_CST);
        cr_assert(mark == 0 || ended_at(bulkhead_holder(mark)) > polled_ns - NS_PER_S - stopped_ns,
                  "history %lu: permit %u is lost", seed, i);
    }
}

static void try_it(struct caller *x)
{
    int64_t begun_ns = now_ns;
    int at = bulkhead_try(&bulkhead, &x->turn, &x->as, begun_ns);
    if (at == BULKHEAD_WAIT && bulkhead_is_check_due(&page, begun_ns) &&
        bulkhead_check(&bulkhead, NULL, begun_ns))
        at = bulkhead_try(&bulkhead, &x->turn, &x->as, begun_ns);
    if (at == BULKHEAD_WAIT) {
        check_nothing_is_lost(begun_ns);
        x->state = WAITS;
        x->due_ns = begun_ns + BULKHEAD_REST_NS;
        return;
    }
    cr_assert(holder_of[at] == NULL, "history %lu: permit %d was given twice", seed, at);
    holder_of[at] = x;
    x->state = HOLDS;
    x->permit = at;
}

static void act(struct player *p, struct caller *x)
{
    switch (x->state) {
    case IDLE:
        x->as = (struct bulkhead_caller){.mark = bulkhead_mark(p->holder, ++sequence),
                                         .arrived_ns = now_ns,
                                         .enters = true,
                                         .loop = roll(3) == 0};
        try_it(x);
        break;
    case WAITS:
        if (calm || roll(8)) {
            try_it(x);
        } else {
            x->state = IDLE;
            bulkhead_leave(&bulkhead, &x->turn, now_ns);
        }
        break;
    case HOLDS:
        holder_of[x->permit] = NULL;
        x->state = IDLE;
        cr_assert(bulkhead_give_back(&page.permit[x->permit], x->as.mark),
                  "history %lu: permit %d was taken away", seed, x->permit);
        if (atomic_load(&page.waiting))
            bulkhead_wake(&page, now_ns);
        break;
    }
}

/* One action of a process that is not on the stack. */
static void run_process(struct player *p, struct caller *x)
{
    struct player *outer = running;
    if (p->runs)
        return;
    p->runs = true;
    running = p;
    depth++;
    if (!setjmp(p->killed))
        act(p, x);
    else
        kill_process(p);
    depth--;
    running = outer;
    p->runs = false;
}

static void run_any(void)
{
    struct player *p = &players[roll(PLAYERS)];
    run_process(p, &p->callers[roll(CALLERS)]);
}

static void before_access(void)
{
    if (calm || !running || roll(48))
        return;
    if (kills < KILLS && !roll(6))
        longjmp(running->killed, 1);
    if (!roll(4)) {
        int64_t stop_ns = roll(300) * NS_PER_MS;
        now_ns += stop_ns;
        stopped_ns += stop_ns;
    }
    if (depth < DEPTH)
        run_any();
}

static void poll_those_due(bool all)
{
    for (int i = 0; i < PLAYERS; i++)
        for (int k = 0; k < CALLERS; k++) {
            struct caller *x = &players[i].callers[k];
            if (x->state == WAITS && (all || x->due_ns <= now_ns))
                run_process(&players[i], x);
        }
}

/* From now on nothing unusual happens: all who wait get a permit, and every permit can be taken. */
static void come_to_rest(void)
{
    calm = true;
    int waiting = 1;
    for (int rounds = 0; waiting; rounds++) {
        cr_assert(lt(int, rounds, 12 + PLAYERS * CALLERS), "history %lu: somebody waits for ever",
                  seed);
        now_ns += BULKHEAD_REST_NS;
        poll_those_due(true);
        waiting = 0;
        for (int i = 0; i < PLAYERS; i++)
            for (int k = 0; k < CALLERS; k++) {
                struct caller *x = &players[i].callers[k];
                waiting += x->state == WAITS;
                if (x->state == HOLDS)
                    run_process(&players[i], x);
            }
    }
    now_ns += NS_PER_S;
    for (uint32_t i = 0; i < bulkhead.limit; i++) {
        struct caller *x = &players[0].callers[i % CALLERS];
        *x = (struct caller){.state = IDLE};
        run_process(&players[0], x);
        cr_assert(eq(int, x->state, HOLDS), "history %lu: a permit is missing", seed);
    }
}

static void run_history(void)
{
    memset(players, 0, sizeof players);
    memset(holder_of, 0, sizeof holder_of);
    memset(&page, 0, sizeof page);
    kills = depth = 0;
    running = NULL;
    calm = false;
    holders = 0;
    stopped_ns = 0;
    for (int i = 0; i < PLAYERS; i++)
        players[i].holder = ++holders;
    bulkhead = (struct bulkhead){.page = {&page}, .limit = 1 + roll(LIMIT_MAX)};
    now_ns = 1000 * NS_PER_S + roll(1000) * NS_PER_MS;
    for (int step = 0; step < STEPS; step++) {
        run_any();
        if (roll(2))
            now_ns += roll(60) * NS_PER_MS;
        if (kills < KILLS && !roll(32))
            kill_process(&players[roll(PLAYERS)]);
        poll_those_due(false);
    }
    come_to_rest();
}

Test(bulkhead_model, loses_no_permit_for_longer_than_a_second_and_gives_none_twice)
{
    for (seed = 1; seed <= HISTORIES; seed++) {
        chance = seed * 0x9e3779b97f4a7c15ULL;
        run_history();
    }
}
