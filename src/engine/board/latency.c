/* SPDX-License-Identifier: MIT */
#include "engine/board/latency.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/precondition.h"

#define BOUNDED_BUCKETS (LATENCY_BUCKETS - 1)

#define US100 (100 * NS_PER_US)
#define DECADE(k)                                                                                  \
    (k), (k) / 4 * 5, (k) / 2 * 3, (k) * 2, (k) / 2 * 5, (k) * 3, (k) * 4, (k) * 5, (k) * 6,       \
        (k) / 2 * 15

static const int64_t max_ns[BOUNDED_BUCKETS] = {
    DECADE(US100),         DECADE(US100 * 10),     DECADE(US100 * 100),     DECADE(US100 * 1000),
    DECADE(US100 * 10000), DECADE(US100 * 100000), DECADE(US100 * 1000000), US100 * 10000000,
};

/* Where the search begins, by the number of significant bits of the duration: at most a few buckets
 * below the right one. 2^16 ns is the last power of two below the first limit, 2^39 below the last. */
#define FIRST_BITS 17
#define LAST_BITS  40
static const uint8_t first_bucket[LAST_BITS - FIRST_BITS + 1] = {
    0, 2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35, 38, 41, 44, 47, 50, 53, 56, 59, 62, 65, 68,
};

HOT int latency_bucket(int64_t duration_ns)
{
    if (duration_ns <= max_ns[0])
        return 0;
    int bits = 64 - __builtin_clzll((uint64_t)duration_ns);
    int i =
        bits > LAST_BITS ? first_bucket[LAST_BITS - FIRST_BITS] : first_bucket[bits - FIRST_BITS];
    while (i < BOUNDED_BUCKETS && duration_ns > max_ns[i])
        i++;
    return i;
}

int64_t latency_max_ns(int i)
{
    if (i < 0)
        return 0;
    return i < BOUNDED_BUCKETS ? max_ns[i] : INT64_MAX;
}

int64_t latency_quantile_ns(const uint64_t counts[LATENCY_BUCKETS], uint64_t total, double q)
{
    precondition(q > 0 && q <= 1);
    uint64_t seen = 0;
    if (!total)
        return 0;
    double rank = q * (double)total;
    uint64_t whole = (uint64_t)rank, needed = whole + ((double)whole < rank);
    int last = 0;
    for (int i = 0; i < BOUNDED_BUCKETS; i++) {
        uint64_t n = counts[i];
        if (n && seen + n >= needed) {
            double low = i ? (double)max_ns[i - 1] : 0;
            double part = rank > (double)seen ? (rank - (double)seen) / (double)n : 0;
            return (int64_t)(low + ((double)max_ns[i] - low) * part);
        }
        seen += n;
        last = i;
    }
    /* The last bucket has no upper limit to interpolate to. */
    return max_ns[last];
}

#define LOW_BITS   LATENCY_LOW_BITS
#define LOW_MASK   ((1u << LOW_BITS) - 1)
#define CARRY_BITS 30 /* of the high word; above them the parities */
#define CARRY_MASK ((1u << CARRY_BITS) - 1)

/* The high word with the missing carries of the low ones. */
static uint32_t carried(uint32_t high, uint16_t low0, uint16_t low1)
{
    uint32_t parity0 = low0 >> LOW_BITS & 1, parity1 = low1 >> LOW_BITS & 1;
    uint32_t missing0 = parity0 ^ (high >> CARRY_BITS & 1);
    uint32_t missing1 = parity1 ^ (high >> (CARRY_BITS + 1));
    return parity1 << (CARRY_BITS + 1) | parity0 << CARRY_BITS |
           ((high + missing0 + missing1) & CARRY_MASK);
}

void latency_carry(_Atomic uint32_t *high, const _Atomic uint16_t *low0,
                   const _Atomic uint16_t *low1)
{
    uint32_t seen = atomic_load_explicit(high, memory_order_acquire), next;
    do {
        /* Read after the high word, so never older than it. */
        next = carried(seen, atomic_load_explicit(low0, memory_order_acquire),
                       atomic_load_explicit(low1, memory_order_acquire));
        if (next == seen)
            return;
    } while (!atomic_compare_exchange_weak_explicit(high, &seen, next, memory_order_acq_rel,
                                                    memory_order_acquire));
}

uint64_t latency_total(const _Atomic uint32_t *high, const _Atomic uint16_t *low0,
                       const _Atomic uint16_t *low1)
{
    uint32_t seen = atomic_load_explicit(high, memory_order_acquire);
    for (;;) {
        uint16_t a = atomic_load_explicit(low0, memory_order_acquire);
        uint16_t b = atomic_load_explicit(low1, memory_order_acquire);
        uint32_t again = atomic_load_explicit(high, memory_order_relaxed);
        if (again == seen) /* otherwise a carry came in between, as one in 32,768 adds does */
            return ((uint64_t)(carried(seen, a, b) & CARRY_MASK) << LOW_BITS) + (a & LOW_MASK) +
                   (b & LOW_MASK);
        seen = again;
    }
}
