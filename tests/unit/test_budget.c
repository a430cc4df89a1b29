/* SPDX-License-Identifier: MIT */
#include "engine/board/budget.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define NOW    (100000 * NS_PER_S)
#define SIX_S  (6 * NS_PER_S) /* 10/1m */
#define MINUTE (60 * NS_PER_S)
#define DAY    (1440 * MINUTE)

static bool take(struct budget *b, int64_t now)
{
    bool would = budget_would_allow(b, 20, SIX_S, now);
    bool taken = budget_take(b, 20, SIX_S, now);
    cr_assert(eq(int, would, taken), "budget_would_allow() agrees with budget_take()");
    return taken;
}

static int take_all(struct budget *b, int64_t now)
{
    int n = 0;
    while (take(b, now))
        n++;
    return n;
}

static double left(const struct budget *b, int64_t now)
{
    return budget_available(b, budget_fill_ms(20, SIX_S), now);
}

Test(budget, allows_twenty_retries_at_twenty_percent_and_then_none)
{
    struct budget b = {0};
    cr_assert(epsilon_eq(dbl, left(&b, NOW), BUDGET_CAPACITY, 1e-9));
    cr_assert(eq(int, take_all(&b, NOW), 20));
    cr_assert(epsilon_eq(dbl, left(&b, NOW), 0.0, 1e-9));
}

Test(budget, five_successes_pay_for_one_retry)
{
    struct budget b = {0};
    take_all(&b, NOW);
    for (int i = 0; i < 4; i++)
        budget_success(&b);
    cr_assert(not(take(&b, NOW)));
    budget_success(&b);
    cr_assert(take(&b, NOW));
    cr_assert(not(take(&b, NOW)));
}

Test(budget, ten_retries_a_minute_are_refilled_by_time)
{
    struct budget b = {0};
    take_all(&b, NOW);
    cr_assert(not(take(&b, NOW + SIX_S - NS_PER_MS)));
    cr_assert(take(&b, NOW + SIX_S));
    cr_assert(not(take(&b, NOW + SIX_S)));
    cr_assert(eq(int, take_all(&b, NOW + SIX_S + MINUTE), 10));
    cr_assert(epsilon_eq(dbl, left(&b, NOW + SIX_S + 2 * MINUTE), 50, 1e-9));
    /* An hour later it is full. */
    cr_assert(eq(int, take_all(&b, NOW + 61 * MINUTE), 20));
}

Test(budget, without_a_reserve_time_refills_nothing)
{
    struct budget b = {0};
    while (budget_take(&b, 20, 0, NOW))
        ;
    cr_assert(not(budget_take(&b, 20, 0, NOW + 1000 * MINUTE)));
    cr_assert(epsilon_eq(dbl, budget_available(&b, budget_fill_ms(20, 0), NOW + MINUTE), 0, 1e-9));
    /* A process with a reserve that shares the board loses nothing. */
    cr_assert(take(&b, NOW + 1000 * MINUTE));
}

Test(budget, the_refill_does_not_depend_on_the_frequency_of_calls)
{
    struct budget b = {0};
    take_all(&b, NOW);
    int n = 0;
    for (int64_t t = NOW; t <= NOW + 10 * MINUTE; t += NS_PER_MS)
        n += budget_take(&b, 20, SIX_S, t);
    cr_assert(eq(int, n, 100));
}

Test(budget, a_clock_that_stops_or_goes_back_returns_nothing)
{
    struct budget b = {0};
    take_all(&b, NOW);
    for (int i = 0; i < 1000; i++)
        cr_assert(not(take(&b, NOW)));
    for (int64_t t = NOW; t > NOW - 100 * NS_PER_S; t -= NS_PER_MS * 37)
        cr_assert(not(take(&b, t)));
    cr_assert(not(take(&b, 0)));
    cr_assert(not(take(&b, -1)));
}

Test(budget, a_time_stamp_of_another_boot_does_not_stop_the_refill)
{
    struct budget b = {0};
    for (int i = 0; i < 19; i++)
        cr_assert(take(&b, 1000 * NOW));
    cr_assert(epsilon_eq(dbl, left(&b, NOW), 5, 1e-9));
    cr_assert(take(&b, NOW)); /* now it has a valid time */
    cr_assert(not(take(&b, NOW + SIX_S - NS_PER_MS)));
    cr_assert(take(&b, NOW + SIX_S));
}

Test(budget, returned_tokens_can_be_taken_again_and_never_exceed_the_capacity)
{
    struct budget b = {0};
    cr_assert(budget_take(&b, 50, SIX_S, NOW));
    cr_assert(epsilon_eq(dbl, left(&b, NOW), 98.0, 1e-9));
    budget_give_back(&b, 50);
    cr_assert(eq(u64, b.word, 0));
    budget_give_back(&b, 50);
    budget_success(&b);
    cr_assert(epsilon_eq(dbl, left(&b, NOW), BUDGET_CAPACITY, 1e-9));
}

Test(budget, zero_percent_means_unlimited)
{
    struct budget b = {0};
    for (int i = 0; i < 10000; i++)
        cr_assert(budget_take(&b, 0, SIX_S, NOW));
    budget_give_back(&b, 0);
    cr_assert(eq(u64, b.word, 0));
    cr_assert(eq(u64, budget_fill_ms(0, SIX_S), 0));
}

