/* SPDX-License-Identifier: MIT
 *
 * A latency histogram of fixed bounds: ten buckets a decade (1 1.25 1.5 2 2.5 3 4 5 6 7.5 x 10^k)
 * from 0.1 ms to 1,000 s, one below and one above. The bounds contain every bucket bound of the
 * Prometheus histogram that is published, so that those counts are exact, not interpolated; a
 * percentile is right to within its bucket (at most 33 %). Adding is one relaxed add.
 *
 *     buckets[latency_bucket(duration_ns)] += 1
 *     latency_quantile_ns(counts, 0.95)
 */
#ifndef ENGINE_LATENCY_H
#define ENGINE_LATENCY_H

#include <stdint.h>

#define LATENCY_BUCKETS 72

/* 0..LATENCY_BUCKETS-1; bucket i holds durations in (bound[i-1], bound[i]]. */
int latency_bucket(int64_t duration_ns);
/* Upper bound of bucket i; INT64_MAX for the last. */
int64_t latency_bound_ns(int i);
/* 0 < q <= 1, linear within the bucket; 0 when nothing was counted. */
int64_t latency_quantile_ns(const uint64_t counts[LATENCY_BUCKETS], double q);
/* How many were <= bound_ns; exact when bound_ns is a bucket bound. */
uint64_t latency_count_le(const uint64_t counts[LATENCY_BUCKETS], int64_t bound_ns);

#endif
