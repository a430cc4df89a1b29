/* SPDX-License-Identifier: MIT
 *
 * GCRA, the generic cell rate algorithm: a token bucket kept as one number, the theoretical arrival
 * time (TAT): the moment at which the bucket would be full again. Source: ITU-T I.371, annex A.
 *
 * With an interval T for one token and a capacity of B tokens, n tokens may be taken at time t iff
 * max(TAT, t) + n*T - B*T <= t; then TAT becomes max(TAT, t) + n*T. One compare-and-swap, so a
 * process killed at any instruction leaves nothing locked, and all processes share one bucket.
 * call/admit.c takes the tokens of a request.
 *
 * Example, 2 tokens, one more each second (T = 1 s, B = 2):
 *     TAT 0, now 10: taken, TAT 11 · now 10: taken, TAT 12 · now 10: earliest start is 11
 *
 * A reservation for a later start t is the same swap with that t, which gives first come, first
 * served between processes, and keeps "never more than B + W/T in any window W" exact: every start
 * s satisfies TAT - B*T <= s, and each reservation raises TAT by T at least.
 *
 * Processes with different configurations may share a word: each raises the TAT by its own n*T, so its
 * own limit applies to its own starts, whatever the rates of the others are.
 *
 * Nothing on the board is trusted: a TAT further ahead than any configuration allows is damage and
 * counts as a full bucket. This limit does not depend on the reader's own rate: what is far ahead
 * for a small bucket is a regular debt of a large one. Pure functions on one word; any thread, process,
 * signal handler. */
#ifndef ENGINE_BOARD_GCRA_H
#define ENGINE_BOARD_GCRA_H

#include "base/clock.h"
#include "base/precondition.h"
#include "engine/policy/policy.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The longest wait that any configuration allows (the limit of max_wait). */
#define GCRA_HORIZON_NS (3600 * NS_PER_S)

/* The most time that the tokens of a bucket or of one request may represent: twice the longest window.
 * More is rejected by the configuration, or counts as this. */
#define GCRA_DEBT_MAX_NS (62 * 86400 * NS_PER_S)

/* The time that n tokens represent. */
static inline int64_t gcra_span_ns(const struct rate *r, uint32_t n)
{
    int64_t span;
    bool over = __builtin_mul_overflow((int64_t)n, r->interval_ns, &span);
    return over || span > GCRA_DEBT_MAX_NS ? GCRA_DEBT_MAX_NS : span;
}

/* A TAT as read from the board; 0 if it is damaged. */
static inline int64_t gcra_clamp(int64_t tat_ns, int64_t now_ns)
{
    return tat_ns > now_ns + GCRA_HORIZON_NS + GCRA_DEBT_MAX_NS ? 0 : tat_ns;
}

/* The earliest start >= t_ns at which cost tokens are free. Cost above the burst counts as burst
 * for the test (it would never be admitted) and in full for what follows. Called again
 * with that start as t_ns, it returns the same start, so the latest start of several rates suits all. */
static inline int64_t gcra_earliest(int64_t tat_ns, int64_t t_ns, const struct rate *r,
                                    uint32_t cost)
{
    int64_t base = tat_ns > t_ns ? tat_ns : t_ns;
    uint32_t n = cost < r->burst ? cost : r->burst;
    int64_t start = base - gcra_span_ns(r, r->burst - n);
    return start > t_ns ? start : t_ns;
}

/* Takes cost tokens for a start at t_ns. Returns t_ns if they were taken, otherwise the earliest possible
 * start. *before and *after are the change, for gcra_undo. */
static inline int64_t gcra_take(_Atomic int64_t *tat, int64_t now_ns, int64_t t_ns,
                                const struct rate *r, uint32_t cost, int64_t *before,
                                int64_t *after)
{
    precondition(t_ns >= now_ns);
    int64_t raw = atomic_load_explicit(tat, memory_order_relaxed);
    for (;;) {
        int64_t cur = gcra_clamp(raw, now_ns);
        int64_t start = gcra_earliest(cur, t_ns, r, cost);
        if (start > t_ns)
            return start;
        int64_t next = (cur > t_ns ? cur : t_ns) + gcra_span_ns(r, cost);
        if (atomic_compare_exchange_weak_explicit(tat, &raw, next, memory_order_relaxed,
                                                  memory_order_relaxed)) {
            *before = raw;
            *after = next;
            return t_ns;
        }
    }
}

/* Returns the tokens that gcra_take took, unless others have taken since: then they are lost, because
 * those others already have their start times. */
static inline void gcra_undo(_Atomic int64_t *tat, int64_t before, int64_t after)
{
    atomic_compare_exchange_strong_explicit(tat, &after, before, memory_order_relaxed,
                                            memory_order_relaxed);
}

/* Free tokens at now_ns, for display: 0..burst. */
double gcra_available(int64_t tat_ns, int64_t now_ns, const struct rate *r);

#endif
