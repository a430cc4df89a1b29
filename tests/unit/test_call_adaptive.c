/* SPDX-License-Identifier: MIT
 *
 * The adaptive rate in a call: what starts it, and what it does to starts. */
#include "call_steps.h"

#include "engine/board/pause.h"

#define S NS_PER_S

static void one_adaptive_host(void)
{
    one_host();
    policy.adaptive = true;
    policy.max_attempts = 1;
    binding.special = SPECIAL_ADAPTIVE;
}

TestSuite(call_adaptive, .init = one_adaptive_host, .fini = no_host);

static struct adaptive_view view;

static double rate(int64_t now)
{
    return adaptive_read(&binding.slot->adaptive, 0, now, &view) ? (double)view.rate_milli / 1000
                                                                 : 0;
}

/* Ten accepted requests a second for five seconds, and one that is throttled, at NOW. */
static void throttled_at_ten(void)
{
    for (int64_t now = NOW - 5 * S; now < NOW; now += S / 10)
        request(get(0, 200), now);
    request(get(0, 429), NOW);
}

Test(call_adaptive, a_throttle_without_a_hint_sets_a_rate)
{
    for (int64_t now = NOW - 5 * S; now < NOW; now += S / 10)
        request(get(0, 200), now);
    cr_assert(eq(dbl, rate(NOW), 0.0));
    request(get(0, 429), NOW);
    cr_assert(epsilon_eq(dbl, rate(NOW), 9.5, 0.2));
}

Test(call_adaptive, a_hint_wins)
{
    for (int64_t now = NOW - 5 * S; now < NOW; now += S / 10)
        request(get(0, 200), now);
    request(with_retry_after(429, 3), NOW);
    cr_assert(eq(dbl, rate(NOW), 0.0));
    cr_assert(pause_is_on(binding.slot, NOW));
}

Test(call_adaptive, a_hint_that_is_ignored_does_not_win)
{
    policy.retry_after_max_ns = 0;
    for (int64_t now = NOW - 5 * S; now < NOW; now += S / 10)
        request(get(0, 200), now);
    request(with_retry_after(429, 3), NOW);
    cr_assert(lt(dbl, 0.0, rate(NOW)));
}

Test(call_adaptive, other_failures_and_a_throttling_proxy_set_no_rate)
{
    for (int64_t now = NOW - 5 * S; now < NOW; now += S / 10)
        request(get(0, 200), now);
    request(get(0, 500), NOW);
    request(get(0, 404), NOW);
    request(get(28, 0), NOW);
    struct attempt a = get(56, 0);
    a.via_proxy = true;
    a.proxy_status = 429;
    request(a, NOW);
    cr_assert(eq(dbl, rate(NOW), 0.0));
}

Test(call_adaptive, two_requests_start_at_once_and_then_one_in_each_interval)
{
    throttled_at_ten();
    ANSWER(admit_new(NOW), ANSWER_GO);
    ANSWER(admit_new(NOW), ANSWER_GO);
    struct admission ad = admit_new(NOW);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(eq(int, ad.why, REFUSED_RATE));
    cr_assert(epsilon_eq(dbl, (double)(ad.at_ns - NOW) / S, 1 / 9.5, 0.005));
    ANSWER(admit(ad.at_ns), ANSWER_GO);
    cr_assert(eq(u64, count(COUNT_WAITED), 1));
}

/* Starts of many requests that all want to start now. */
#define MANY 200
static struct call calls[MANY];
static struct {
    int started;
    int64_t first_ns, last_ns;
} sum;

static void start_many(int n, int64_t until)
{
    int64_t at[MANY];
    bool started[MANY] = {false};
    for (int i = 0; i < n; i++) {
        call_begin(&calls[i], &binding, 0, NOW + i * (S / 1000));
        at[i] = NOW + i * (S / 1000);
    }
    for (int64_t now = NOW; now < until; now += S / 1000)
        for (int i = 0; i < n; i++) {
            if (started[i] || at[i] > now)
                continue;
            struct admission ad = call_admit(&calls[i], now);
            at[i] = ad.answer == ANSWER_WAIT ? ad.at_ns : INT64_MAX;
            started[i] = ad.answer == ANSWER_GO;
            sum.started += started[i];
            if (started[i])
                sum.last_ns = now;
            if (started[i] && !sum.first_ns)
                sum.first_ns = now;
        }
}

