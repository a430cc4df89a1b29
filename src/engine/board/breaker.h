/* SPDX-License-Identifier: MIT
 *
 * Circuit breaker (Nygard, "Release It!"), one per host, in two words of the board. It gets one result
 * per request, not per attempt.
 *
 *   closed ──(N failures in a row, or >= ratio of >= 10 within 30 s)──► open for 30 s x trips
 *   open ──(time is up)──► half-open: one probe at a time ──(2 successes)──► closed
 *                                └──(a probe fails)──► open, longer (<= max), jittered
 *   open ──(an active check of the host passes)──► half-open
 *   closed, half-open ──(a check fails, with check_opens)──► open for 30 s
 *
 * No failure opens the circuit of a host that answers and had a success recently (breaker_after, 10 s),
 * nor does a row of failures that is likely by chance alone, given how often the host fails.
 *
 * A success that took longer than slow_after counts as a failure in the ratio, never in the row. Slow
 * successes are successes: breaker_after and chance do not protect from them. If one opens the circuit, it
 * is the host that is slow: all operations are refused. A slow probe is a failed one.
 *
 * An open circuit refuses only the operations (scheme, port, path) that have failed since it opened. An
 * operation that was not tried yet passes, and closes the circuit if it succeeds, so that one bad URL
 * does not block the good ones. Operations are hashed to 64 numbers, so at most 64 requests reach a
 * host that is down each time the circuit opens.
 *
 * The circuit of a place (`elsewhere`) does not stay open longer each time: a failed probe harms nobody there,
 * and all requests wait for a good one to return.
 *
 * A probe is a request like any other, with its retries. It has a lease that expires, so a process that
 * is killed does not keep the circuit half-open. The expiry also identifies the lease: the result of a
 * probe counts only if no other lease was given since.
 *
 * Every change is one compare-and-swap on the state word. Times are arguments. Any thread, any process;
 * never blocks or fails. */
#ifndef ENGINE_BOARD_BREAKER_H
#define ENGINE_BOARD_BREAKER_H

#include "base/clock.h"
#include "engine/policy/policy.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker {
    _Atomic uint64_t state; /* state, trips, successes, failures in a row, time: breaker.c */
    /* Closed: the current 30 s (start, results before it, failures). Else: one bit for each operation
     * that has failed. */
    _Atomic uint64_t window;
};

#define BREAKER_WINDOW_S    30
#define BREAKER_START_SHIFT 40
#define BREAKER_START_MASK  0xffffffu

#define BREAKER_OPERATIONS 64
/* As the operation of a failure: all operations have failed. */
#define BREAKER_EVERYTHING BREAKER_OPERATIONS
/* In place of a lease: admitted although the circuit is not closed, because this operation was not
 * tried yet. */
#define BREAKER_UNTRIED (-1)

struct breaker_answer {
    bool admit;
    /* Admitted as the one probe, until then, or BREAKER_UNTRIED: the result decides about the circuit. 0:
     * neither. */
    int64_t lease_ns;
    bool changed;        /* the circuit went from open to half-open */
    int64_t retry_at_ns; /* if refused: when another try may be admitted */
};

struct breaker_result {
    bool success;
    bool slow;           /* a success, but later than slow_after */
    bool recent_success; /* a request to the host succeeded within breaker_after */
    bool unreachable;    /* no connection was made: recent_success does not matter then */
    bool elsewhere; /* another place serves the requests meanwhile, that of a failed probe too */
    /* All earlier requests to the host that ended so. The more failed, the longer a row must be to open
     * the circuit. 0: any row may. */
    uint64_t successes, failures;
    unsigned operation; /* < BREAKER_OPERATIONS, or BREAKER_EVERYTHING */
    int64_t lease_ns;   /* from breaker_admit */
    /* How many results this breaker has got, with this one, counted by the caller from any start. 0 unless
     * breaker_wants_results. */
    uint64_t results;
};

/* lease_ns: of the previous attempt, if this one is a retry. */
struct breaker_answer breaker_admit(struct breaker *b, const struct policy *p, unsigned operation,
                                    int64_t lease_ns, int64_t now_ns);
/* How many failures in a row happen by chance less often than once in a million times, for a host with
 * this history. 0 if it only succeeded or only failed so far, because then chance is unknown. */
unsigned breaker_min_row(uint64_t successes, uint64_t failures);
/* Returns true when the state changed. */
bool breaker_report(struct breaker *b, const struct policy *p, const struct breaker_result *r,
                    int64_t now_ns, uint64_t random);
/* Whether breaker_report will use `results`: for a failure or a slow success (not good), and once every
 * BREAKER_WINDOW_S. */
bool breaker_wants_results(const struct breaker *b, bool good, int64_t now_ns);
/* An active check of the host passed: an open circuit admits a probe now. True when the state changed. */
bool breaker_half_open(struct breaker *b, int64_t now_ns);
/* An active check failed that may open the circuit, for all operations. One that is open already stays as it
 * is. True when the state changed. */
bool breaker_force_open(struct breaker *b, const struct policy *p, int64_t now_ns, uint64_t random);
/* Returns the lease of a probe that ended without a result (cancelled). */
void breaker_cancel(struct breaker *b, int64_t lease_ns);
/* An open circuit whose time is up is half-open. */
enum breaker_state breaker_state_at(const struct breaker *b, int64_t now_ns);
/* Until when an open circuit refuses the operation; 0 if it does not. */
int64_t breaker_open_until_ns(const struct breaker *b, const struct policy *p, unsigned operation,
                              int64_t now_ns);
int breaker_trips(const struct breaker *b);
const char *breaker_state_name(enum breaker_state s);

/* The usual case: closed, and no failures in a row. Then everything is admitted. */
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

/* Whether a success would change nothing, so that it need not be reported. */
static inline bool breaker_expects_success(const struct breaker *b, int64_t now_ns)
{
    return breaker_is_calm(b) &&
           !breaker_window_over(atomic_load_explicit(&b->window, memory_order_relaxed), now_ns);
}

#endif
