/* SPDX-License-Identifier: MIT */
#include "engine/board/history.h"

#include "base/clock.h"
#include "engine/board/board.h"
#include "engine/board/status.h"
#include "engine/publish/sample.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#define NOW (100000 * NS_PER_S)
/* As many as fit: small keys all start at the same slot. */
#define SLOTS USUALLY(16, BOARD_CANDIDATES)

static struct board *board;
static struct history *h;
static struct history_sample sample[HISTORY_COARSE];
static struct history_change change[HISTORY_CHANGES];

static void set_up(void)
{
    board = board_open(NULL, SLOTS, NULL);
    h = board->history;
}

static void tear_down(void)
{
    board_close(board);
}

TestSuite(history, .init = set_up, .fini = tear_down);

static struct slot *host(uint64_t key, const char *name, enum slot_kind kind)
{
    return board_slot(board, key, name, kind, NOW);
}

Test(history, a_sample_is_the_sum_over_the_hosts)
{
    struct slot *a = host(1, "a.example", SLOT_HOST), *b = host(2, "b.example", SLOT_HOST);
    enum health_status status;
    slot_count(a, COUNT_REQUESTS, 5);
    slot_count(b, COUNT_REQUESTS, 7);
    slot_count(b, COUNT_RETRIES, 2);
    slot_count(b, COUNT_WAITED_NS, 1500 * NS_PER_MS);
    slot_count(b, COUNT_RATE_REJECTED, 1);
    slot_count(b, COUNT_BREAKER_REJECTED, 3);
    slot_attempt(a, NS_PER_MS);
    status_result(b, false, 1, 1, 0, &status);
    sample_take(h, board, NOW);
    cr_assert(eq(sz, history_samples(h, true, sample), 1));
    cr_assert(eq(i64, sample[0].at_ns, NOW));
    const uint64_t expected[HISTORY_SUMS] = {
        [SUM_REQUESTS] = 12, [SUM_ATTEMPTS] = 1,     [SUM_RETRIES] = 2,
        [SUM_REJECTED] = 4,  [SUM_WAITED_MS] = 1500, [SUM_UNHEALTHY] = 1};
    for (int i = 0; i < HISTORY_SUMS; i++)
        cr_assert(eq(u64, sample[0].sum[i], expected[i]), "sum %d", i);
}

Test(history, requests_through_a_proxy_are_counted_once)
{
    slot_count(host(1, "a.example", SLOT_HOST), COUNT_REQUESTS, 5);
    slot_count(host(2, "http://proxy:3128", SLOT_PROXY), COUNT_REQUESTS, 5);
    slot_count(host(3, "a.example", SLOT_BUCKET), COUNT_REQUESTS, 5);
    sample_take(h, board, NOW);
    history_samples(h, true, sample);
    cr_assert(eq(u64, sample[0].sum[SUM_REQUESTS], 5));
}

Test(history, samples_have_the_interval_of_their_ring)
{
    for (int64_t t = 0; t < 1000; t++)
        sample_take(h, board, NOW + t * NS_PER_S);
    size_t n = history_samples(h, true, sample);
    cr_assert(eq(sz, n, 1 + 999 / 9), "nine tenths of ten seconds");
    for (size_t i = 1; i < n; i++)
        cr_assert(eq(i64, sample[i].at_ns - sample[i - 1].at_ns, 9 * NS_PER_S));
    cr_assert(eq(sz, history_samples(h, false, sample), 4));
    cr_assert(eq(i64, sample[3].at_ns, NOW + 900 * NS_PER_S));
}

Test(history, the_oldest_entry_is_overwritten)
{
    for (int64_t t = 0; t < HISTORY_FINE + 40; t++)
        sample_take(h, board, NOW + t * HISTORY_STEP_NS);
    cr_assert(eq(sz, history_samples(h, true, sample), HISTORY_FINE));
    for (int64_t i = 0; i < HISTORY_FINE; i++)
        cr_assert(eq(i64, sample[i].at_ns, NOW + (i + 40) * HISTORY_STEP_NS));
    for (int i = 0; i < HISTORY_CHANGES + 3; i++)
        history_change(h, (uint64_t)i, CHANGE_BREAKER, BREAKER_OPEN, NOW + i);
    cr_assert(eq(sz, history_changes(h, change), HISTORY_CHANGES));
    cr_assert(eq(u64, change[0].key, 3));
    cr_assert(eq(u64, change[HISTORY_CHANGES - 1].key, HISTORY_CHANGES + 2));
}