Test(call_adaptive, requests_that_ask_again_start_at_the_rate)
{
    throttled_at_ten();
    start_many(MANY, NOW + 10 * S);
    double expected = 2 + 9.5 * 10 + 0.02 * 10 * 10 * 10 / 2; /* and growth */
    cr_assert(epsilon_eq(dbl, (double)sum.started, expected, 4.0), "%d", sum.started);
}

Test(call_adaptive, a_cut_applies_soon_to_requests_that_wait_already)
{
    throttled_at_ten();
    int64_t until = NOW + 2 * S, cut;
    start_many(MANY, until);
    int before = sum.started;
    for (cut = until; cut < until + 3 * S; cut += 1100 * NS_PER_MS) /* three halves */
        adaptive_throttled(&binding.slot->adaptive, 0, cut + 30 * S, &view);
    cr_assert(lt(int, before, 30));
    int64_t tat = atomic_load(&binding.slot->adaptive.tat_ns);
    cr_assert(lt(i64, tat - until, S / 2), "no start is reserved further ahead");
}

Test(call_adaptive, the_request_that_has_waited_longest_starts_first)
{
    throttled_at_ten();
    policy.max_wait_ns = 30 * S;
    request(get(0, 200), NOW);
    request(get(0, 200), NOW);
    struct call old, young;
    call_begin(&old, &binding, 0, NOW);
    struct admission ad = call_admit(&old, NOW);
    ANSWER(ad, ANSWER_WAIT);
    /* Others have taken all that may be reserved for a new request. */
    int64_t now = NOW + 8 * S;
    atomic_store(&binding.slot->adaptive.tat_ns, now + S / 2);
    old.reserved_ns = 0;
    call_begin(&young, &binding, 0, now);
    struct admission of_young = call_admit(&young, now), of_old = call_admit(&old, now);
    ANSWER(of_young, ANSWER_WAIT);
    cr_assert(eq(i64, young.reserved_ns, 0), "it asks again");
    cr_assert(eq(i64, old.reserved_ns, of_old.at_ns), "it has a start");
}

Test(call_adaptive, with_on_limit_fail_a_request_above_the_rate_is_refused)
{
    policy.on_limit = ON_LIMIT_FAIL;
    throttled_at_ten();
    ANSWER(admit_new(NOW), ANSWER_GO);
    ANSWER(admit_new(NOW), ANSWER_GO);
    REFUSED(admit_new(NOW), REFUSED_RATE);
}

Test(call_adaptive, no_request_waits_longer_than_max_wait)
{
    policy.max_wait_ns = 2 * S;
    throttled_at_ten();
    start_many(MANY, NOW + 10 * S);
    cr_assert(le(i64, sum.last_ns, NOW + 2 * S + MANY * S / 1000));
    for (int i = 0; i < MANY; i++)
        cr_assert(le(i64, calls[i].waited_ns, 2 * S));
}

Test(call_adaptive, a_configured_rate_holds_as_well)
{
    throttled_at_ten();
    limit(5, S, 5);
    start_many(MANY, NOW + 4 * S);
    cr_assert(le(int, sum.started, 5 + 4 * 5));
    cr_assert(ge(int, sum.started, 4 * 5 - 1));
}

Test(call_adaptive, a_start_that_was_reserved_before_the_cut_needs_a_token_of_the_new_rate)
{
    limit(100, S, 1);
    for (int64_t now = NOW - 5 * S; now < NOW; now += S / 10)
        request(get(0, 200), now);
    for (int i = 0; i < 50; i++) {
        call_begin(&calls[i], &binding, 0, NOW);
        call_admit(&calls[i], NOW);
    }
    request(get(0, 200), NOW + S);
    cr_assert(adaptive_throttled(&binding.slot->adaptive, 0, NOW, &view));
    int started = 0;
    for (int i = 1; i < 50; i++)
        started += call_admit(&calls[i], calls[i].reserved_ns).answer == ANSWER_GO;
    cr_assert(le(int, started, 2 + 5), "of half a second: %d", started);
}

