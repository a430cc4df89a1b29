/* SPDX-License-Identifier: MIT
 *
 * Conditions of the engine that affect a request only in rare cases. */
#include "one_host.h"

#include "base/env.h"
#include "base/events.h"
#include "engine/board/gcra.h"
#include "engine/config/rules.h"
#include "engine/publish/sample.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(engine_edges, .init = one_host, .fini = no_host);

Test(engine_edges, a_cost_above_the_maximum_debt_counts_as_the_maximum_debt)
{
    struct rate r = {.burst = 1, .interval_ns = INT64_MAX / 4};
    cr_assert(eq(i64, gcra_span_ns(&r, UINT32_MAX), GCRA_DEBT_MAX_NS));
    cr_assert(eq(i64, gcra_span_ns(&r, 5), GCRA_DEBT_MAX_NS), "the number would be negative");
    r.interval_ns = GCRA_DEBT_MAX_NS / 2;
    cr_assert(eq(i64, gcra_span_ns(&r, 2), GCRA_DEBT_MAX_NS / 2 * 2));
    cr_assert(eq(i64, gcra_span_ns(&r, 3), GCRA_DEBT_MAX_NS));
}

Test(engine_edges, a_hint_in_the_overflow_slot_delays_no_host)
{
    struct slot *all = board_overflow(board);
    atomic_store(&all->pause_until_ns, NOW + 10 * NS_PER_S);
    binding.slot = all;
    call_begin(&call, &binding, 0, NOW);
    cr_assert(eq(int, call_admit(&call, NOW).answer, ANSWER_GO));
}

Test(engine_edges, an_open_circuit_in_the_overflow_slot_refuses_no_request)
{
    struct slot *all = board_overflow(board);
    atomic_store(&all->breaker.state, BREAKER_OPEN | (uint64_t)(NOW / NS_PER_MS + 10000) << 24);
    atomic_store(&all->breaker.window, UINT64_MAX);
    binding.slot = all;
    call_begin(&call, &binding, 0, NOW);
    cr_assert(eq(int, call_admit(&call, NOW).answer, ANSWER_GO));
}

static const char *path_of_environment(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return env_any("PATH");
}

static uint64_t key_per(const char *part)
{
    char text[200];
    struct target t = {.scheme = "", .host = "h", .default_port = true, .path = ""};
    struct header_source parts = {.header = path_of_environment};
    struct binding b;
    int n = snprintf(text, sizeof text, "[host *]\nrate = 1/1s\nper = %s:PATH\n", part);
    struct config *c = config_load_text("test", text, (size_t)n, NULL, NULL);
    cr_assert(call_bind(&b, c, board, &t, &parts, NOW));
    uint64_t key = b.bucket_key[0];
    config_discard(c);
    return key;
}

Test(engine_edges, a_header_and_a_variable_with_the_same_name_and_value_have_separate_buckets)
{
    cr_assert(ne(u64, key_per("header"), key_per("env")));
}

/* A bucket whose words are all used by other windows, on a full board. */
static struct slot *full_of_windows(void)
{
    static const uint32_t window_ms[RATES_MAX] = {1000, 5000, 3000, 4000};
    struct slot *all = board_overflow(board);
    for (int i = 0; i < RATES_MAX; i++)
        atomic_store(&all->window_ms[i], window_ms[i]);
    binding.slot = all;
    binding.bucket_key[0] = binding.key;
    return all;
}

static void add_rate(uint32_t tokens, int64_t window_ns, uint32_t burst)
{
    struct limit *l = &policy.limits[0];
    policy.limit_count = 1;
    l->rates[l->rate_count++] = (struct rate){.tokens = tokens,
                                              .burst = burst,
                                              .window_ns = window_ns,
                                              .interval_ns = window_ns / tokens};
}

Test(engine_edges, a_window_without_a_word_shares_the_word_of_the_next_longer_one)
{
    struct slot *all = full_of_windows();
    add_rate(1, 2 * NS_PER_S, 1);
    add_rate(1, 10 * NS_PER_S, 1);
    binding.refreshed_ns = 0;
    binding_refresh(&binding, NOW);
    cr_assert(eq(int, binding.lane_count, 2));
    cr_assert(binding.lane[0].tat == &all->tat_ns[2], "3 s");
    cr_assert(binding.lane[1].tat == &all->tat_ns[1], "the longest");
}

