/* SPDX-License-Identifier: MIT
 *
 * Circuit breaker (Nygard, "Release It!"), one per host, in two words of the board. It is told one
 * result of each request, not of each attempt.
 *
 *   closed ──(N failures in a row, or >= ratio of >= 10 within 30 s)──► open for 30 s x trips
 *   open ──(time is up)──► half-open: one probe at a time ──(2 successes)──► closed
 *                                └──(a probe fails)──► open, longer (<= max), jittered
 *
 * A host that answers, and of which anything went well lately (breaker_after, 10 s), is not down,
 * however much of it fails; nor is one that has a longer row of failures now and then: nothing opens
 * it then. And an open circuit refuses only the operations (scheme, port, path) that have failed since
 * it opened. What was not tried yet passes, and closes it by going well: one bad URL keeps nobody from
 * the good ones. Of operations it knows a number below 64, so of a host that is down no more than 64
 * are tried each time it opens.
 *
 * A probe is a request like any other, with its retries; and a lease with an end, so a prober that is
 * killed does not keep the circuit half-open. The end also tells the leases apart: whoever comes back
 * after another one was given has no say.
 * Every change is one compare-and-swap on the state word. Times are arguments. */
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
    /* Closed: start, results before it, failed of the current 30 s. Else: the operations that have
     * failed, a bit each. */
    _Atomic uint64_t window;
};

#define BREAKER_WINDOW_S    30
#define BREAKER_START_SHIFT 40
#define BREAKER_START_MASK  0xffffffu

#define BREAKER_OPERATIONS 64
/* As the operation of a failure: all have failed. */
#define BREAKER_EVERYTHING BREAKER_OPERATIONS
/* In place of a lease: admitted although the circuit is not closed, as nothing is known of the
 * operation. */
#define BREAKER_UNTRIED (-1)

struct breaker_answer {
    bool admit;
    int64_t lease_ns;    /* admitted as the one probe, until then: its report decides; or
                            BREAKER_UNTRIED, whose report does too; 0: neither */
    bool changed;        /* the circuit went from open to half-open */
    int64_t retry_at_ns; /* when refused: earliest moment that is worth a try */
};

struct breaker_result {
    bool success;
    bool recent_success;                  /* something of the host went well within breaker_after */
    bool unreachable;             /* no connection came about: a closed circuit does not ask that */
    uint64_t successes, failures; /* requests of the host that ended so, ever, without this one; a
                                     longer row is needed where many failed; 0: do not ask */
    unsigned operation;           /* < BREAKER_OPERATIONS, or BREAKER_EVERYTHING */
    int64_t lease_ns;             /* as it was admitted */
    uint64_t results; /* how many this breaker was told of, with this one; the caller counts them,
                           from any start and on any number of lines; 0 when they are not wanted */
};

/* lease_ns: of the attempt before, when it is a retry. */
struct breaker_answer breaker_admit(struct breaker *b, const struct policy *p, unsigned operation,
                                    int64_t lease_ns, int64_t now_ns);
/* How many failures in a row a host is good for by chance alone, once in a million times, of which so
 * many requests went well and so many failed before; 0 when it has only been well or only failed so
 * far, for then nothing is known of chance. */
unsigned breaker_min_row(uint64_t successes, uint64_t failures);
/* Returns true when the state changed. */
bool breaker_report(struct breaker *b, const struct policy *p, const struct breaker_result *r,
                    int64_t now_ns, uint64_t random);
/* Whether breaker_report will look at results: at a failure, and every BREAKER_WINDOW_S. */
bool breaker_wants_results(const struct breaker *b, bool success, int64_t now_ns);
/* A probe that ended without a verdict (cancelled): give the lease back. */
void breaker_cancel(struct breaker *b, int64_t lease_ns);
/* As it is at now_ns; an open circuit whose time is up is half-open. */
enum breaker_state breaker_state_at(const struct breaker *b, int64_t now_ns);
/* Until when the operation is refused; 0 when it is not, or the circuit is not open. */
int64_t breaker_open_until_ns(const struct breaker *b, const struct policy *p, unsigned operation,
                              int64_t now_ns);
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