/* As a request that has its tokens, and waits for something else. */
Test(call_adaptive, a_start_that_is_kept_needs_no_second_token)
{
    throttled_at_ten();
    ANSWER(admit_new(NOW), ANSWER_GO);
    int64_t tat = atomic_load(&binding.slot->adaptive.tat_ns);
    call.reserved_ns = NOW;
    ANSWER(admit(NOW + S / 20), ANSWER_GO);
    cr_assert(eq(i64, atomic_load(&binding.slot->adaptive.tat_ns), tat));
}

Test(call_adaptive, a_request_counts_as_one_whatever_it_costs)
{
    policy.cost = 10;
    throttled_at_ten();
    ANSWER(admit_new(NOW), ANSWER_GO);
    ANSWER(admit_new(NOW), ANSWER_GO);
    struct admission ad = admit_new(NOW);
    ANSWER(ad, ANSWER_WAIT);
    cr_assert(epsilon_eq(dbl, (double)(ad.at_ns - NOW) / S, 1 / 9.5, 0.005));
}

Test(call_adaptive, on_a_full_board_nothing_is_limited)
{
    binding.slot = board_overflow(board);
    binding.key = atomic_load(&binding.slot->key);
    throttled_at_ten();
    cr_assert(eq(dbl, rate(NOW), 0.0));
    for (int i = 0; i < 10; i++)
        ANSWER(admit_new(NOW), ANSWER_GO);
}

Test(call_adaptive, after_a_pause_starts_keep_to_the_rate)
{
    throttled_at_ten();
    request(with_retry_after(503, 2), NOW);
    start_many(50, NOW + 3 * S);
    cr_assert(ge(i64, sum.first_ns, NOW + 2 * S));
    cr_assert(le(int, sum.started, 2 + 12));
    cr_assert(ge(int, sum.started, 8));
}

/* ---- mode = observe, and bindings ------------------------------------------------------------- */

static void complain(void *ctx, const char *line)
{
    (void)ctx;
    cr_assert(false, "%s", line);
}

static struct binding bound(const char *text, const char *path)
{
    const struct config *c = config_load_text("test", text, strlen(text), complain, NULL);
    struct target t = {"https", "a.example", 443, true, path, NULL, 0};
    struct binding b = {0};
    cr_assert(call_bind(&b, c, board, &t, NULL, NOW));
    return b;
}

Test(call_adaptive, observing_programs_wait_for_nothing_and_count_what_they_would_do)
{
    struct binding b = bound("[harden]\nmode = observe\n[host *]\nadaptive = on\n", "/x");
    int64_t ignored;
    for (int64_t now = NOW - 5 * S; now < NOW + 5 * S; now += S / 20) {
        struct attempt a = get(0, now < NOW ? 200 : 429);
        call_begin(&call, &b, 0, now);
        ANSWER(call_admit(&call, now), ANSWER_GO);
        call_report(&call, &a, now, WALL, 0, &ignored);
        call_end(&call, now, WALL);
    }
    cr_assert(adaptive_read(&b.slot->adaptive, 0, NOW + 5 * S, &view), "the rate it would set");
    cr_assert(lt(u64, 0, slot_counter(b.slot, COUNT_WAITED)));
    cr_assert(not(adaptive_read(&b.facts->adaptive, 0, NOW + 5 * S, &view)));
    cr_assert(eq(u64, slot_counter(b.facts, COUNT_WAITED), 0));
}

Test(call_adaptive, only_targets_with_a_path_have_an_adaptive_rate)
{
    cr_assert(ne(int, bound("[host *]\nadaptive = on\n", "/x").special &SPECIAL_ADAPTIVE, 0));
    cr_assert(eq(int, bound("[host *]\nadaptive = on\n", "").special &SPECIAL_ADAPTIVE, 0),
              "a connect() sees no answers");
}
