/* SPDX-License-Identifier: MIT */
#include "engine/board/adaptive.h"

#include "base/clock.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>

#define NOW (100000 * NS_PER_S)

static struct adaptive_view view;

/* Evenly, for so long; returns the time after it. */
static int64_t accept(struct adaptive *a, double per_s, double seconds, int64_t now)
{
    int64_t each = (int64_t)((double)NS_PER_S / per_s);
    int64_t until = now + (int64_t)(seconds * (double)NS_PER_S);
    for (; now <= until; now += each)
        adaptive_accepted(a, now);
    return now;
}

static double rate(const struct adaptive *a, int64_t now)
{
    return adaptive_read(a, 0, now, &view) ? (double)view.rate_milli / 1000 : 0;
}

static bool throttle(struct adaptive *a, int64_t now)
{
    return adaptive_throttled(a, 0, now, &view);
}

Test(adaptive, nothing_is_limited_until_the_host_throttles)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 50, 10, NOW);
    cr_assert(eq(dbl, rate(&a, now), 0.0));
}

Test(adaptive, the_first_cut_is_to_a_little_less_than_the_host_has_accepted)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 10, 5, NOW);
    cr_assert(throttle(&a, now));
    cr_assert(epsilon_eq(dbl, rate(&a, now), 9.5, 0.05));
    cr_assert(epsilon_eq(dbl, (double)view.goodput_milli, 10000.0, 50.0));
}

Test(adaptive, a_slow_even_flow_is_measured_exactly)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 0.5, 60, NOW);
    cr_assert(epsilon_eq(dbl, (double)adaptive_goodput_milli(&a, now - 2 * NS_PER_S), 500.0, 2.0));
}

Test(adaptive, nothing_is_cut_before_the_goodput_is_known)
{
    struct adaptive a = {0};
    cr_assert(not(throttle(&a, NOW)), "but measuring begins");
    cr_assert(not(throttle(&a, NOW + NS_PER_S / 2)));
    adaptive_accepted(&a, NOW + NS_PER_S / 2);
    adaptive_accepted(&a, NOW + NS_PER_S / 2 + 1);
    cr_assert(throttle(&a, NOW + NS_PER_S));
    cr_assert(epsilon_eq(dbl, rate(&a, NOW + NS_PER_S), 1.9, 0.01));
}

Test(adaptive, a_host_that_accepts_nothing_gets_one_request_in_ten_seconds)
{
    struct adaptive a = {0};
    throttle(&a, NOW);
    cr_assert(throttle(&a, NOW + 2 * NS_PER_S));
    cr_assert(epsilon_eq(dbl, rate(&a, NOW + 2 * NS_PER_S), 0.1, 0.001));
}

Test(adaptive, after_an_idle_time_the_goodput_before_it_counts)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 10, 5, NOW) + 120 * NS_PER_S;
    cr_assert(throttle(&a, now));
    cr_assert(epsilon_eq(dbl, rate(&a, now), 9.5, 0.1));
}

/* The host accepts 5 requests of a burst after 200 ms, and throttles the others after 5 ms. */
Test(adaptive, a_burst_after_rare_requests_is_measured_before_the_first_cut)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 1.0 / 60, 1200, NOW);
    cr_assert(not(throttle(&a, now + 5 * NS_PER_MS)));
    cr_assert(not(throttle(&a, now + 6 * NS_PER_MS)));
    for (int i = 0; i < 5; i++)
        adaptive_accepted(&a, now + 200 * NS_PER_MS);
    now += NS_PER_S + 5 * NS_PER_MS;
    cr_assert(throttle(&a, now));
    cr_assert(epsilon_eq(dbl, rate(&a, now), 4.75, 0.05));
}

Test(adaptive, a_host_that_rarely_accepts_is_not_measured_for_longer_than_a_second)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 1.0 / 20, 200, NOW);
    cr_assert(not(throttle(&a, now)));
    cr_assert(throttle(&a, now + NS_PER_S));
    cr_assert(epsilon_eq(dbl, rate(&a, now + NS_PER_S), 0.1, 0.001));
}

Test(adaptive, there_is_at_most_one_cut_a_second)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 10, 5, NOW);
    cr_assert(throttle(&a, now));
    cr_assert(not(throttle(&a, now + 1)));
    cr_assert(not(throttle(&a, now + NS_PER_S - 1)));
    cr_assert(throttle(&a, now + NS_PER_S + 17 * NS_PER_MS));
}

Test(adaptive, a_cut_follows_what_is_accepted_but_halves_the_rate_at_most)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 20, 10, NOW);
    throttle(&a, now);
    double before = rate(&a, now);
    now = accept(&a, 17, 4, now); /* nearly all of it */
    throttle(&a, now);
    cr_assert(lt(dbl, before * 0.8, rate(&a, now)));
    cr_assert(lt(dbl, rate(&a, now), before * 0.95));
    before = rate(&a, now);
    now += 10 * NS_PER_S; /* nothing */
    before = rate(&a, now);
    throttle(&a, now);
    cr_assert(epsilon_eq(dbl, rate(&a, now), before / 2, before / 100));
}

Test(adaptive, the_rate_is_never_less_than_one_request_in_ten_seconds)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 10, 5, NOW);
    for (int i = 0; i < 300; i++, now += 2 * NS_PER_S)
        throttle(&a, now);
    cr_assert(epsilon_eq(dbl, rate(&a, now), 0.1, 0.01));
}

