/* SPDX-License-Identifier: MIT
 *
 * Good and bad requests by time, and when an error budget burns. The source is included for its cells, and for
 * what other processes do between two of its steps. */
#include <stdatomic.h>

/* Runs once, after it was decided what to note and before it is noted. */
static void (*_Atomic meanwhile)(void);

static void others(void)
{
    void (*now)(void) = atomic_exchange(&meanwhile, 0);
    if (now)
        now();
}

#undef atomic_compare_exchange_strong_explicit
#define atomic_compare_exchange_strong_explicit(word, seen, next, success, failure)                \
    (others(), __atomic_compare_exchange_n(word, seen, next, 0, success, failure))
#include "../../src/engine/board/slo.c" // NOLINT(bugprone-suspicious-include)

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NOW (100000 * SLO_HOUR_NS)
#define MIN SLO_MINUTE_NS
#define H   SLO_HOUR_NS
#define PPM 995000

static struct slo slo;

static void count(int good, int bad, int64_t now)
{
    for (int i = 0; i < good; i++)
        slo_count(&slo, false, now);
    for (int i = 0; i < bad; i++)
        slo_count(&slo, true, now);
}

static bool is_sum(enum slo_window w, int64_t now, uint64_t total, uint64_t bad)
{
    struct slo_sum n = slo_sum(&slo, w, now);
    return n.total == total && n.bad == bad;
}

/* ---- windows -------------------------------------------------------------------------------- */

Test(slo, every_window_begins_with_the_first_request)
{
    count(7, 3, NOW);
    for (int w = 0; w < SLO_WINDOWS; w++)
        cr_assert(is_sum((enum slo_window)w, NOW, 10, 3), "%s",
                  slo_window_name((enum slo_window)w));
    cr_assert(eq(u64, slo.good, 7));
    cr_assert(eq(u64, slo.bad, 3));
}

Test(slo, a_request_leaves_each_window_within_a_cell_of_its_length)
{
    static const int64_t length[] = {5 * MIN, 30 * MIN, H, 6 * H, 24 * H};
    for (int w = 0; w < SLO_WINDOWS; w++) {
        int64_t cell = w < SLO_6H ? MIN : H;
        for (int64_t at = 0; at < cell; at += cell / 4) {
            memset(&slo, 0, sizeof slo);
            count(0, 1, NOW + at);
            cr_assert(is_sum((enum slo_window)w, NOW + at + length[w], 1, 1), "%d %lld", w,
                      (long long)at);
            cr_assert(is_sum((enum slo_window)w, NOW + length[w] + cell, 0, 0));
        }
    }
}

Test(slo, no_window_reaches_before_the_start_of_the_machine)
{
    count(2, 1, 5 * NS_PER_S);
    cr_assert(is_sum(SLO_24H, 6 * NS_PER_S, 3, 1));
    cr_assert(is_sum(SLO_5MIN, 0, 3, 1));
    cr_assert(not(slo_pair_burns(&(struct slo){0}, SLO_FAST, PPM, 0)));
}

Test(slo, cells_of_an_earlier_round_do_not_count)
{
    count(5, 5, NOW);
    for (int64_t later = 62 * MIN; later < 200 * H; later += 62 * MIN)
        cr_assert(is_sum(SLO_1H, NOW + later, 0, 0));
    for (int64_t later = 26 * H; later < 2000 * H; later += 26 * H)
        cr_assert(is_sum(SLO_24H, NOW + later, 0, 0));
    count(1, 0, NOW + 62 * MIN);
    cr_assert(is_sum(SLO_1H, NOW + 62 * MIN, 1, 0));
}

Test(slo, a_caller_with_an_older_clock_reading_counts_where_it_was)
{
    count(1, 0, NOW + MIN);
    count(0, 1, NOW + MIN - 1);
    cr_assert(is_sum(SLO_5MIN, NOW + MIN, 2, 1));
    cr_assert(is_sum(SLO_5MIN, NOW + 6 * MIN, 1, 0));
}

Test(slo, a_caller_that_was_stopped_for_long_takes_nothing_from_the_present)
{
    count(4, 4, NOW + 62 * MIN);
    count(0, 1, NOW); /* read the clock an hour ago */
    cr_assert(is_sum(SLO_5MIN, NOW + 62 * MIN, 8, 4));
}

