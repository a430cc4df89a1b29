/* SPDX-License-Identifier: MIT
 *
 * The permits of a call: one of each limit with a concurrency. A call that needs several takes all or none, so
 * that nobody holds one while it waits for another. It has its turn at one limit at a time, but keeps its time of
 * arrival for all. */
#include "base/minmax.h"
#include "base/shield.h"
#include "engine/board/holder.h"
#include "engine/call/private.h"

#include <string.h>

/* Event loops look at common times, so that one that has many transfers is not woken for each. */
static int64_t round_up(int64_t t_ns, int64_t step_ns)
{
    return (t_ns / step_ns + 1) * step_ns;
}

/* ---- identity -------------------------------------------------------------------------------- */

struct holder_request {
    struct board *board;
    uint64_t id;
};

static void make_holder(void *request)
{
    struct holder_request *r = request;
    r->id = holder_make(r->board);
}

/* 0: no memory, or no system calls may be made. */
static uint64_t own_holder(struct board *b)
{
    const struct holder *h = atomic_load_explicit(&process_self()->holder, memory_order_acquire);
    struct holder_request r = {.board = b};
    while (h && h->board != b)
        h = h->before;
    if (h)
        return h->id;
    if (!shield_is_confined())
        shield_run(make_holder, &r);
    return r.id;
}

/* Of no other take of this process. */
static uint64_t next_mark(uint64_t holder)
{
    struct process_permits *p = &process_self()->permits;
    uint64_t mark = atomic_fetch_add_explicit(&p->mark, BULKHEAD_NEXT, memory_order_relaxed);
    return bulkhead_mark(holder, (uint32_t)(mark >> BULKHEAD_HOLDER_BITS));
}

/* ---- pages ----------------------------------------------------------------------------------- */

static struct bulkhead bulkhead_of(const struct binding *b, const struct bulkhead_binding *own,
                                   int64_t now_ns)
{
    struct bulkhead all = {.page = {bulkhead_page(own->slot)}, .limit = own->limit};
    for (unsigned i = 1; i * BULKHEAD_PERMITS < own->limit; i++) {
        struct slot *s = binding_page(b, own->key, i, now_ns);
        all.page[i] = s ? bulkhead_page(s) : NULL;
    }
    return all;
}

struct check_request {
    const struct bulkhead *all;
    const struct board *board;
    int64_t now_ns;
    bool freed;
};

static void check_holders(void *request)
{
    struct check_request *r = request;
    r->freed = bulkhead_check(r->all, r->board, r->now_ns);
}

static bool has_freed(const struct bulkhead *all, const struct board *board, int64_t now_ns)
{
    struct check_request r = {.all = all, .board = board, .now_ns = now_ns};
    if (bulkhead_is_check_due(all->page[0], now_ns) && !shield_is_confined())
        shield_run(check_holders, &r);
    return r.freed;
}

/* ---- taking ---------------------------------------------------------------------------------- */

/* Otherwise it was given to another key while this process was stopped. */
static bool has_slot(const struct bulkhead_binding *own)
{
    return atomic_load(&own->slot->key) == own->key;
}

void call_leave_turn(struct call *c, int64_t now_ns)
{
    struct bulkhead_binding *own = binding_bulkhead(c->binding, c->turn_at - 1);
    struct bulkhead first = {.page = {bulkhead_page(own->slot)}, .limit = own->limit};
    /* In the child of a fork, it is the parent that waits. */
    if (has_slot(own) && holder_is_own(bulkhead_holder(c->mark)))
        bulkhead_leave(&first, &c->turn, now_ns);
    c->turn = (struct bulkhead_turn){.word = 0};
    c->turn_at = 0;
}

/* False: there is no permit of limit i for the call. */
static __attribute__((noinline)) bool take_permit(struct call *c, int i, bool enters,
                                                  int64_t now_ns)
{
    struct bulkhead_binding *own = binding_bulkhead(c->binding, i);
    struct bulkhead all = bulkhead_of(c->binding, own, now_ns);
    struct bulkhead_turn only_looks = {.word = 0}, *turn = &only_looks;
    struct bulkhead_caller caller = {.mark = c->mark,
                                     .arrived_ns = c->waiting ? c->wait_from_ns : now_ns,
                                     .enters = enters,
                                     .loop = c->in_loop};
    if (c->turn_at == i + 1)
        turn = &c->turn;
    else if (c->turn_at)
        caller.enters = false;
    else if (enters)
        turn = memset(&c->turn, 0, sizeof c->turn);
    int at = bulkhead_try(&all, turn, &caller, now_ns);
    if (at == BULKHEAD_WAIT && has_freed(&all, c->binding->board, now_ns))
        at = bulkhead_try(&all, turn, &caller, now_ns);
    if (turn == &c->turn)
        c->turn_at = (uint8_t)(at == BULKHEAD_WAIT && enters ? i + 1 : 0);
    if (at == BULKHEAD_WAIT)
        return false;
    /* Which call_take_permit_at_once() tries first: it compares the key of the first page only. */
    if (at < BULKHEAD_PERMITS)
        own->last = &all.page[0]->permit[at];
    return true;
}