Test(budget, the_smallest_share_still_allows_one_retry)
{
    struct budget b = {0};
    cr_assert(budget_take(&b, 1, SIX_S, NOW));
    cr_assert(not(budget_take(&b, 1, SIX_S, NOW + SIX_S - NS_PER_MS)));
    cr_assert(budget_take(&b, 1, SIX_S, NOW + SIX_S));
}

Test(budget, every_reserve_rate_fills_it_in_finite_time)
{
    cr_assert(eq(u64, budget_fill_ms(20, SIX_S), 120000));
    cr_assert(eq(u64, budget_fill_ms(100, 1), 1));
    cr_assert(lt(u64, budget_fill_ms(1, 31 * DAY), budget_fill_ms(1, INT64_MAX)));
}

/* The slowest configurable reserve, at the percentage at which it is slowest. */
Test(budget, one_retry_a_month_is_exact)
{
    struct budget b = {0};
    for (int i = 0; i < BUDGET_CAPACITY; i++)
        cr_assert(budget_take(&b, 100, 31 * DAY, NOW));
    cr_assert(not(budget_take(&b, 100, 31 * DAY, NOW + 31 * DAY - NS_PER_MS)));
    cr_assert(budget_take(&b, 100, 31 * DAY, NOW + 31 * DAY));
    cr_assert(not(budget_take(&b, 100, 31 * DAY, NOW + 62 * DAY - NS_PER_MS)));
}

Test(budget, a_damaged_word_is_an_empty_budget_that_recovers)
{
    struct budget b = {.word = UINT64_MAX};
    cr_assert(epsilon_eq(dbl, left(&b, NOW), 0.0, 1e-9));
    cr_assert(not(take(&b, NOW)));
    for (int i = 0; i < 5; i++)
        budget_success(&b);
    cr_assert(epsilon_eq(dbl, left(&b, NOW), 5.0, 1e-9));
    cr_assert(take(&b, NOW));
    cr_assert(not(take(&b, NOW)));
    cr_assert(take(&b, NOW + SIX_S));
}

Test(budget, no_word_exceeds_full_or_empty)
{
    uint64_t seed = 3;
    for (int i = 0; i < 100000; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        struct budget b = {.word = seed ^ seed << 23};
        cr_assert(left(&b, NOW) >= 0 && left(&b, NOW) <= BUDGET_CAPACITY);
        cr_assert(le(int, take_all(&b, NOW), 20));
        cr_assert(le(int, take_all(&b, NOW + MINUTE), 10));
        budget_success(&b);
        budget_give_back(&b, 20);
        cr_assert(le(int, take_all(&b, NOW + MINUTE), 2));
    }
}

/* Random histories are compared with a simple model in floating point. */
Test(budget, random_sequences_match_the_model)
{
    static const int percents[] = {1, 7, 20, 33, 50, 100};
    static const int64_t reserves[] = {0, 10 * NS_PER_MS, NS_PER_S / 3, 6 * NS_PER_S,
                                       3600 * NS_PER_S};
    uint64_t seed = 11;
    for (int history = 0; history < 300; history++) {
        int percent = percents[history % 6];
        int64_t reserve = reserves[history / 6 % 5], now = NOW;
        double cost = 100.0 / percent, tokens = BUDGET_CAPACITY;
        double fill_ms = budget_fill_ms(percent, reserve);
        struct budget b = {0};
        for (int i = 0; i < 2000; i++) {
            seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
            int64_t step = (int64_t)(seed >> 33) % (seed >> 62 ? NS_PER_S / 50 : 20 * NS_PER_S);
            step -= step % NS_PER_MS;
            now += step;
            tokens += reserve ? BUDGET_CAPACITY * (double)(step / NS_PER_MS) / fill_ms : 0;
            if (tokens > BUDGET_CAPACITY)
                tokens = BUDGET_CAPACITY;
            bool near = tokens > cost - 0.02 && tokens < cost + 0.02;
            switch (seed >> 30 & 7) {
            case 0:
                budget_success(&b);
                tokens += 1;
                break;
            case 1:
                budget_give_back(&b, percent);
                tokens += cost;
                break;
            default:
                if (near) /* within rounding errors */
                    break;
                cr_assert(eq(int, budget_take(&b, percent, reserve, now), tokens >= cost),
                          "%d %d %f", history, i, tokens);
                tokens -= tokens >= cost ? cost : 0;
            }
            if (tokens > BUDGET_CAPACITY)
                tokens = BUDGET_CAPACITY;
            double shown = budget_available(&b, budget_fill_ms(percent, reserve), now);
            cr_assert(epsilon_eq(dbl, shown, tokens, 0.05), "%d %d", history, i);
            tokens = shown; /* rounding errors must not accumulate */
        }
    }
}

Test(budget, a_dead_host_gets_at_most_twenty_retries_and_ten_a_minute)
{
    static int64_t taken[4000];
    uint64_t seed = 5;
    struct budget b = {0};
    int n = 0;
    for (int64_t now = NOW; now < NOW + 60 * MINUTE;) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        now += (int64_t)(seed >> 33) % (seed >> 61 ? NS_PER_S / 10 : 2 * MINUTE);
        if (budget_take(&b, 20, SIX_S, now))
            taken[n++] = now;
    }
    cr_assert(lt(int, 400, n));
    for (int i = 0; i < n; i++)
        for (int j = i; j < n; j++)
            cr_assert(le(i64, j - i + 1, 20 + (taken[j] - taken[i]) / SIX_S));
}
