/* SPDX-License-Identifier: MIT */
#include "engine/board/bulkhead.h"

#include "base/bell.h"
#include "base/hash.h"
#include "base/minmax.h"
#include "base/sizes.h"
#include "engine/board/holder.h"

#include <limits.h>

/* A word of the table of waiters, from the lowest bit on: rung:1, 1:1, unused:6, seen:16, loop:1, nonce:10,
 * arrived:29. */
#define RUNG          1ULL
#define NOT_FREE      2ULL
#define SEEN_AT       8
#define SEEN_BITS     16
#define SEEN_UNIT     24
#define LOOP          (1ULL << 24)
#define NONCE_AT      25
#define NONCE_BITS    10
#define ARRIVED_AT    35
#define ARRIVED_BITS  29
#define ARRIVED_UNIT  16
#define MASK(bits)    ((1ULL << (bits)) - 1)
#define SEEN_IN       (MASK(SEEN_BITS) << SEEN_AT)
#define SEEN_MOST     (BULKHEAD_SEEN_NS >> SEEN_UNIT)
#define SEEN_AHEAD    64 /* by a process that read the clock a little later */
#define EXTRA_SEEN_AT 32 /* of `extra`: the same unit, 16 bits; below it, the futex */

#define SEED_PAGE 0x70657264616765ULL

uint64_t bulkhead_page_key(uint64_t key, unsigned page)
{
    return page ? board_key(hash_bytes(&key, sizeof key, SEED_PAGE + page)) : key;
}

/* ---- words of waiters ----------------------------------------------------------------------- */

static uint64_t seen_at(int64_t now_ns)
{
    return (uint64_t)now_ns >> SEEN_UNIT & MASK(SEEN_BITS);
}

static bool is_recent(uint64_t seen, int64_t now_ns)
{
    uint64_t age = (seen_at(now_ns) - seen) & MASK(SEEN_BITS);
    return age <= SEEN_MOST || age >= MASK(SEEN_BITS) - SEEN_AHEAD;
}

static bool is_here(uint64_t word, int64_t now_ns)
{
    return is_recent(word >> SEEN_AT & MASK(SEEN_BITS), now_ns);
}

/* Negative: a came first. */
static int64_t compare_arrival(uint64_t a, uint64_t b)
{
    return (int64_t)((a >> ARRIVED_AT << ARRIVED_AT) - (b >> ARRIVED_AT << ARRIVED_AT));
}

static uint64_t word_of(const struct bulkhead_caller *caller, int64_t now_ns)
{
    return ((uint64_t)caller->arrived_ns >> ARRIVED_UNIT & MASK(ARRIVED_BITS)) << ARRIVED_AT |
           (caller->mark >> BULKHEAD_HOLDER_BITS & MASK(NONCE_BITS)) << NONCE_AT |
           (caller->loop ? LOOP : 0) | seen_at(now_ns) << SEEN_AT | NOT_FREE;
}

static bool is_own(const struct bulkhead_turn *t, uint64_t word)
{
    return t->word && (word & ~RUNG) == t->word;
}

/* ---- what a caller sees --------------------------------------------------------------------- */

struct look {
    uint64_t waiting; /* before the rest was looked at */
    int free, permit; /* free permits, and one of them */
    int before;       /* waiters that came before the caller */
    int others;       /* waiters besides it */
    int place;        /* a free one in the table; -1: none */
    int last;         /* of the waiter that came last; -1: none */
    uint64_t last_word;
};

static void count_permits(const struct bulkhead *b, struct look *l)
{
    for (uint32_t i = 0; i < b->limit; i++) {
        const struct bulkhead_page *p = b->page[i / BULKHEAD_PERMITS];
        if (!p || atomic_load(&p->permit[i % BULKHEAD_PERMITS]))
            continue;
        if (!l->free++)
            l->permit = (int)i;
    }
}

/* A waiter that is not here any more loses its place. */
static uint64_t read_waiter(_Atomic uint64_t *waiter, int64_t now_ns)
{
    uint64_t word = atomic_load(waiter);
    if (!word || is_here(word, now_ns))
        return word;
    return atomic_compare_exchange_strong(waiter, &word, 0) ? 0 : word;
}

static void count_waiters(struct bulkhead_page *first, struct bulkhead_turn *t, uint64_t own,
                          int64_t now_ns, struct look *l)
{
    l->place = l->last = -1;
    bool found = false;
    for (int i = 0; i < BULKHEAD_PLACES; i++) {
        uint64_t word = read_waiter(&first->waiter[i], now_ns);
        if (!word) {
            l->place = l->place < 0 ? i : l->place;
            continue;
        }
        if (i == t->place && is_own(t, word)) {
            found = true;
            continue;
        }
        int64_t order = compare_arrival(word, own);
        l->others++;
        l->before += order < 0 || (!order && (!t->word || i < t->place));
        if (l->last < 0 || compare_arrival(word, l->last_word) > 0) {
            l->last = i;
            l->last_word = word;
        }
    }
    if (!found)
        t->word = 0; /* displaced, or not seen for too long */
}

