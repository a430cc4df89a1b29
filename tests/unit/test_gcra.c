/* SPDX-License-Identifier: MIT */
#include "engine/board/gcra.h"

#include "base/compiler.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#define NOW (1000 * NS_PER_S)

static struct rate rate_of(uint32_t tokens, int64_t window_ns, uint32_t burst)
{
    return (struct rate){.tokens = tokens,
                         .burst = burst,
                         .window_ns = window_ns,
                         .interval_ns = (window_ns + tokens - 1) / tokens};
}

static int64_t take(_Atomic int64_t *tat, int64_t t, const struct rate *r, uint32_t cost)
{
    int64_t before, after;
    return gcra_take(tat, t, t, r, cost, &before, &after);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return *state >> 33;
}

/* Checks the guarantee for all pairs of starts: in any window W, at most burst + W/T starts. */
static void check_windows(const int64_t *start, int n, const struct rate *r)
{
    for (int i = 0; i < n; i++)
        for (int j = i; j < n; j++) {
            int64_t window = start[j] - start[i];
            cr_assert(le(i64, j - i + 1, r->burst + window / r->interval_ns), "starts %d..%d", i,
                      j);
        }
}

Test(gcra, starts_full_and_refills_one_token_per_interval)
{
    struct rate r = rate_of(60, 60 * NS_PER_S, 2);
    _Atomic int64_t tat = 0;
    cr_assert(eq(i64, take(&tat, NOW, &r, 1), NOW));
    cr_assert(eq(i64, take(&tat, NOW, &r, 1), NOW));
    cr_assert(eq(i64, take(&tat, NOW, &r, 1), NOW + NS_PER_S));
    cr_assert(eq(i64, take(&tat, NOW + NS_PER_S - 1, &r, 1), NOW + NS_PER_S));
    cr_assert(eq(i64, take(&tat, NOW + NS_PER_S, &r, 1), NOW + NS_PER_S));
    cr_assert(eq(i64, take(&tat, NOW + NS_PER_S, &r, 1), NOW + 2 * NS_PER_S));
}

