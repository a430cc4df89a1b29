/* SPDX-License-Identifier: MIT
 *
 * A latency histogram with fixed limits: ten buckets per decade (1 1.25 1.5 2 2.5 3 4 5 6 7.5 x 10^k)
 * from 0.1 ms to 1,000 s, one below and one above. The limits include every limit of the published
 * Prometheus histogram, so those counts are exact, not interpolated; the error of a percentile is at
 * most the width of its bucket (33 %).
 *
 *     buckets[latency_bucket(duration_ns)] += 1
 *     latency_quantile_ns(counts, total, 0.95)
 *
 * On the board a bucket is two low words of 16 bits, written by different CPUs, and a high word of
 * 32 bits that they share. Counting is one add to a low word. The low 15 bits of a low word are the
 * count; its top bit flips each time they overflow. The high word contains the number of overflows of
 * both low words together, and the top bits as of then. So a reader sees whether a carry is missing,
 * and any process can add it if the one that should have was killed.
 *
 * Any thread, any process; never blocks or fails. */
#ifndef ENGINE_BOARD_LATENCY_H
#define ENGINE_BOARD_LATENCY_H

#include "base/sizes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define LATENCY_BUCKETS 72
#define LATENCY_STRIPES 2

/* 0..LATENCY_BUCKETS-1. Bucket i counts durations in (latency_max_ns(i - 1), latency_max_ns(i)]. */
int latency_bucket(int64_t duration_ns);
/* The longest duration in bucket i; INT64_MAX for the last. */
int64_t latency_max_ns(int i);
/* 0 < q <= 1 of the total of all counts, linear within the bucket; 0 when nothing was counted. */
int64_t latency_quantile_ns(const uint64_t counts[LATENCY_BUCKETS], uint64_t total, double q);

/* Whether the caller that has added to a low word must call latency_carry: at the overflow itself, and
 * often enough afterwards that some caller has done it long before the next overflow. */
static inline bool latency_carry_due(uint16_t low_before)
{
    return low_before % LATENCY_CARRY_EVERY == LATENCY_CARRY_EVERY - 1;
}

void latency_carry(_Atomic uint32_t *high, const _Atomic uint16_t *low0,
                   const _Atomic uint16_t *low1);
uint64_t latency_total(const _Atomic uint32_t *high, const _Atomic uint16_t *low0,
                       const _Atomic uint16_t *low1);

/* The same, but fast for empty buckets, which most are. */
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
