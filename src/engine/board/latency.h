/* SPDX-License-Identifier: MIT
 *
 * A latency histogram of fixed bounds: ten buckets a decade (1 1.25 1.5 2 2.5 3 4 5 6 7.5 x 10^k)
 * from 0.1 ms to 1,000 s, one below and one above. The bounds contain every bucket bound of the
 * Prometheus histogram that is published, so that those counts are exact, not interpolated; a
 * percentile is right to within its bucket (at most 33 %).
 *
 *     buckets[latency_bucket(duration_ns)] += 1
 *     latency_quantile_ns(counts, 0.95)
 *
 * On the board a bucket is two low words of 16 bits, written by different CPUs, and a high word of
 * 32 bits that they share. Adding is one add to a low word. Its top bit is the parity of the times
 * that the other fifteen ran over; the high word holds how often that happened to both of them
 * together, and the parities as of then. So a reader sees whether a carry is still missing, and
 * anyone can bring it in, for whom it is due and was killed.
 */
#ifndef ENGINE_BOARD_LATENCY_H
#define ENGINE_BOARD_LATENCY_H

#include "base/sizes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LATENCY_BUCKETS 72
#define LATENCY_STRIPES 2

/* 0..LATENCY_BUCKETS-1; bucket i holds durations in (bound[i-1], bound[i]]. */
int latency_bucket(int64_t duration_ns);
/* Upper bound of bucket i; INT64_MAX for the last. */
int64_t latency_bound_ns(int i);
/* 0 < q <= 1 of the total of all counts, linear within the bucket; 0 when nothing was counted. */
int64_t latency_quantile_ns(const uint64_t counts[LATENCY_BUCKETS], uint64_t total, double q);

/* Whether the one who added to a low word must look after the high one: at the carry itself, and
 * often enough afterwards that one of them has done it long before the next. */
static inline bool latency_carry_due(uint16_t low_before)
{
    return low_before % LATENCY_CARRY_EVERY == LATENCY_CARRY_EVERY - 1;
}

void latency_carry(_Atomic uint32_t *high, const _Atomic uint16_t *low0,
                   const _Atomic uint16_t *low1);
uint64_t latency_total(const _Atomic uint32_t *high, const _Atomic uint16_t *low0,
                       const _Atomic uint16_t *low1);

/* The same, for most buckets are empty: nothing ran over yet where the high word is 0. */
static inline uint64_t latency_count(const _Atomic uint32_t *high, const _Atomic uint16_t *low0,
                                     const _Atomic uint16_t *low1)
{
    if (!atomic_load_explicit(high, memory_order_acquire) &&
        !atomic_load_explicit(low0, memory_order_relaxed) &&
        !atomic_load_explicit(low1, memory_order_relaxed))
        return 0;
    return latency_total(high, low0, low1);
}

#endif
