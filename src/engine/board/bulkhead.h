/* SPDX-License-Identifier: MIT
 *
 * A bulkhead: no more than N requests are in flight at a time, over all processes. Each holds a permit, one of N
 * words on the board.
 *
 *     int at = bulkhead_try(&b, &turn, &caller, now);         the permit; BULKHEAD_WAIT: none is free for it
 *     ... at >= 0: the request ...
 *     bulkhead_give_back(&b.page[at / BULKHEAD_PERMITS]->permit[at % BULKHEAD_PERMITS], caller.mark)
 *
 * The words of a page, which are slot->own of a slot of kind BULKHEAD; a limit of more than 64 has several:
 *
 *     permit[64]   0: free; else the mark of its holder: sequence:24, identity:40 (holder.h)
 *     waiting      0: nobody waits; else there may be waiters, and whoever looks at it looks at them
 *     checked_ns   when somebody last looked for holders that have died
 *     extra        for those who found no place in the table of waiters: when one was last seen:32, futex:32
 *     waiter[24]   0: free; else when it came, when it was last seen, whether it can be woken: bulkhead.c. The
 *                  lower half is a futex
 *
 * All but permit[] are used in the first page of a limit only.
 *
 * Invariants:
 * - A permit is taken by one compare-and-swap from 0 and given back by one from its mark. No two takes have the
 *   same mark, so nobody frees the permit of another; what a process that was killed holds is freed by others
 *   (bulkhead_check), and they free nothing that was taken since.
 * - First come, first served: a caller takes a permit only if more are free than there are waiters that came
 *   before it. With nobody waiting that is one look at `waiting`. If the table is full, it has those that came
 *   first: they displace others.
 * - A waiter that was not seen for BULKHEAD_SEEN_NS (killed, stopped, an event loop that does not turn) keeps
 *   nobody from a permit. When it comes again it has its old place, because it keeps its time of arrival.
 * - No wake-up is needed for progress: each waiter looks again after BULKHEAD_REST_NS.
 *
 * Callers with different limits may share a bulkhead: each uses the first permits, as many as its own limit.
 * Nothing read is trusted: a damaged permit belongs to nobody who is alive, a damaged waiter is soon not seen.
 * Time is an argument. Any thread, any process; nothing blocks. */
#ifndef ENGINE_BOARD_BULKHEAD_H
#define ENGINE_BOARD_BULKHEAD_H

#include "base/clock.h"
#include "base/precondition.h"
#include "engine/board/slot.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BULKHEAD_PERMITS 64 /* of one page */
#define BULKHEAD_PAGES   (PERMITS_MAX / BULKHEAD_PERMITS)
#define BULKHEAD_WAITERS 24
#define BULKHEAD_WAIT    (-1)

/* A blocking waiter looks again after this time, if nobody wakes it before; the first ones of event loops, which
 * nobody can wake, after the shorter one. */
#define BULKHEAD_REST_NS  (100 * NS_PER_MS)
#define BULKHEAD_POLL_NS  (10 * NS_PER_MS)
#define BULKHEAD_SEEN_NS  (500 * NS_PER_MS)
#define BULKHEAD_CHECK_NS (250 * NS_PER_MS)

struct board;

struct bulkhead_page {
    _Atomic uint64_t permit[BULKHEAD_PERMITS];
    _Atomic uint64_t waiting;
    _Atomic int64_t checked_ns;
    _Atomic uint64_t extra;
    uint64_t unused;
    _Atomic uint64_t waiter[BULKHEAD_WAITERS];
};
_Static_assert(sizeof(struct bulkhead_page) == OWN_WORDS * sizeof(uint64_t), "it is slot->own");

static inline struct bulkhead_page *bulkhead_page(struct slot *s)
{
    return (struct bulkhead_page *)(void *)s->own;
}

/* The key of the slot of page i; page 0 has that of its limit. */
uint64_t bulkhead_page_key(uint64_t key, unsigned page);

/* The permits of one limit. */
struct bulkhead {
    struct bulkhead_page
        *page[BULKHEAD_PAGES]; /* page[0] is there; NULL: its permits are missing */
    uint32_t limit;            /* 1..PERMITS_MAX */
};

/* Where a caller waits. Zeroed: nowhere. Kept from one try to the next, and for bulkhead_leave. */
struct bulkhead_turn {
    uint64_t word;  /* in the table, as it has written it; 0: it is not in it */
    uint32_t extra; /* then: the futex of those */
    uint8_t place;  /* in the table */
    bool soon;      /* it is one of the next */
};

struct bulkhead_caller {
    uint64_t mark;      /* for its permit */
    int64_t arrived_ns; /* when it first came */
    bool enters;        /* it waits if there is no permit; else it only looks */
    bool loop;          /* it cannot be woken */
};

/* The identity comes last, so that the next mark is this one plus BULKHEAD_NEXT, whose carry is lost. */
#define BULKHEAD_HOLDER_BITS 40
#define BULKHEAD_NEXT        (1ULL << BULKHEAD_HOLDER_BITS)

static inline uint64_t bulkhead_mark(uint64_t holder, uint32_t sequence)
{
    return holder | (uint64_t)sequence << BULKHEAD_HOLDER_BITS;
}

static inline uint64_t bulkhead_holder(uint64_t mark)
{
    return mark & (BULKHEAD_NEXT - 1);
}

static inline bool bulkhead_same_holder(uint64_t mark, uint64_t other)
{
    return !((mark ^ other) << (64 - BULKHEAD_HOLDER_BITS));
}

/* The permit if it is free and nobody waits, which is the usual case. */
static inline bool bulkhead_take(struct bulkhead_page *p, _Atomic uint64_t *permit, uint64_t mark)
{
    uint64_t none = 0;
    precondition(permit >= p->permit && permit < p->permit + BULKHEAD_PERMITS && mark);
    return !atomic_load_explicit(&p->waiting, memory_order_relaxed) &&
           atomic_compare_exchange_strong(permit, &none, mark);
}

/* A permit for the caller, 0..limit - 1, and it waits no more; or BULKHEAD_WAIT. */
int bulkhead_try(const struct bulkhead *b, struct bulkhead_turn *t,
                 const struct bulkhead_caller *caller, int64_t now_ns);
/* The caller waits no more. */
void bulkhead_leave(const struct bulkhead *b, struct bulkhead_turn *t, int64_t now_ns);
/* What the caller may wait for until its turn has come (bell.h): the word while it has this value. */
_Atomic uint32_t *bulkhead_bell(struct bulkhead_page *first, const struct bulkhead_turn *t,
                                uint32_t *value);

/* False: the permit is not the caller's any more. */
static inline bool bulkhead_give_back(_Atomic uint64_t *permit, uint64_t mark)
{
    return atomic_compare_exchange_strong(permit, &mark, 0);
}
/* After that, if first->waiting: wakes the waiter whose turn it is. */
void bulkhead_wake(struct bulkhead_page *first, int64_t now_ns);

/* Frees what dead holders have, if nobody has looked for BULKHEAD_CHECK_NS. True: something was freed. Needs
 * some stack (holder.h), if it is due. */
bool bulkhead_is_check_due(const struct bulkhead_page *first, int64_t now_ns);
bool bulkhead_check(const struct bulkhead *b, const struct board *board, int64_t now_ns);

/* Permits that are not free. */
int bulkhead_in_flight(const struct bulkhead_page *p);
/* For display: those of holders that are alive. */
struct holder_check;
int bulkhead_in_flight_now(const struct bulkhead_page *p, struct holder_check *k);
int bulkhead_waiting(const struct bulkhead_page *first, int64_t now_ns);

#endif
