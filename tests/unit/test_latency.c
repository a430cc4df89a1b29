/* SPDX-License-Identifier: MIT */
#include "engine/board/latency.h"

#include "base/clock.h"
#include "base/compiler.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>

/* Adds until a low word has overflowed. */
#define ROUND (1 << LATENCY_LOW_BITS)

static int slow_bucket(int64_t d)
{
    int i = 0;
    while (i < LATENCY_BUCKETS - 1 && d > latency_max_ns(i))
        i++;
    return i;
}

Test(latency, every_duration_is_within_the_limits_of_its_bucket)
{
    for (int i = 0; i < LATENCY_BUCKETS - 1; i++) {
        int64_t b = latency_max_ns(i);
        cr_assert(eq(int, latency_bucket(b), i));
        cr_assert(eq(int, latency_bucket(b + 1), i + 1));
    }
    for (int64_t d = 1; d < INT64_MAX / 32; d = d * 9 / 8 + 1)
        cr_assert(eq(int, latency_bucket(d), slow_bucket(d)));
    for (int bit = 0; bit < 63; bit++)
        for (int64_t d = (1LL << bit) - 1; d <= (1LL << bit) + 1; d++)
            cr_assert(eq(int, latency_bucket(d), slow_bucket(d)));
    cr_assert(eq(int, latency_bucket(0), 0));
    cr_assert(eq(int, latency_bucket(-1), 0));
    cr_assert(eq(int, latency_bucket(INT64_MAX), LATENCY_BUCKETS - 1));
}

Test(latency, limits_go_from_a_tenth_of_a_millisecond_to_a_thousand_seconds)
{
    cr_assert(eq(i64, latency_max_ns(0), 100 * NS_PER_US));
    cr_assert(eq(i64, latency_max_ns(LATENCY_BUCKETS - 2), 1000 * NS_PER_S));
    cr_assert(eq(i64, latency_max_ns(LATENCY_BUCKETS - 1), INT64_MAX));
    for (int i = 1; i < LATENCY_BUCKETS; i++)
        cr_assert(lt(i64, latency_max_ns(i - 1), latency_max_ns(i)));
}

Test(latency, published_bucket_limits_are_exact)
{
    static const double published[] = {.005, .01, .025, .05, .075, .1,  .25,
                                       .5,   .75, 1,    2.5, 5,    7.5, 10};
    for (size_t i = 0; i < array_size(published); i++) {
        int64_t bound = (int64_t)(published[i] * 1e9 + 0.5);
        cr_assert(eq(i64, latency_max_ns(latency_bucket(bound)), bound));
        cr_assert(eq(int, latency_bucket(bound + 1), latency_bucket(bound) + 1));
    }
}

static uint64_t total_of(const uint64_t counts[LATENCY_BUCKETS])
{
    uint64_t n = 0;
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        n += counts[i];
    return n;
}

Test(latency, a_quantile_is_within_the_right_bucket)
{
    uint64_t counts[LATENCY_BUCKETS] = {0};
    cr_assert(eq(i64, latency_quantile_ns(counts, total_of(counts), 0.5), 0));
    for (int ms = 1; ms <= 1000; ms++)
        counts[latency_bucket(ms * NS_PER_MS)]++;
    for (int percent = 1; percent <= 100; percent++) {
        double truth = percent * 10 * 1e6;
        double got = (double)latency_quantile_ns(counts, total_of(counts), percent / 100.0);
        cr_assert(lt(dbl, got, truth * 1.34), "p%d", percent);
        cr_assert(lt(dbl, truth / 1.34, got), "p%d", percent);
    }
}

Test(latency, a_duration_above_the_last_limit_is_shown_as_that_limit)
{
    uint64_t counts[LATENCY_BUCKETS] = {0};
    counts[LATENCY_BUCKETS - 1] = 3;
    cr_assert(eq(i64, latency_quantile_ns(counts, total_of(counts), 0.5), 1000 * NS_PER_S));
}

/* A bucket as on the board. */
struct bucket {
    _Atomic uint32_t high;
    _Atomic uint16_t low[LATENCY_STRIPES];
};

