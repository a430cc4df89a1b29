/* SPDX-License-Identifier: MIT
 *
 * The life of slots under random interleavings: three tasks claim slots of a full table. One
 * task runs at a time, and another may take over before any access to a word of the board. For
 * these accesses, the source of the board is included here. A seed determines each interleaving,
 * so failures are reproducible. */
#include <stdatomic.h>

static void before_access(void);

/* Each access first lets another task run. */
#undef atomic_load
#undef atomic_load_explicit
#undef atomic_store
#undef atomic_store_explicit
#undef atomic_compare_exchange_strong
#define atomic_load(p)                 (before_access(), __atomic_load_n(p, __ATOMIC_SEQ_CST))
#define atomic_load_explicit(p, o)     (before_access(), __atomic_load_n(p, __ATOMIC_SEQ_CST))
#define atomic_store(p, v)             (before_access(), __atomic_store_n(p, v, __ATOMIC_SEQ_CST))
#define atomic_store_explicit(p, v, o) (before_access(), __atomic_store_n(p, v, __ATOMIC_SEQ_CST))
#define atomic_compare_exchange_strong(p, old, v)                                                  \
    (before_access(),                                                                              \
     __atomic_compare_exchange_n(p, old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))

#include "engine/board/board.c"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

#define RUNNERS  3
#define SLOTS    4
#define HOSTS    5
#define CLAIMS   3 /* claims of each task in a round */
#define ROUNDS   USUALLY(4000, 500)
#define START_NS (1000LL << 30) /* the start of a unit of change_time */

struct runner {
    pthread_t thread;
    sem_t turn;
    bool done;
    struct slot *slot[CLAIMS];
    int host[CLAIMS];
};

static struct runner runners[RUNNERS];
static _Thread_local struct runner *self; /* NULL: the test itself */
static struct board *board;
static sem_t round_over;
static uint64_t chance;
static int64_t now_ns, begun_ns; /* the start of the round */
static int left;
static char wrong[200];

static unsigned roll(unsigned n)
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return (unsigned)(chance >> 33) % n;
}

static uint64_t key_nth(int i)
{
    return board_key(0x9e3779b97f4a7c15ULL * (uint64_t)(i + 1));
}

static uint64_t key_at(int i)
{
    return __atomic_load_n(&board->slots[i].key, __ATOMIC_SEQ_CST);
}

static void check_unique(void)
{
    for (int i = 0; i < SLOTS; i++)
        for (int k = i + 1; k < SLOTS; k++)
            if (key_at(i) && !(key_at(i) & CHANGING) && key_at(i) == key_at(k) && !*wrong)
                snprintf(wrong, sizeof wrong, "slots %d and %d have the same key", i, k);
}

/* Any task that is not done. */
static void pass_on(void)
{
    struct runner *next;
    if (!left) {
        sem_post(&round_over);
        return;
    }
    do
        next = &runners[roll(RUNNERS)];
    while (next->done);
    if (next == self)
        return;
    sem_post(&next->turn);
    if (self && !self->done)
        sem_wait(&self->turn);
}

static void before_access(void)
{
    if (!self || roll(3))
        return;
    check_unique();
    /* No task is delayed for longer than others wait for it. */
    if (now_ns < begun_ns + 30 * NS_PER_S)
        now_ns += roll(2) ? roll(20) : roll(1000000000);
    pass_on();
}

/* The clock as this task read it; it may have been suspended since. */
static int64_t reading(void)
{
    static const int64_t ago_ns[] = {0, 5, 100000, 3 * NS_PER_S, 20 * NS_PER_S};
    return now_ns - ago_ns[roll(5)];
}

static void claim(struct runner *r, int i)
{
    char name[16];
    int h = r->host[i] = (int)roll(HOSTS);
    snprintf(name, sizeof name, "host%d", h);
    struct slot *s = board_slot(board, key_nth(h), name, SLOT_HOST, reading());
    r->slot[i] = s;
    if (s == board_overflow(board))
        return;
    __atomic_fetch_add(&s->limit_count[COUNT_REQUESTS], 1, __ATOMIC_SEQ_CST);
}

static void *run(void *arg)
{
    self = arg;
    sem_wait(&self->turn);
    for (int i = 0; i < CLAIMS; i++)
        claim(self, i);
    self->done = true;
    left--;
    pass_on();
    return NULL;
}

/* A slot that was just claimed and used still has this host's name and count. */
static void check_kept(uint64_t seed)
{
    for (int i = 0; i < SLOTS; i++) {
        uint64_t given = 0;
        int host = -1;
        for (int k = 0; k < RUNNERS * CLAIMS; k++)
            if (runners[k / CLAIMS].slot[k % CLAIMS] == &board->slots[i]) {
                int other = runners[k / CLAIMS].host[k % CLAIMS];
                cr_assert(host < 0 || host == other, "seed %lu: slot %d belongs to two hosts", seed,
                          i);
                host = other;
                given++;
            }
        if (host < 0)
            continue;
        char name[16];
        snprintf(name, sizeof name, "host%d", host);
        cr_assert_eq(key_at(i), key_nth(host), "seed %lu: slot %d was reused", seed, i);
        cr_assert_str_eq(board->slots[i].name, name, "%lu", seed);
        cr_assert_geq(board->slots[i].limit_count[COUNT_REQUESTS], given, "%lu: cleared", seed);
    }
}

static void play(uint64_t seed)
{
    chance = seed;
    now_ns += 2 * SLOT_IDLE_NS; /* makes all slots idle */
    now_ns -= now_ns % (1LL << 30) - roll(10);
    if (roll(2)) /* except one */
        __atomic_store_n(&board->slots[roll(SLOTS)].last_used_ns, now_ns - 1, __ATOMIC_SEQ_CST);
    begun_ns = now_ns;
    left = RUNNERS;
    sem_init(&round_over, 0, 0);
    for (int i = 0; i < RUNNERS; i++) {
        runners[i].done = false;
        sem_init(&runners[i].turn, 0, 0);
        pthread_create(&runners[i].thread, NULL, run, &runners[i]);
    }
    pass_on();
    sem_wait(&round_over);
    for (int i = 0; i < RUNNERS; i++)
        pthread_join(runners[i].thread, NULL);
    check_unique();
    cr_assert_str_empty(wrong, "%lu: %s", seed, wrong);
    check_kept(seed);
}

Test(board_model, no_interleaving_gives_a_key_two_slots_or_a_slot_to_two_hosts, .timeout = 300)
{
    now_ns = START_NS;
    board = board_open(NULL, SLOTS, NULL);
    for (uint64_t seed = 1; seed <= ROUNDS; seed++)
        play(seed * 0x9e3779b97f4a7c15ULL);
    board_close(board);
}
