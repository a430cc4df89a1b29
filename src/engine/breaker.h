/* SPDX-License-Identifier: MIT
 *
 * Circuit breaker (Nygard, "Release It!"), one per host, in two words of the board.
 *
 *   closed ──(N failures in a row, or >= ratio of >= 10 within 30 s)──► open for 30 s x trips
 *   open ──(time is up)──► half-open: one probe at a time ──(2 successes)──► closed
 *                                └──(a probe fails)──► open, longer (<= max), jittered
 *
 * A probe is a lease with an end, so a prober that is killed does not keep the circuit half-open. The
 * end also tells the leases apart: whoever comes back after another one was given has no say.
 * Every change is one compare-and-swap on the state word. Times are arguments. */
#ifndef ENGINE_BREAKER_H
#define ENGINE_BREAKER_H

#include "base/clock.h"
#include "engine/policy.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker {
    _Atomic uint64_t state;  /* state, trips, successes, failures in a row, time: breaker.c */
    _Atomic uint64_t window; /* start, results before it, failed of the current 30 s */
};

#define BREAKER_WINDOW_S    30
#define BREAKER_START_SHIFT 40
#define BREAKER_START_MASK  0xffffffu

struct breaker_answer {
    bool admit;
    int64_t lease_ns;    /* admitted as the one probe, until then: its report decides; 0: not */
    bool changed;        /* the circuit went from open to half-open */
    int64_t retry_at_ns; /* when refused: earliest moment that is worth a try */
};

struct breaker_answer breaker_admit(struct breaker *b, const struct policy *p, int64_t now_ns);
/* lease_ns: as the attempt was admitted. results: how many results this breaker was told of,
 * with this one; the caller counts them, from any start and on any number of lines, and may say 0
 * when they are not wanted. Returns true when the state changed. */
bool breaker_report(struct breaker *b, const struct policy *p, bool success, int64_t lease_ns,
                    uint64_t results, int64_t now_ns, uint64_t random);
/* Whether breaker_report will look at results: at a failure, and every BREAKER_WINDOW_S. */
bool breaker_wants_results(const struct breaker *b, bool success, int64_t now_ns);
/* A probe that ended without a verdict (cancelled): give the lease back. */
void breaker_cancel(struct breaker *b, int64_t lease_ns);
/* As it is at now_ns; an open circuit whose time is up is half-open. */
enum breaker_state breaker_state_at(const struct breaker *b, int64_t now_ns);
/* Until when everything is refused; 0 when it is not open. */
int64_t breaker_open_until_ns(const struct breaker *b, const struct policy *p, int64_t now_ns);
int breaker_trips(const struct breaker *b);
const char *breaker_state_name(enum breaker_state s);

/* The usual case in two loads: closed, and no failures in a row. Then everything is admitted. */
static inline bool breaker_is_calm(const struct breaker *b)
{
    return !atomic_load_explicit(&b->state, memory_order_relaxed);
}

static inline bool breaker_window_over(uint64_t window, int64_t now_ns)
{
    uint32_t now_s = (uint32_t)((uint64_t)now_ns / NS_PER_S);
    return !window || ((now_s - (uint32_t)(window >> BREAKER_START_SHIFT)) & BREAKER_START_MASK) >=
                          BREAKER_WINDOW_S;
}

/* Then a success would change nothing, and need not be reported. */
static inline bool breaker_expects_success(const struct breaker *b, int64_t now_ns)
{
    return breaker_is_calm(b) &&
           !breaker_window_over(atomic_load_explicit(&b->window, memory_order_relaxed), now_ns);
}

#endif