Test(adaptive, the_rate_grows_twice_as_fast_after_each_ten_seconds)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 10, 5, NOW);
    throttle(&a, now);
    double cut = (double)view.cut_milli / 1000, g = (double)view.goodput_milli / 1000;
    const struct {
        int after_s;
        double grown; /* in g */
    } at[] = {{1, 0.02}, {10, 0.2}, {15, 0.4}, {20, 0.6}, {30, 1.4}, {60, 12.6}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        cr_assert(epsilon_eq(dbl, rate(&a, now + at[i].after_s * NS_PER_S), cut + at[i].grown * g,
                             0.02 * g),
                  "after %d s", at[i].after_s);
}

Test(adaptive, a_configured_rate_is_the_ceiling)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 10, 5, NOW);
    throttle(&a, now);
    cr_assert(adaptive_read(&a, 12000, now + 60 * NS_PER_S, &view));
    cr_assert(eq(u64, view.rate_milli, 12000));
}

Test(adaptive, it_is_off_five_minutes_after_the_last_cut_and_says_so_once)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 10, 5, NOW);
    throttle(&a, now);
    int64_t off_ns = view.off_ns;
    cr_assert(lt(i64, off_ns - now - ADAPTIVE_OFF_NS, 17 * NS_PER_MS));
    cr_assert(lt(dbl, 0.0, rate(&a, off_ns - NS_PER_MS)));
    cr_assert(eq(i64, adaptive_take_end(&a, off_ns - NS_PER_MS), 0));
    cr_assert(eq(dbl, rate(&a, off_ns), 0.0));
    cr_assert(eq(i64, adaptive_take_end(&a, off_ns + NS_PER_S), off_ns));
    cr_assert(eq(i64, adaptive_take_end(&a, off_ns + NS_PER_S), 0));
}

Test(adaptive, what_is_damaged_limits_nothing_for_long)
{
    for (int bit = 0; bit < 64; bit++) {
        struct adaptive a = {.cut = ~(1ULL << bit), .window = ~(1ULL << bit)};
        double r = rate(&a, NOW);
        cr_assert(r == 0 || r >= 0.1);
        throttle(&a, NOW);
        adaptive_accepted(&a, NOW);
        r = rate(&a, NOW);
        cr_assert(r == 0 || (r >= 0.1 && r <= 1e6), "bit %d: %f", bit, r);
    }
    struct adaptive a = {.cut = UINT64_MAX}; /* a cut in the far future */
    cr_assert(eq(dbl, rate(&a, NOW), 0.0));
    struct adaptive zero = {.cut = (uint64_t)NOW >> 24 << 32}; /* a rate of 0 */
    cr_assert(ge(dbl, rate(&zero, NOW + NS_PER_S), 0.1));
    cr_assert(lt(i64, 0, adaptive_rate(0).interval_ns));
    cr_assert(le(i64, adaptive_rate(0).interval_ns, 10 * NS_PER_S));
}

Test(adaptive, another_clock_that_is_a_little_ahead_changes_nothing)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 10, 5, NOW);
    throttle(&a, now);
    double cut = rate(&a, now);
    cr_assert(epsilon_eq(dbl, rate(&a, now - NS_PER_S / 2), cut, 1e-9));
    adaptive_accepted(&a, now - NS_PER_S / 2);
    cr_assert(epsilon_eq(dbl, (double)adaptive_goodput_milli(&a, now), 10000.0, 700.0));
}

Test(adaptive, a_thread_that_was_stopped_for_long_does_not_replace_a_later_cut)
{
    struct adaptive a = {0};
    int64_t now = accept(&a, 10, 5, NOW);
    throttle(&a, now);
    uint64_t cut = a.cut;
    struct adaptive_view v;
    cr_assert(not(adaptive_throttled(&a, 0, now - 4 * NS_PER_S, &v)));
    cr_assert(eq(u64, a.cut, cut));
}

/* ---- several threads at once ----------------------------------------------------------------- */

#define THREADS 4
#define STEPS   20000
#define STEP_NS (10 * NS_PER_MS)

static struct adaptive shared;
static _Atomic int64_t step_ns = NOW;
static _Atomic int cuts, ends;

static void *work(void *arg)
{
    struct adaptive_view v;
    for (int i = 0; i < STEPS; i++) {
        int64_t now = step_ns += STEP_NS / THREADS;
        adaptive_accepted(&shared, now);
        if (i % 10 == 0)
            cuts += adaptive_throttled(&shared, 0, now, &v);
        if (adaptive_read(&shared, 0, now, &v))
            cr_assert(v.rate_milli >= ADAPTIVE_LEAST && v.rate_milli <= ADAPTIVE_MAX_MILLI);
        ends += adaptive_take_end(&shared, now) != 0;
    }
    return arg;
}

Test(adaptive, threads_cut_once_a_second_together)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    int seconds = (int)(STEPS * STEP_NS / NS_PER_S);
    cr_assert(le(int, cuts, seconds + 1));
    cr_assert(ge(int, cuts, seconds * 9 / 10));
    cr_assert(eq(int, ends, 0));
    uint64_t g = adaptive_goodput_milli(&shared, step_ns);
    cr_assert(epsilon_eq(dbl, (double)g, 400000.0, 40000.0), "no accepted request is lost: %f",
              (double)g);
}
