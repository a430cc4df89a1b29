/* SPDX-License-Identifier: MIT
 *
 * mode = observe: a program that does not wait is ahead of one that does. 300 requests one after the other
 * at 5/s wait 0.2 s each, and not 0.2, 0.4, 0.6, ... s, because each begins after the wait of the one
 * before. So a request has a lag, the sum of the waits that led to it, and is decided at the time at which
 * it would come.
 *
 * A request begins with the lag of the earliest one that has ended in its thread and that none has followed
 * yet; if there is none, it overlaps with the one begun last, and has the same lag. So ten transfers of an
 * event loop are ten rows of requests. One that is begun and ended while no other ends joins the rows: what
 * comes next comes after all of them.
 *
 * A script that runs curl 300 times is sequential as well: a new process begins with the lag that the last
 * child of the same parent left on the board. */
#include "engine/call/private.h"

#include "base/hash.h"
#include "base/process.h"

/* A program that was idle for longer than it would be behind has caught up. */
#define IDLE_NS (10 * NS_PER_S)

#define LAG_BITS   40
#define LAG_SHIFT  20 /* units of 2^20 ns */
#define LAG_MAX_NS (((1LL << LAG_BITS) - 1) << LAG_SHIFT)

struct lag {
    const struct config *config; /* in force since then */
    int64_t first_ns,
        last_ns; /* of the `ended` requests that none has followed; the others are spread
                                    evenly between them */
    int ended;
    int64_t begun_ns;         /* lag of the request begun last */
    const struct call *alone; /* that one, if none has ended since; only compared */
    int64_t ended_at_ns;      /* the last request ended then */
};

static _Thread_local struct lag own;

static bool has_caught_up(int64_t lag_ns, int64_t ended_ns, int64_t now_ns)
{
    return now_ns - ended_ns > larger(lag_ns, IDLE_NS);
}

/* 0: not known. */
static uint64_t parent_id(void)
{
    uint64_t parent = atomic_load_explicit(&process_self()->parent, memory_order_relaxed);
    return parent ? hash_bytes(&parent, sizeof parent, 0) >> LAG_BITS : 0;
}

static struct family_lag *family_of(struct slot *s, uint64_t parent)
{
    return &s->family_lag[parent % SLOT_FAMILIES];
}

static int64_t lag_of_family(struct slot *s, int64_t now_ns)
{
    uint64_t parent = parent_id();
    const struct family_lag *f = family_of(s, parent);
    uint64_t seen = atomic_load_explicit(&f->parent_lag, memory_order_relaxed);
    int64_t ended_ns = atomic_load_explicit(&f->ended_ns, memory_order_relaxed);
    int64_t lag_ns = (int64_t)(seen & ((1ULL << LAG_BITS) - 1)) << LAG_SHIFT;
    bool ours = parent && seen >> LAG_BITS == parent;
    return ours && !has_caught_up(lag_ns, ended_ns, now_ns) ? lag_ns : 0;
}

static void leave_to_family(struct slot *s, int64_t lag_ns, int64_t now_ns)
{
    uint64_t parent = parent_id();
    struct family_lag *f = family_of(s, parent);
    uint64_t left = parent << LAG_BITS | (uint64_t)smaller(lag_ns, LAG_MAX_NS) >> LAG_SHIFT;
    if (!parent)
        return;
    atomic_store_explicit(&f->parent_lag, left, memory_order_relaxed);
    atomic_store_explicit(&f->ended_ns, now_ns, memory_order_relaxed);
}

static int64_t take_first(struct lag *l)
{
    int64_t first_ns = l->first_ns;
    l->first_ns += l->ended > 1 ? (l->last_ns - first_ns) / (l->ended - 1) : 0;
    l->ended--;
    return first_ns;
}

void call_begin_lag(struct call *c, int64_t now_ns)
{
    bool is_first = own.config != c->binding->config;
    if (is_first && !call_is_overflow(c, c->slot))
        own = (struct lag){.begun_ns = lag_of_family(c->slot, now_ns), .ended_at_ns = now_ns};
    else if (is_first || has_caught_up(larger(own.begun_ns, own.last_ns), own.ended_at_ns, now_ns))
        own = (struct lag){.ended_at_ns = now_ns};
    own.config = c->binding->config;
    c->lag_ns = own.begun_ns = own.ended ? take_first(&own) : own.begun_ns;
    own.alone = c;
}

void call_end_lag(const struct call *c, struct slot *s, int64_t now_ns)
{
    bool is_alone = own.alone == c;
    if (own.config != c->binding->config) /* another thread began the call */
        own = (struct lag){.config = c->binding->config};
    if (!own.ended) {
        own.first_ns = own.last_ns = c->lag_ns;
        own.ended = 1;
    } else {
        own.last_ns = larger(own.last_ns, c->lag_ns);
        own.first_ns = is_alone ? own.last_ns : smaller(own.first_ns, c->lag_ns);
        own.ended = is_alone ? 1 : own.ended + 1;
    }
    own.alone = NULL;
    own.ended_at_ns = now_ns;
    if (!call_is_overflow(c, s))
        leave_to_family(s, own.last_ns, now_ns);
}