Test(history, changes_are_returned_in_order)
{
    history_change(h, 7, CHANGE_BREAKER, BREAKER_OPEN, NOW);
    history_change(h, 9, CHANGE_STATUS, STATUS_UNHEALTHY, NOW + 1);
    history_change(h, 7, CHANGE_BREAKER, BREAKER_HALF_OPEN, NOW + 2);
    cr_assert(eq(sz, history_changes(h, change), 3));
    cr_assert(eq(u64, change[1].key, 9));
    cr_assert(eq(int, (int)change[1].kind, CHANGE_STATUS));
    cr_assert(eq(int, change[1].state, STATUS_UNHEALTHY));
    cr_assert(eq(int, change[2].state, BREAKER_HALF_OPEN));
}

Test(history, incomplete_or_impossible_entries_are_skipped)
{
    for (int i = 0; i < 3; i++) {
        sample_take(h, board, NOW + i * HISTORY_STEP_NS);
        history_change(h, 7, CHANGE_BREAKER, BREAKER_OPEN, NOW + i);
    }
    h->fine[1].at_ns = 0; /* its writer was killed */
    h->change[0].what = 99;
    h->change[1].what = 9 << 8;
    cr_assert(eq(sz, history_samples(h, true, sample), 2));
    cr_assert(eq(i64, sample[1].at_ns, NOW + 2 * HISTORY_STEP_NS));
    cr_assert(eq(sz, history_changes(h, change), 1));
}

static uint64_t requests_at(int64_t at_ns)
{
    sample_take(h, board, at_ns);
    return sample[history_samples(h, true, sample) - 1].sum[SUM_REQUESTS];
}

Test(history, counts_of_a_host_stay_in_the_sums_when_its_slot_is_reused)
{
    for (uint64_t key = 1; key <= SLOTS; key++)
        slot_count(host(key, "idle.example", SLOT_HOST), COUNT_REQUESTS, 10);
    cr_assert(eq(u64, requests_at(NOW), 10 * SLOTS));
    int64_t later = NOW + SLOT_IDLE_NS + NS_PER_S;
    slot_count(board_slot(board, SLOTS + 1, "new.example", SLOT_HOST, later), COUNT_REQUESTS, 3);
    cr_assert(board_find(board, SLOTS + 1) != NULL);
    cr_assert(eq(u64, requests_at(later), 10 * SLOTS + 3));
}

Test(history, counts_of_a_reused_proxy_or_bucket_slot_are_not_added)
{
    for (uint64_t key = 1; key <= SLOTS; key++)
        slot_count(host(key, "p", key & 1 ? SLOT_PROXY : SLOT_BUCKET), COUNT_REQUESTS, 10);
    for (uint64_t key = SLOTS + 1; key <= 2 * SLOTS; key++)
        board_slot(board, key, "new.example", SLOT_HOST, NOW + SLOT_IDLE_NS + NS_PER_S);
    cr_assert(eq(u64, requests_at(NOW + SLOT_IDLE_NS + NS_PER_S), 0));
}

Test(history, damage_does_not_stop_sampling)
{
    sample_take(h, board, NOW);
    h->fine[0].at_ns = INT64_MAX;
    h->fine_next = UINT64_MAX - 1;
    for (int i = 0; i < 5; i++)
        sample_take(h, board, NOW + i * HISTORY_STEP_NS);
    cr_assert(history_samples(h, true, sample) >= 4);
}

Test(history, a_cleared_history_is_empty_and_usable)
{
    sample_take(h, board, NOW);
    history_change(h, 7, CHANGE_BREAKER, BREAKER_OPEN, NOW);
    history_clear(h);
    cr_assert(eq(sz, history_samples(h, true, sample), 0));
    cr_assert(eq(sz, history_changes(h, change), 0));
    sample_take(h, board, NOW + 1);
    cr_assert(eq(sz, history_samples(h, true, sample), 1));
}