Test(engine_edges, rates_that_share_a_word_have_the_lowest_rate_and_the_smallest_burst)
{
    full_of_windows();
    add_rate(5, 10 * NS_PER_S, 7);
    add_rate(2, 20 * NS_PER_S, 2);
    add_rate(9, 30 * NS_PER_S, 3);
    binding.refreshed_ns = 0;
    binding_refresh(&binding, NOW);
    cr_assert(eq(int, binding.lane_count, 1));
    cr_assert(eq(u32, binding.lane[0].rate.burst, 2));
    cr_assert(eq(i64, binding.lane[0].rate.interval_ns, 10 * NS_PER_S));
}

Test(engine_edges, a_binding_whose_bucket_was_reused_is_not_current)
{
    struct slot *bucket = board_slot(board, 77, "b", SLOT_BUCKET, NOW);
    binding.lane_count = 1;
    binding.lane[0] =
        (struct lane){.tat = &bucket->tat_ns[0], .slot = bucket, .key = board_key(77)};
    cr_assert(binding_is_current(&binding, &config, board));
    atomic_store(&bucket->key, board_key(78));
    cr_assert(not(binding_is_current(&binding, &config, board)));
}

Test(engine_edges, no_hash_gives_the_key_for_free_or_changing)
{
    cr_assert(eq(u64, board_key(0), 1));
    cr_assert(eq(u64, board_key(1ULL << 63), 1));
    cr_assert(eq(u64, board_key(1ULL << 63 | 5), 5));
}

Test(engine_edges, a_sample_of_the_far_future_does_not_stop_sampling)
{
    struct history *h = board->history;
    sample_take(h, board, NOW);
    atomic_store(&h->fine[0].at_ns, NOW * 1000);
    atomic_store(&h->coarse[0].at_ns, NOW * 1000);
    sample_take(h, board, NOW + NS_PER_S);
    cr_assert(eq(u64, h->fine_next, 2));
    cr_assert(eq(u64, h->coarse_next, 2));
}

static void write_file(char path[], const char *text)
{
    int fd = mkstemp(path);
    cr_assert(eq(sz, (size_t)write(fd, text, strlen(text)), strlen(text)));
    close(fd);
}

Test(engine_edges, the_environment_takes_precedence_over_every_section)
{
    char path[] = "/tmp/harden-test-XXXXXX";
    struct target t = {.scheme = "", .host = "api.example.com", .default_port = true, .path = ""};
    write_file(path, "[host api.example.com]\nmax_attempts = 7\nmax_delay = 9s\n");
    setenv("HARDEN_CONFIG", path, 1);
    setenv("HARDEN_MAX_ATTEMPTS", "2", 1);
    struct config *c = config_load(NULL, NULL);
    unlink(path);
    cr_assert(eq(int, rules_find(c, &t)->max_attempts, 2));
    cr_assert(eq(i64, rules_find(c, &t)->max_delay_ns, 9 * NS_PER_S));
    config_discard(c);
}

Test(engine_edges, an_event_that_does_not_fit_is_not_half_written)
{
    static char service[4096];
    char path[] = "/tmp/harden-test-XXXXXX", got[64];
    write_file(path, "");
    memset(service, 'x', sizeof service - 1);
    events_set(path, service);
    events_emit(&(struct event){.kind = EVENT_WAIT, .host = "h", .wait_ns = 1});
    int fd = open(path, O_RDONLY);
    cr_assert(eq(int, (int)read(fd, got, sizeof got), 0));
    events_set(path, "short");
    events_emit(&(struct event){.kind = EVENT_WAIT, .host = "h", .wait_ns = 1});
    cr_assert(lt(int, 0, (int)read(fd, got, sizeof got)));
    close(fd);
    unlink(path);
}

Test(engine_edges, a_failure_of_a_host_whose_circuit_is_open_is_delivered_at_once)
{
    struct attempt a = {
        .protocol = PROTOCOL_HTTP, .http_status = 503, .method = "GET", .replayable = true};
    int64_t at_ns;
    call_begin(&call, &binding, 0, NOW);
    cr_assert(eq(int, call_admit(&call, NOW).answer, ANSWER_GO));
    cr_assert(call_would_retry(&call, &a, NOW));
    atomic_store(&binding.slot->breaker.state, BREAKER_OPEN | (uint64_t)(NOW / NS_PER_MS + 20000)
                                                                  << 24);
    atomic_store(&binding.slot->breaker.window, UINT64_MAX); /* every operation has failed */
    cr_assert(not(call_would_retry(&call, &a, NOW)));
    cr_assert(not(call_report(&call, &a, NOW, NOW, 0, &at_ns)));
    call_end(&call, NOW, NOW);
}