Test(slo, the_share_of_bad_ones_stays_when_a_count_overflows)
{
    uint64_t most = (1ULL << minutes.count_bits) - 1;
    struct slo_sum full = {.total = most, .bad = most / 4};
    slo.minute[(NOW / MIN) % SLO_MINUTES] = pack(round_at(NOW / MIN, &minutes), full, &minutes);
    count(1, 0, NOW);
    struct slo_sum n = slo_sum(&slo, SLO_5MIN, NOW);
    cr_assert(eq(u64, n.total, most / 2 + 1));
    cr_assert(epsilon_eq(dbl, slo_burn_rate(n, PPM), slo_burn_rate(full, PPM), 1e-4));
}

Test(slo, damaged_cells_never_have_more_bad_ones_than_requests)
{
    srand(1);
    for (int i = 0; i < 2000; i++) {
        for (uint64_t *w = (uint64_t *)&slo; w < (uint64_t *)(&slo + 1); w++)
            *w = (uint64_t)rand() << 62 ^ (uint64_t)rand() << 31 ^ (uint64_t)rand();
        int64_t at_ns = 0;
        for (int w = 0; w < SLO_WINDOWS; w++) {
            struct slo_sum n = slo_sum(&slo, (enum slo_window)w, NOW);
            cr_assert(le(u64, n.bad, n.total));
        }
        slo_count(&slo, i & 1, NOW);
        slo_unnoticed_ns(&slo, PPM, NOW);
        slo_notice(&slo, PPM, NOW, &at_ns);
        cr_assert(le(i64, at_ns, NOW));
    }
    memset(&slo, 0xff, sizeof slo);
    count(0, 1, NOW);
    cr_assert(eq(u64, slo_sum(&slo, SLO_5MIN, NOW).bad, 1), "a cell of the far future is replaced");
}

/* ---- rates and budgets ---------------------------------------------------------------------- */

Test(slo, a_burn_rate_of_one_uses_the_budget_of_the_window_up)
{
    struct slo_sum n = {.total = 1000, .bad = 5};
    cr_assert(epsilon_eq(dbl, slo_burn_rate(n, PPM), 1.0, 1e-9));
    cr_assert(epsilon_eq(dbl, slo_budget_left(n, PPM), 0.0, 1e-9));
    n.bad = 72;
    cr_assert(epsilon_eq(dbl, slo_burn_rate(n, PPM), 14.4, 1e-9));
    cr_assert(epsilon_eq(dbl, slo_budget_left(n, PPM), -13.4, 1e-9));
    n.bad = 0;
    cr_assert(epsilon_eq(dbl, slo_budget_left(n, PPM), 1.0, 0));
    n.total = 0;
    cr_assert(epsilon_eq(dbl, slo_burn_rate(n, PPM), 0.0, 0));
    cr_assert(epsilon_eq(dbl, slo_budget_left(n, PPM), 1.0, 0));
}

Test(slo, a_pair_burns_above_its_threshold_and_not_at_it)
{
    count(928, 72, NOW);
    cr_assert(not(slo_pair_burns(&slo, SLO_FAST, PPM, NOW)), "14.4 exactly");
    cr_assert(slo_pair_burns(&slo, SLO_SLOW, PPM, NOW));
    count(0, 1, NOW);
    cr_assert(slo_pair_burns(&slo, SLO_FAST, PPM, NOW));
    memset(&slo, 0, sizeof slo);
    count(970, 30, NOW);
    cr_assert(not(slo_pair_burns(&slo, SLO_SLOW, PPM, NOW)), "6 exactly");
    count(0, 1, NOW);
    cr_assert(slo_pair_burns(&slo, SLO_SLOW, PPM, NOW));
    cr_assert(epsilon_eq(dbl, slo_threshold(SLO_FAST), 14.4, 1e-9));
    cr_assert(epsilon_eq(dbl, slo_threshold(SLO_SLOW), 6.0, 1e-9));
}

Test(slo, both_windows_of_a_pair_must_burn)
{
    count(10000, 0, NOW);
    count(0, 20, NOW + 30 * MIN);
    cr_assert(not(slo_pair_burns(&slo, SLO_FAST, PPM, NOW + 30 * MIN)), "a short incident");
    memset(&slo, 0, sizeof slo);
    count(0, 100, NOW);
    cr_assert(not(slo_pair_burns(&slo, SLO_FAST, PPM, NOW + 10 * MIN)), "it is over");
}