/* ---- entering the table --------------------------------------------------------------------- */

/* Whoever looked before this finds that `waiting` has changed. */
static void announce(struct bulkhead_page *first, int64_t now_ns)
{
    uint64_t was = atomic_load(&first->waiting), next;
    do
        next = was < (uint64_t)now_ns || was == UINT64_MAX ? (uint64_t)now_ns : was + 1;
    while (!atomic_compare_exchange_weak(&first->waiting, &was, next));
}

/* Outside of the table. */
static void note_extra(struct bulkhead_page *first, struct bulkhead_turn *t, int64_t now_ns)
{
    uint64_t was = atomic_load(&first->extra), next;
    do
        next = (was & MASK(EXTRA_SEEN_AT)) | seen_at(now_ns) << EXTRA_SEEN_AT;
    while (was != next && !atomic_compare_exchange_weak(&first->extra, &was, next));
    t->extra = (uint32_t)next;
}

static void ring_extra(struct bulkhead_page *first, int64_t now_ns)
{
    uint64_t was = atomic_load(&first->extra);
    if (!was || !is_recent(was >> EXTRA_SEEN_AT & MASK(SEEN_BITS), now_ns))
        return;
    uint64_t next = (was & ~MASK(EXTRA_SEEN_AT)) | (uint32_t)(was + 1);
    atomic_compare_exchange_strong(&first->extra, &was, next);
    bell_ring(bell_of(&first->extra), 1);
}

/* True: the caller has just got a place, or another one was faster. */
static bool enter(struct bulkhead_page *first, struct bulkhead_turn *t, uint64_t own,
                  const struct look *l, int64_t now_ns)
{
    uint64_t was = 0;
    int place = l->place;
    if (place < 0 && l->last >= 0 && compare_arrival(own, l->last_word) < 0) {
        place = l->last;
        was = l->last_word;
    }
    if (place < 0 || !atomic_compare_exchange_strong(&first->waiter[place], &was, own)) {
        note_extra(first, t, now_ns);
        return place >= 0;
    }
    if (was)
        bell_ring(bell_of(&first->waiter[place]), INT_MAX);
    t->word = own;
    t->place = (uint8_t)place;
    return true;
}

/* False: it has lost its place. */
static bool stay(struct bulkhead_page *first, struct bulkhead_turn *t, uint64_t own)
{
    uint64_t was = t->word;
    while (!atomic_compare_exchange_weak(&first->waiter[t->place], &was, own))
        if (!is_own(t, was)) {
            t->word = 0;
            return false;
        }
    t->word = own;
    return true;
}

/* Gives up its place. True: it had been rung for. */
static bool give_up(struct bulkhead_page *first, struct bulkhead_turn *t, int64_t now_ns)
{
    uint64_t was = t->word;
    while (was && is_own(t, was) &&
           !atomic_compare_exchange_weak(&first->waiter[t->place], &was, 0))
        ;
    bool had = is_own(t, was);
    t->word = 0;
    if (had)
        ring_extra(first, now_ns);
    return had && (was & RUNG);
}

/* ---- for callers ---------------------------------------------------------------------------- */

static bool take_one(const struct bulkhead *b, struct bulkhead_turn *t, const struct look *l,
                     uint64_t mark, int64_t now_ns)
{
    struct bulkhead_page *first = b->page[0], *p = b->page[l->permit / BULKHEAD_PERMITS];
    uint64_t none = 0, waiting = l->waiting;
    if (!atomic_compare_exchange_strong(&p->permit[l->permit % BULKHEAD_PERMITS], &none, mark))
        return false;
    give_up(first, t, now_ns);
    if (!l->others)
        atomic_compare_exchange_strong(&first->waiting, &waiting, 0);
    else if (l->free > 1)
        bulkhead_wake(first, now_ns);
    return true;
}