Test(gcra, never_admits_more_than_burst_plus_rate_times_window)
{
    uint64_t seed = 1;
    for (int run = 0; run < 200; run++) {
        struct rate r = rate_of(1 + (uint32_t)(next_random(&seed) % 50), NS_PER_S,
                                1 + (uint32_t)(next_random(&seed) % 20));
        _Atomic int64_t tat = 0;
        int64_t start[300], now = NOW;
        int n = 0;
        for (int i = 0; i < 300; i++) {
            now += (int64_t)(next_random(&seed) % (uint64_t)(2 * r.interval_ns));
            if (next_random(&seed) % 20 == 0)
                now += 5 * NS_PER_S;
            if (take(&tat, now, &r, 1) == now)
                start[n++] = now;
        }
        check_windows(start, n, &r);
    }
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

Test(gcra, reservations_and_undoing_them_keep_the_limit)
{
    uint64_t seed = 2;
    for (int run = 0; run < 200; run++) {
        struct rate r = rate_of(1 + (uint32_t)(next_random(&seed) % 50), NS_PER_S,
                                1 + (uint32_t)(next_random(&seed) % 20));
        _Atomic int64_t tat = 0;
        int64_t start[300], now = NOW;
        int n = 0;
        for (int i = 0; i < 300; i++) {
            now += (int64_t)(next_random(&seed) % (uint64_t)r.interval_ns);
            /* Some start later than this bucket allows, because of another bucket. */
            int64_t t =
                now + (next_random(&seed) % 4 ? 0 : (int64_t)(next_random(&seed) % NS_PER_S));
            int64_t before = 0, after = 0;
            t = gcra_earliest(gcra_clamp(tat, now), t, &r, 1);
            cr_assert(eq(i64, gcra_take(&tat, now, t, &r, 1, &before, &after), t));
            if (next_random(&seed) % 5 == 0)
                gcra_undo(&tat, before, after);
            else
                start[n++] = t;
        }
        qsort(start, (size_t)n, sizeof *start, by_time);
        check_windows(start, n, &r);
    }
}

Test(gcra, the_latest_start_of_several_rates_satisfies_all)
{
    uint64_t seed = 3;
    for (int i = 0; i < 10000; i++) {
        struct rate r = rate_of(1 + (uint32_t)(next_random(&seed) % 9), NS_PER_S,
                                1 + (uint32_t)(next_random(&seed) % 9));
        uint32_t cost = 1 + (uint32_t)(next_random(&seed) % 12);
        int64_t tat = NOW + (int64_t)next_random(&seed) % (20 * NS_PER_S) - 10 * NS_PER_S;
        int64_t e = gcra_earliest(tat, NOW, &r, cost);
        int64_t later = e + (int64_t)(next_random(&seed) % NS_PER_S);
        cr_assert(ge(i64, e, NOW));
        cr_assert(eq(i64, gcra_earliest(tat, later, &r, cost), later));
        if (e > NOW)
            cr_assert(eq(i64, gcra_earliest(tat, e - 1, &r, cost), e));
    }
}

Test(gcra, a_cost_above_the_burst_is_admitted_and_paid_in_full)
{
    struct rate r = rate_of(1, 3600 * NS_PER_S, 2);
    _Atomic int64_t tat = 0;
    cr_assert(eq(i64, take(&tat, NOW, &r, 10), NOW));
    /* The debt is larger than burst and horizon together, but valid. */
    cr_assert(eq(i64, take(&tat, NOW, &r, 10), NOW + 10 * 3600 * NS_PER_S));
}

/* A debt of another configuration may be larger than this whole bucket. */
Test(gcra, a_small_bucket_does_not_reset_the_debt_of_a_large_one)
{
    struct rate day = rate_of(1, 86400 * NS_PER_S, 31), second = rate_of(10, NS_PER_S, 10);
    _Atomic int64_t tat = 0;
    for (int i = 0; i < 31; i++)
        cr_assert(eq(i64, take(&tat, NOW, &day, 1), NOW));
    int64_t debt = tat;
    cr_assert(lt(i64, NOW, take(&tat, NOW, &second, 1)));
    cr_assert(eq(i64, tat, debt));
    cr_assert(eq(dbl, gcra_available(tat, NOW, &second), 0.0));
}

/* This includes a reservation an hour after the end of the maximum debt. */
Test(gcra, a_reservation_at_the_end_of_the_maximum_debt_is_not_damage)
{
    struct rate day = rate_of(1, 86400 * NS_PER_S, 62), second = rate_of(1, NS_PER_S, 1);
    _Atomic int64_t tat = 0;
    for (int i = 0; i < 62; i++)
        cr_assert(eq(i64, take(&tat, NOW, &day, 1), NOW));
    int64_t later = NOW + GCRA_HORIZON_NS;
    tat = later + GCRA_DEBT_MAX_NS;
    cr_assert(eq(i64, gcra_clamp(tat, NOW), tat));
    cr_assert(lt(i64, later, take(&tat, NOW, &second, 1)));
    cr_assert(eq(dbl, gcra_available(tat, NOW, &day), 0.0));
}

Test(gcra, a_token_is_returned_only_if_no_other_was_taken_since)
{
    struct rate r = rate_of(1, NS_PER_S, 1);
    _Atomic int64_t tat = 0;
    int64_t before, after, b2, a2;
    cr_assert(eq(i64, gcra_take(&tat, NOW, NOW, &r, 1, &before, &after), NOW));
    gcra_undo(&tat, before, after);
    cr_assert(eq(i64, gcra_take(&tat, NOW, NOW, &r, 1, &before, &after), NOW));
    cr_assert(eq(i64, gcra_take(&tat, NOW, NOW + NS_PER_S, &r, 1, &b2, &a2), NOW + NS_PER_S));
    gcra_undo(&tat, before, after);
    cr_assert(eq(i64, tat, NOW + 2 * NS_PER_S));
}

Test(gcra, a_damaged_time_stamp_counts_as_a_full_bucket)
{
    struct rate r = rate_of(1, NS_PER_S, 1);
    static const int64_t bad[] = {
        INT64_MAX, INT64_MAX / 2, INT64_MIN, -1, 1, NOW + GCRA_HORIZON_NS + GCRA_DEBT_MAX_NS + 1};
    for (size_t i = 0; i < array_size(bad); i++) {
        _Atomic int64_t tat = bad[i];
        cr_assert(eq(i64, take(&tat, NOW, &r, 1), NOW), "%zu", i);
        cr_assert(eq(i64, tat, NOW + NS_PER_S));
    }
}

Test(gcra, the_maximum_debt_counts_in_full)
{
    /* The longest wait, an hour, for a bucket that owes 62 days. */
    const int64_t longest = (3600 + 62 * 86400LL) * NS_PER_S;
    cr_assert(eq(i64, gcra_clamp(NOW + longest, NOW), NOW + longest));
    cr_assert(eq(i64, gcra_clamp(NOW + longest + 1, NOW), 0));
}

Test(gcra, extreme_rates_do_not_overflow)
{
    struct rate r = {
        .tokens = 1, .burst = UINT32_MAX, .window_ns = INT64_MAX / 4, .interval_ns = INT64_MAX / 4};
    _Atomic int64_t tat = 0;
    for (int i = 0; i < 10; i++)
        cr_assert(ge(i64, take(&tat, NOW, &r, UINT32_MAX), NOW));
    cr_assert(le(dbl, gcra_available(INT64_MAX, NOW, &r), (double)UINT32_MAX));
}

Test(gcra, available_tokens_are_between_zero_and_burst)
{
    struct rate r = rate_of(10, NS_PER_S, 10);
    cr_assert(epsilon_eq(dbl, gcra_available(0, NOW, &r), 10.0, 1e-9));
    cr_assert(epsilon_eq(dbl, gcra_available(NOW + NS_PER_S / 4, NOW, &r), 7.5, 1e-9));
    cr_assert(epsilon_eq(dbl, gcra_available(NOW + NS_PER_S, NOW, &r), 0.0, 1e-9));
    cr_assert(epsilon_eq(dbl, gcra_available(NOW + 5 * NS_PER_S, NOW, &r), 0.0, 1e-9));
    cr_assert(epsilon_eq(dbl, gcra_available(INT64_MAX, NOW, &r), 10.0, 1e-9));
}
