/* SPDX-License-Identifier: MIT
 *
 * The history of a board, for `harden report`: two rings of samples and one of changes, after the slots.
 *
 * A sample contains sums over all hosts as of one moment, so that the difference of two is what
 * happened between them. The counts of a host that was reset or lost its slot stay in the sums. The
 * writer of the snapshot adds a sample (publish/sample.h) at most every HISTORY_STEP_NS to the fine
 * ring (an hour) and every HISTORY_LONG_NS to the coarse one (two days). A change is one of a host's
 * circuit, status or SLO; the process that causes it adds it.
 *
 *     if (history_is_due(h, fine, now_ns))
 *         history_add(h, fine, sum, now_ns);
 *     history_change(h, key, CHANGE_BREAKER, BREAKER_OPEN, now_ns);
 *     n = history_samples(h, fine, out);                        oldest first
 *
 * Invariant: an entry is valid iff its time is positive and the same before and after its words are
 * read. A writer takes the next place by an atomic add, sets the time to 0, writes the words, and writes
 * the time last; so readers skip an entry that is being written or whose writer was killed.
 *
 * Times are CLOCK_MONOTONIC, as everywhere on the board. Any thread, any process; never blocks or
 * fails. */
#ifndef ENGINE_BOARD_HISTORY_H
#define ENGINE_BOARD_HISTORY_H

#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_FINE    360
#define HISTORY_COARSE  576
#define HISTORY_CHANGES 1024
#define HISTORY_STEP_NS (10 * NS_PER_S)
#define HISTORY_LONG_NS (300 * NS_PER_S)

enum history_sum {
    SUM_REQUESTS,
    SUM_ATTEMPTS,
    SUM_RETRIES,
    SUM_SUCCESSES,
    SUM_FAILURES,
    SUM_REJECTED,
    SUM_WAITED_MS,
    SUM_UNHEALTHY, /* hosts at that moment; not a sum over time, nor is the next one */
    SUM_OPEN,      /* circuits */
    HISTORY_SUMS,
    HISTORY_COUNTED = SUM_UNHEALTHY, /* those before it only grow */
};

struct history_sample {
    int64_t at_ns;
    uint64_t sum[HISTORY_SUMS];
};

enum history_kind { CHANGE_BREAKER, CHANGE_STATUS, CHANGE_SLO };

struct history_change {
    int64_t at_ns;
    uint64_t key; /* of the host's slot */
    enum history_kind kind;
    int state; /* enum breaker_state, enum health_status, or 1: the SLO burns, 0: no longer */
};

/* The layout on the board. */
struct history_place {
    _Atomic int64_t at_ns; /* 0: being written */
    _Atomic uint64_t word[HISTORY_SUMS];
};
struct history_note {
    _Atomic int64_t at_ns;
    _Atomic uint64_t key;
    _Atomic uint64_t what; /* kind << 8 | state */
};
struct history {
    _Atomic uint64_t fine_next, coarse_next, change_next;
    _Atomic uint64_t kept[HISTORY_COUNTED]; /* counted by hosts that were reset or replaced */
    struct history_place fine[HISTORY_FINE];
    struct history_place coarse[HISTORY_COARSE];
    struct history_note change[HISTORY_CHANGES];
};

/* Adds the sums of a host to `kept`, before its slot is cleared. */
void history_keep(struct history *h, const uint64_t sum[HISTORY_COUNTED]);
/* Whether the last sample of the ring is old enough for another one. */
bool history_is_due(const struct history *h, bool fine, int64_t now_ns);
void history_add(struct history *h, bool fine, const uint64_t sum[HISTORY_SUMS], int64_t at_ns);
void history_change(struct history *h, uint64_t key, enum history_kind kind, int state,
                    int64_t at_ns);
/* Copy the valid entries, oldest first; `out` has room for as many entries as the ring. Return how many. */
size_t history_samples(const struct history *h, bool fine, struct history_sample *out);
size_t history_changes(const struct history *h, struct history_change *out);
void history_clear(struct history *h);

#endif