Test(slo, nothing_burns_faster_than_the_objective_allows)
{
    count(0, 100000, NOW);
    cr_assert(epsilon_eq(dbl, slo_burn_rate(slo_sum(&slo, SLO_1H, NOW), 930000), 14.2857, 1e-3));
    cr_assert(not(slo_pair_burns(&slo, SLO_FAST, 930000, NOW)));
    cr_assert(slo_pair_burns(&slo, SLO_FAST, 931000, NOW));
    cr_assert(not(slo_pair_burns(&slo, SLO_SLOW, 833000, NOW)));
    cr_assert(slo_pair_burns(&slo, SLO_SLOW, 834000, NOW));
}

Test(slo, the_largest_counts_do_not_overflow)
{
    memset(&slo, 0, sizeof slo);
    struct slo_sum most = {.total = (1ULL << 27) - 1, .bad = (1ULL << 27) - 1};
    struct slo_sum few = {.total = (1ULL << 25) - 1, .bad = (1ULL << 25) - 1};
    for (int64_t h = 0; h < SLO_HOURS; h++)
        slo.hour[(uint64_t)(NOW / H - h) % SLO_HOURS] =
            pack(round_at(NOW / H - h, &hours), most, &hours);
    for (int64_t m = 0; m < SLO_MINUTES; m++)
        slo.minute[(uint64_t)(NOW / MIN - m) % SLO_MINUTES] =
            pack(round_at(NOW / MIN - m, &minutes), few, &minutes);
    cr_assert(eq(u64, slo_sum(&slo, SLO_24H, NOW).total, 25 * most.total));
    cr_assert(slo_pair_burns(&slo, SLO_FAST, 999990, NOW));
    cr_assert(slo_pair_burns(&slo, SLO_SLOW, PPM, NOW));
    cr_assert(not(slo_pair_burns(&slo, SLO_SLOW, 500000, NOW)));
}

/* ---- what is noticed -------------------------------------------------------------------------- */

static enum slo_news notice(int64_t now, int64_t *at_ns)
{
    return slo_notice(&slo, PPM, now, at_ns);
}

Test(slo, that_it_burns_is_noticed_once_and_that_it_is_over_once)
{
    int64_t at_ns = 0;
    count(0, 10, NOW);
    cr_assert(eq(int, notice(NOW, &at_ns), SLO_BEGINS));
    cr_assert(eq(i64, at_ns, NOW));
    cr_assert(eq(int, notice(NOW, &at_ns), SLO_NOTHING));
    cr_assert(eq(i64, slo_next_ns(&slo, NOW), NOW + MIN));
    for (int64_t m = 1; m <= 5; m++) {
        cr_assert(slo_burns(&slo, PPM, NOW + m * MIN));
        cr_assert(eq(int, notice(NOW + m * MIN, &at_ns), SLO_NOTHING));
    }
    cr_assert(not(slo_burns(&slo, PPM, NOW + 6 * MIN)));
    cr_assert(eq(int, notice(NOW + 6 * MIN + NS_PER_S, &at_ns), SLO_ENDS));
    cr_assert(eq(i64, at_ns, NOW + 6 * MIN));
    cr_assert(eq(int, notice(NOW + 7 * MIN, &at_ns), SLO_NOTHING));
    cr_assert(eq(i64, slo_next_ns(&slo, NOW + 7 * MIN), INT64_MAX));
}

static enum slo_news news_of_other;

static void another_notices(void)
{
    int64_t at_ns;
    news_of_other = notice(NOW, &at_ns);
}

Test(slo, of_two_that_see_it_burn_at_once_one_notices_it)
{
    int64_t at_ns;
    count(0, 10, NOW);
    meanwhile = another_notices;
    cr_assert(eq(int, notice(NOW, &at_ns), SLO_NOTHING));
    cr_assert(eq(int, news_of_other, SLO_BEGINS));
}