static void wake_next(const struct bulkhead_binding *own, int64_t now_ns)
{
    struct bulkhead_page *first = bulkhead_page(own->slot);
    if (atomic_load(&first->waiting) && has_slot(own))
        bulkhead_wake(first, now_ns);
}

/* The one with its mark. */
static _Atomic uint64_t *find_permit(const struct call *c, const struct bulkhead_binding *own)
{
    for (unsigned k = 0; k * BULKHEAD_PERMITS < own->limit; k++) {
        struct slot *s =
            k ? board_find(c->binding->board, bulkhead_page_key(own->key, k)) : own->slot;
        struct bulkhead_page *p = s ? bulkhead_page(s) : NULL;
        for (int at = 0; p && at < BULKHEAD_PERMITS; at++)
            if (atomic_load_explicit(&p->permit[at], memory_order_relaxed) == c->mark)
                return &p->permit[at];
    }
    return NULL;
}

static void give_back(struct call *c, int i, int64_t now_ns)
{
    const struct bulkhead_binding *own = binding_bulkhead(c->binding, i);
    _Atomic uint64_t *permit = find_permit(c, own);
    if (permit)
        bulkhead_give_back(permit, c->mark);
    wake_next(own, now_ns); /* also if it was given back already */
}

static void give_back_before(struct call *c, int end, int64_t now_ns)
{
    for (int i = 0; i < end; i++)
        if (c->binding->bulkheads >> i & 1)
            give_back(c, i, now_ns);
}

bool call_take_permits(struct call *c, bool enters, int64_t now_ns)
{
    struct binding *b = c->binding;
    uint64_t holder = own_holder(b->board);
    if (!holder)
        return true; /* without memory nothing is limited */
    binding_refresh_bulkheads(b, now_ns);
    c->mark = next_mark(holder);
    for (int i = 0; i < LIMITS_MAX; i++) {
        if (!(b->bulkheads >> i & 1) || take_permit(c, i, enters, now_ns))
            continue;
        give_back_before(c, i, now_ns);
        if (c->turn_at && c->turn_at != i + 1) { /* it waits here from now on */
            call_leave_turn(c, now_ns);
            return call_take_permits(c, enters, now_ns);
        }
        c->crowded = (uint8_t)i;
        if (!c->turn_at)
            c->mark = 0;
        return false;
    }
    return true;
}

void call_give_back_permits(struct call *c, int64_t now_ns)
{
    /* Else they are the parent's of this process. */
    bool own = holder_is_own(bulkhead_holder(c->mark));
    if (!c->mark)
        return;
    if (c->turn_at && own)
        call_leave_turn(c, now_ns);
    if (own)
        give_back_before(c, LIMITS_MAX, now_ns);
    c->turn_at = 0;
    c->mark = 0;
}

int64_t call_next_look(const struct call *c, int64_t now_ns)
{
    return !c->in_loop    ? now_ns + BULKHEAD_REST_NS
           : c->turn.soon ? round_up(now_ns, BULKHEAD_POLL_NS)
                          : round_up(now_ns, BULKHEAD_REST_NS);
}

_Atomic uint32_t *call_bell(const struct call *c, uint32_t *value)
{
    return bulkhead_bell(bulkhead_page(binding_bulkhead(c->binding, c->crowded)->slot), &c->turn,
                         value);
}

struct call_permit call_permit(const struct call *c)
{
    const struct bulkhead_binding *own = &c->binding->bulkhead;
    _Atomic uint64_t *permit = c->mark ? find_permit(c, own) : NULL;
    return (struct call_permit){own->slot, own->key, permit, permit ? c->mark : 0};
}

void call_permit_give_back(const struct call_permit *p, int64_t now_ns)
{
    struct bulkhead_binding own = {.slot = p->slot, .key = p->key};
    if (p->mark && holder_is_own(bulkhead_holder(p->mark)) &&
        bulkhead_give_back(p->permit, p->mark))
        wake_next(&own, now_ns);
}