int bulkhead_try(const struct bulkhead *b, struct bulkhead_turn *t,
                 const struct bulkhead_caller *caller, int64_t now_ns)
{
    precondition(b->page[0] && b->limit && b->limit <= PERMITS_MAX && caller->mark);
    struct bulkhead_page *first = b->page[0];
    uint64_t own = word_of(caller, now_ns);
    bool again = true;
    for (int round = 0; again && round < BULKHEAD_ROUNDS; round++) {
        struct look l = {.waiting = atomic_load(&first->waiting)};
        count_permits(b, &l);
        count_waiters(first, t, own, now_ns, &l);
        t->soon = l.before < (int)b->limit;
        if (l.free > l.before) {
            if (take_one(b, t, &l, caller->mark, now_ns))
                return l.permit;
            continue;
        }
        if (!caller->enters)
            return BULKHEAD_WAIT;
        if (t->word && stay(first, t, own))
            again = false;
        else
            again = enter(first, t, own, &l, now_ns); /* a permit given back before is not missed */
        if (again || !l.waiting)
            announce(first, now_ns);
    }
    return BULKHEAD_WAIT;
}

void bulkhead_leave(const struct bulkhead *b, struct bulkhead_turn *t, int64_t now_ns)
{
    if (give_up(b->page[0], t, now_ns))
        bulkhead_wake(b->page[0], now_ns); /* the turn of another */
}

_Atomic uint32_t *bulkhead_bell(struct bulkhead_page *first, const struct bulkhead_turn *t,
                                uint32_t *value)
{
    *value = t->word ? (uint32_t)t->word : t->extra;
    return bell_of(t->word ? &first->waiter[t->place] : &first->extra);
}

/* An event loop cannot be woken; who was rung for has yet to come. */
void bulkhead_wake(struct bulkhead_page *first, int64_t now_ns)
{
    for (int round = 0; round < BULKHEAD_ROUNDS; round++) {
        uint64_t chosen = 0;
        int place = 0;
        for (int i = 0; i < BULKHEAD_PLACES; i++) {
            uint64_t word = atomic_load(&first->waiter[i]);
            if (!word || word & (LOOP | RUNG) || !is_here(word, now_ns) ||
                (chosen && compare_arrival(word, chosen) >= 0))
                continue;
            chosen = word;
            place = i;
        }
        if (!chosen)
            return;
        if (atomic_compare_exchange_strong(&first->waiter[place], &chosen, chosen | RUNG)) {
            bell_ring(bell_of(&first->waiter[place]), INT_MAX);
            return;
        }
    }
}

/* ---- dead holders --------------------------------------------------------------------------- */

bool bulkhead_is_check_due(const struct bulkhead_page *first, int64_t now_ns)
{
    int64_t checked_ns = atomic_load_explicit(&first->checked_ns, memory_order_relaxed);
    return now_ns - checked_ns >= BULKHEAD_CHECK_NS || checked_ns > now_ns + BULKHEAD_CHECK_NS;
}

static bool check_page(struct bulkhead_page *p, struct holder_check *k)
{
    bool freed = false;
    for (int i = 0; i < BULKHEAD_PERMITS; i++) {
        uint64_t mark = atomic_load(&p->permit[i]);
        if (mark && !holder_is_alive(k, bulkhead_holder(mark)))
            freed |= atomic_compare_exchange_strong(&p->permit[i], &mark, 0);
    }
    return freed;
}

bool bulkhead_check(const struct bulkhead *b, const struct board *board, int64_t now_ns)
{
    struct bulkhead_page *first = b->page[0];
    int64_t checked_ns = atomic_load(&first->checked_ns);
    if (!bulkhead_is_check_due(first, now_ns) ||
        !atomic_compare_exchange_strong(&first->checked_ns, &checked_ns, now_ns))
        return false;
    struct holder_check k;
    bool freed = false;
    holder_check_begin(&k, board);
    for (uint32_t i = 0; i * BULKHEAD_PERMITS < b->limit; i++)
        freed |= b->page[i] && check_page(b->page[i], &k);
    holder_check_end(&k);
    if (freed && atomic_load(&first->waiting))
        bulkhead_wake(first, now_ns);
    return freed;
}

/* ---- for display ---------------------------------------------------------------------------- */

int bulkhead_in_flight(const struct bulkhead_page *p)
{
    int held = 0;
    for (int i = 0; i < BULKHEAD_PERMITS; i++)
        held += atomic_load(&p->permit[i]) != 0;
    return held;
}

int bulkhead_in_flight_now(const struct bulkhead_page *p, struct holder_check *k)
{
    int held = 0;
    for (int i = 0; i < BULKHEAD_PERMITS; i++) {
        uint64_t mark = atomic_load_explicit(&p->permit[i], memory_order_relaxed);
        held += mark && holder_is_alive(k, bulkhead_holder(mark));
    }
    return held;
}

int bulkhead_waiting(const struct bulkhead_page *first, int64_t now_ns)
{
    int waiting = 0;
    for (int i = 0; i < BULKHEAD_WAITERS; i++) {
        uint64_t word = atomic_load_explicit(&first->waiter[i], memory_order_relaxed);
        waiting += word && is_here(word, now_ns);
    }
    return waiting;
}