Test(slo, a_rate_close_to_the_threshold_changes_at_most_twice_a_minute)
{
    int64_t at_ns;
    int changes = 0;
    count(927, 72, NOW);
    for (int i = 0; i < 2000; i++) { /* back and forth over the threshold, in ten minutes */
        int64_t now = NOW + i * (10 * MIN / 2000);
        struct slo_sum n = slo_sum(&slo, SLO_5MIN, now);
        slo_count(&slo, slo_burn_rate(n, PPM) <= 14.4, now);
        changes += notice(now, &at_ns) != SLO_NOTHING;
    }
    cr_assert(le(int, changes, 20));
    cr_assert(ge(int, changes, 2));
}

Test(slo, an_end_that_nobody_saw_is_found_later)
{
    int64_t at_ns = 0;
    count(0, 10, NOW);
    notice(NOW, &at_ns);
    cr_assert(eq(i64, slo_unnoticed_ns(&slo, PPM, NOW + 3 * MIN), 0));
    cr_assert(eq(i64, slo_unnoticed_ns(&slo, PPM, NOW + 50 * H), NOW + 6 * MIN));
    cr_assert(eq(int, notice(NOW + 50 * H, &at_ns), SLO_ENDS));
    cr_assert(eq(i64, at_ns, NOW + 6 * MIN));
}

Test(slo, after_an_end_that_nobody_saw_it_may_burn_again)
{
    int64_t at_ns = 0, again = NOW + 20 * MIN;
    count(0, 10, NOW);
    notice(NOW, &at_ns);
    count(0, 10, again);
    cr_assert(eq(i64, slo_unnoticed_ns(&slo, PPM, again), again));
    cr_assert(eq(int, notice(again, &at_ns), SLO_ENDS));
    cr_assert(eq(i64, at_ns, NOW + 6 * MIN));
    cr_assert(eq(int, notice(again, &at_ns), SLO_BEGINS));
    cr_assert(eq(i64, at_ns, again));
}

/* The good ones of an hour ago leave the long window, the bad ones stay in the short one. */
Test(slo, it_begins_to_burn_by_time_alone)
{
    int64_t at_ns = 0, late = NOW + 58 * MIN;
    count(100, 0, NOW);
    count(0, 5, late);
    cr_assert(eq(int, notice(late, &at_ns), SLO_NOTHING));
    cr_assert(not(slo_burns(&slo, PPM, NOW + 60 * MIN)));
    cr_assert(eq(i64, slo_next_ns(&slo, late), late + MIN), "somebody should look then");
    cr_assert(slo_burns(&slo, PPM, NOW + 61 * MIN));
    cr_assert(eq(i64, slo_unnoticed_ns(&slo, PPM, NOW + 62 * MIN), NOW + 61 * MIN));
    cr_assert(eq(int, notice(NOW + 62 * MIN, &at_ns), SLO_BEGINS));
    cr_assert(eq(i64, at_ns, NOW + 61 * MIN));
}

Test(slo, good_requests_end_it_at_the_end_of_the_minute)
{
    int64_t at_ns = 0;
    count(0, 10, NOW);
    notice(NOW, &at_ns);
    count(10000, 0, NOW + NS_PER_S);
    cr_assert(not(slo_pair_burns(&slo, SLO_FAST, PPM, NOW + NS_PER_S)));
    cr_assert(slo_burns(&slo, PPM, NOW + NS_PER_S));
    cr_assert(not(slo_burns(&slo, PPM, NOW + MIN)));
    cr_assert(eq(int, notice(NOW + MIN, &at_ns), SLO_ENDS));
    cr_assert(eq(i64, at_ns, NOW + MIN));
}

Test(slo, an_impossible_moment_counts_as_none)
{
    static const int64_t damaged[] = {INT64_MAX, INT64_MIN, -MIN, NOW + 1, NOW + 24 * H};
    for (size_t i = 0; i < array_size(damaged); i++) {
        int64_t at_ns = 0;
        memset(&slo, 0, sizeof slo);
        slo.ends_ns = damaged[i];
        cr_assert(not(slo_burns(&slo, PPM, NOW)));
        cr_assert(eq(int, notice(NOW, &at_ns), SLO_NOTHING));
        count(0, 1, NOW);
        cr_assert(eq(int, notice(NOW, &at_ns), SLO_BEGINS), "%zu", i);
    }
}