static uint64_t total(const struct bucket *b)
{
    return latency_total(&b->high, &b->low[0], &b->low[1]);
}

/* carry = false simulates that the process was killed before the carry. */
static void add(struct bucket *b, int stripe, bool carry)
{
    uint16_t was = b->low[stripe]++;
    if (carry && latency_carry_due(was))
        latency_carry(&b->high, &b->low[0], &b->low[1]);
}

Test(latency, counts_far_beyond_its_low_words)
{
    struct bucket b = {0};
    for (uint64_t n = 1; n <= 500000; n++) {
        add(&b, n % 3 == 0, true);
        cr_assert(eq(u64, total(&b), n));
    }
}

Test(latency, is_right_while_a_carry_is_missing_and_the_next_add_completes_it)
{
    for (int stripe = 0; stripe < LATENCY_STRIPES; stripe++) {
        struct bucket b = {0};
        uint64_t n = 0;
        for (int round = 0; round < 5; round++) {
            uint32_t high = b.high;
            for (int i = 0; i < ROUND; i++) { /* a whole cycle without a carry */
                add(&b, stripe, false);
                add(&b, !stripe, true);
                n += 2;
                cr_assert(eq(u64, total(&b), n));
                if (i % LATENCY_CARRY_EVERY == LATENCY_CARRY_EVERY - 1 && i < ROUND - 1)
                    latency_carry(&b.high, &b.low[0], &b.low[1]);
            }
            cr_assert(ne(u32, b.high, high));
        }
    }
}

Test(latency, is_right_at_once_when_both_adders_were_killed_before_their_carry)
{
    struct bucket b = {0};
    for (uint64_t n = 1; n <= ROUND + 3; n++) {
        add(&b, 0, false);
        cr_assert(eq(u64, total(&b), n));
    }
    for (uint64_t n = 1; n <= ROUND + 5; n++) {
        add(&b, 1, false);
        cr_assert(eq(u64, total(&b), ROUND + 3 + n));
    }
    cr_assert(eq(u32, b.high, 0));
    latency_carry(&b.high, &b.low[0], &b.low[1]);
    cr_assert(eq(u64, total(&b), 2 * ROUND + 8));
    cr_assert(ne(u32, b.high, 0));
}

Test(latency, wraps_at_the_end_of_its_high_word)
{
    struct bucket b = {0};
    b.high = (1u << 30) - 1;
    cr_assert(eq(u64, total(&b), ((1ull << 30) - 1) << LATENCY_LOW_BITS));
    for (int i = 0; i < ROUND; i++)
        add(&b, 1, true);
    cr_assert(eq(u64, total(&b), 0)); /* 2^45 in a release: some decades */
    for (int i = 0; i < 40000; i++)
        add(&b, 0, true);
    cr_assert(eq(u64, total(&b), 40000));
}

#define ADDERS 4
#define ADDS   200000
static struct bucket contended;
static atomic_int adding;

static void *add_many(void *arg)
{
    _Atomic uint16_t *low = &contended.low[(intptr_t)arg % LATENCY_STRIPES];
    for (int i = 0; i < ADDS; i++)
        if (latency_carry_due(atomic_fetch_add_explicit(low, 1, memory_order_relaxed)))
            latency_carry(&contended.high, &contended.low[0], &contended.low[1]);
    adding--;
    return NULL;
}

Test(latency, loses_nothing_and_never_decreases_under_concurrent_additions)
{
    pthread_t t[ADDERS];
    adding = ADDERS;
    for (intptr_t i = 0; i < ADDERS; i++)
        pthread_create(&t[i], NULL, add_many, (void *)i);
    for (uint64_t last = 0; adding;) {
        uint64_t now = total(&contended);
        cr_assert(ge(u64, now, last));
        cr_assert(le(u64, now, ADDERS * ADDS));
        last = now;
    }
    for (int i = 0; i < ADDERS; i++)
        pthread_join(t[i], NULL);
    cr_assert(eq(u64, total(&contended), ADDERS * ADDS));
}
