/* SPDX-License-Identifier: MIT
 *
 * What the parts of call.h share among themselves: call.c (begin, report, end), call_admit.c,
 * call_bind.c. Nobody else includes it. */
#ifndef ENGINE_CALL_PARTS_H
#define ENGINE_CALL_PARTS_H

#include "engine/call.h"
#include "engine/events.h"

/* What begins so close to a deadline could not end well. */
#define CALL_ROOM_NS (50 * NS_PER_MS)

/* The host's slot, or the overflow slot when it was given to another host meanwhile: a request that
 * took very long must not be counted for a stranger. */
static inline struct slot *call_slot(const struct call *c)
{
    uint64_t key = atomic_load_explicit(&c->slot->key, memory_order_relaxed);
    return likely(key == c->binding->key) ? c->slot : board_overflow(c->binding->board);
}

/* Many hosts share the overflow slot, so what one of them did must not shut out the others. */
static inline bool call_is_overflow(const struct call *c, const struct slot *s)
{
    return s == board_overflow(c->binding->board);
}

static inline bool call_breaker_used(const struct call *c, const struct slot *s)
{
    return c->policy->breaker != BREAKER_OFF && !call_is_overflow(c, s);
}

static inline bool call_breaker_enforced(const struct call *c, const struct slot *s)
{
    return !c->observe && c->policy->breaker == BREAKER_ON && !call_is_overflow(c, s);
}

/* Binds each rate of the policy's limits to its word. */
void call_bind_lanes(struct binding *b, int64_t now_ns);
/* Marks the slots as used, and binds again what was given to others. */
void call_hold(struct binding *b, int64_t now_ns);
/* A retry that was decided is made after all, or is not. */
void call_retry_made(struct call *c, struct slot *s);
void call_retry_dropped(struct call *c, struct slot *s);
/* The wait that call_admit answered is over, however it ended. */
void call_wait_over(struct call *c, struct slot *s, int64_t now_ns);
/* Says that the circuit changed, and has it seen at once. */
void call_tell_breaker(struct call *c, struct slot *s, int64_t now_ns);

#endif