/* ---- random runs against an exact model ------------------------------------------------------- */

enum { REQUESTS = 20000 };
static struct request {
    int64_t at_ns;
    bool bad;
} past[REQUESTS];
static int past_count;

/* The requests in the cells from the one with from_ns on, to now. */
static struct slo_sum model_sum(int64_t cell_ns, int64_t length_ns, int64_t now)
{
    struct slo_sum n = {0};
    int64_t from_ns = (now / cell_ns) * cell_ns - length_ns;
    for (int i = past_count; i-- > 0 && past[i].at_ns >= from_ns;) {
        n.total++;
        n.bad += past[i].bad;
    }
    return n;
}

static bool model_burns(int64_t now)
{
    return slo_burn_rate(model_sum(MIN, 5 * MIN, now), PPM) > 14.4 &&
           slo_burn_rate(model_sum(MIN, H, now), PPM) > 14.4;
}

static int64_t random_step(void)
{
    switch (rand() % 200) {
    case 0:
        return rand() % 3 * (rand() % 30) * H;
    case 1:
        return rand() % 90 * MIN;
    case 2:
    case 3:
    case 4:
    case 5:
        return rand() % 300 * NS_PER_S;
    default:
        return rand() % 9 * NS_PER_S;
    }
}

static void check_model(int64_t now, bool *noticed)
{
    static const int64_t length[] = {5 * MIN, 30 * MIN, H, 6 * H, 24 * H};
    for (int w = 0; w < SLO_WINDOWS; w++) {
        struct slo_sum want = model_sum(w < SLO_6H ? MIN : H, length[w], now);
        cr_assert(is_sum((enum slo_window)w, now, want.total, want.bad), "%d", w);
    }
    bool burns = model_burns(now), held = slo_burns(&slo, PPM, now);
    cr_assert(held || !burns);
    enum slo_news news;
    int64_t at_ns;
    while ((news = slo_notice(&slo, PPM, now, &at_ns))) {
        cr_assert(eq(int, news == SLO_BEGINS, !*noticed), "begins and ends take turns");
        cr_assert(le(i64, at_ns, now));
        *noticed = news == SLO_BEGINS;
    }
    cr_assert(eq(int, *noticed, slo_burns(&slo, PPM, now)));
    cr_assert(eq(i64, slo_unnoticed_ns(&slo, PPM, now), 0));
}

Test(slo, random_runs_agree_with_an_exact_model)
{
    for (unsigned seed = 1; seed <= 5; seed++) {
        int64_t now = NOW;
        bool noticed = false;
        srand(seed);
        memset(&slo, 0, sizeof slo);
        for (past_count = 0; past_count < REQUESTS;) {
            int failing = rand() % 3 ? 0 : rand() % 100;
            for (int run = rand() % 200; run > 0 && past_count < REQUESTS; run--) {
                now += random_step();
                struct request r = {now, rand() % 100 < failing};
                slo_count(&slo, r.bad, now);
                past[past_count++] = r;
                if (past_count % 16 == 0)
                    check_model(now, &noticed);
            }
        }
    }
}

/* ---- races ------------------------------------------------------------------------------------ */

enum { THREADS = 4, ALL = 80000 };
static _Atomic int step, begun, ended;

/* Time goes on for all of them together, and each uses what it has read a little later. */
static void *count_and_notice(void *arg)
{
    (void)arg;
    int64_t at_ns;
    for (int i; (i = step++) < ALL;) {
        int64_t now = NOW + i * (30 * MIN / ALL);
        slo_count(&slo, i % 4 == 0, now);
        enum slo_news news = slo_notice(&slo, PPM, now, &at_ns);
        begun += news == SLO_BEGINS;
        ended += news == SLO_ENDS;
    }
    return NULL;
}

Test(slo, racing_threads_lose_no_request_and_notice_each_change_once)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, count_and_notice, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    cr_assert(is_sum(SLO_1H, NOW + 30 * MIN, ALL, ALL / 4));
    cr_assert(is_sum(SLO_24H, NOW + 30 * MIN, ALL, ALL / 4));
    cr_assert(eq(u64, slo.good + slo.bad, ALL));
    cr_assert(eq(int, begun, 1), "it burns all the time");
    cr_assert(eq(int, ended, 0));
}
