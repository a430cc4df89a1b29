/* SPDX-License-Identifier: MIT */
#include "engine/call/call.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW (100000 * NS_PER_S)

static struct board *board;
static const struct config *config;
static const char *header_value;
static struct config *loaded[16];
static int loads;

static void configure(const char *ini)
{
    char path[] = "/tmp/test_call_bind.XXXXXX";
    int fd = mkstemp(path);
    cr_assert(ge(int, fd, 0));
    cr_assert(eq(int, (int)write(fd, ini, strlen(ini)), (int)strlen(ini)));
    close(fd);
    cr_assert(lt(int, loads, 16));
    config = loaded[loads++] = config_load_file(path, NULL, NULL);
    unlink(path);
    cr_assert(config != NULL);
    cr_assert(eq(int, config->errors, 0));
    board = board_open(NULL, 64, NULL);
}

static void tear_down(void)
{
    board_close(board);
    while (loads)
        config_discard(loaded[--loads]);
}

TestSuite(call_bind, .fini = tear_down);

static const char *header(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "X-Org-Id") ? NULL : header_value;
}

static struct binding bind_to(const char *scheme, const char *host, uint16_t port,
                              bool default_port, const char *path)
{
    struct target t = {scheme, host, port, default_port, path, NULL, 0};
    struct header_source parts = {.header = header};
    struct binding b = {0};
    cr_assert(call_bind(&b, config, board, &t, &parts, NOW));
    cr_assert(binding_is_current(&b, config, board));
    return b;
}

static struct binding at(const char *host)
{
    return bind_to("https", host, 443, true, "/");
}

Test(call_bind, a_host_has_one_slot_whatever_its_scheme)
{
    configure("[host *]\nrate = 10/1s\n");
    struct binding a = at("a.example"), b = bind_to("http", "a.example", 80, true, "/x");
    cr_assert(a.slot == b.slot);
    cr_assert(a.lane[0].slot == a.slot);
    cr_assert(at("b.example").slot != a.slot);
    cr_assert_str_eq(a.name, "a.example");
    cr_assert(eq(int, a.slot->kind, SLOT_HOST));
}

Test(call_bind, another_port_has_its_own_health_and_shares_the_hosts_limit)
{
    configure("[host *]\nrate = 10/1s\n");
    struct binding b = bind_to("http", "a.example", 8080, false, "/");
    cr_assert_str_eq(b.name, "a.example:8080");
    cr_assert(b.lane[0].slot != b.slot);
    cr_assert(eq(int, b.lane[0].slot->kind, SLOT_BUCKET));
    cr_assert(eq(u32, b.slot->bucket_index, board_index(board, b.lane[0].slot) + 1));
    struct binding a = at("a.example");
    cr_assert(a.slot == b.lane[0].slot);
    cr_assert(eq(int, a.slot->kind, SLOT_HOST));
    cr_assert(eq(u32, a.slot->bucket_index, 0));
}

Test(call_bind, an_address_with_a_port_is_put_in_brackets)
{
    configure("");
    cr_assert_str_eq(bind_to("http", "2001:db8::1", 8080, false, "/").name, "[2001:db8::1]:8080");
    cr_assert_str_eq(at("2001:db8::1").name, "2001:db8::1");
}

Test(call_bind, the_limit_in_force_is_shown)
{
    configure("[host *]\nrate = 60/1m\nburst = 5\n[host free.example]\nrate = none\n");
    struct binding b = at("a.example");
    cr_assert(eq(u64, b.slot->shown_rate, 60ULL << 32 | 5));
    cr_assert(eq(u32, b.slot->shown_window_ms, 60000));
    b = at("free.example");
    cr_assert(eq(u64, b.slot->shown_rate, 0));
}

Test(call_bind, an_operation_has_its_own_bucket_and_its_path_is_not_on_the_board)
{
    configure("[host a.example]\nrate = 10/1s\n[host a.example/v1/search*]\nrate = 1/1s\n");
    struct binding b = bind_to("https", "a.example", 443, true, "/v1/search/secret");
    cr_assert(eq(int, b.policy->limit_count, 2));
    int own = b.lane[0].slot == b.slot ? 1 : 0;
    cr_assert(b.lane[!own].slot == b.slot);
    cr_assert(b.lane[own].slot != b.slot);
    cr_assert_str_eq(b.lane[own].slot->name, "a.example");
    cr_assert(eq(int, b.lane[own].slot->kind, SLOT_BUCKET));
    cr_assert(eq(int, bind_to("https", "a.example", 443, true, "/v2").policy->limit_count, 1));
}

Test(call_bind, a_bucket_per_origin_distinguishes_scheme_and_port)
{
    configure("[host *]\nrate = 10/1s\nper = origin\n");
    struct binding a = at("a.example"), b = bind_to("http", "a.example", 80, true, "/");
    struct binding c = bind_to("https", "a.example", 444, false, "/");
    cr_assert(a.lane[0].slot != b.lane[0].slot);
    cr_assert(a.lane[0].slot != c.lane[0].slot);
    cr_assert(a.lane[0].slot == at("a.example").lane[0].slot);
    cr_assert(a.slot == b.slot);
}

Test(call_bind, a_bucket_per_rule_is_shared_by_all_hosts_of_the_rule)
{
    configure("[host *.example]\nrate = 10/1s\nper = rule\n");
    cr_assert(at("a.example").lane[0].slot == at("b.example").lane[0].slot);
    cr_assert(at("a.example").slot != at("b.example").slot);
}

Test(call_bind, a_bucket_per_header_follows_its_value_and_stores_only_a_hash)
{
    configure("[host *]\nrate = 10/1s\nper = host+header:X-Org-Id\n");
    header_value = "blue-secret";
    struct binding blue = at("a.example");
    struct slot *other = at("b.example").lane[0].slot;
    header_value = "red-secret";
    struct binding red = at("a.example");
    header_value = NULL;
    struct binding none = at("a.example");
    header_value = "";
    struct binding empty = at("a.example");
    cr_assert(blue.per_request);
    cr_assert(blue.lane[0].slot != red.lane[0].slot);
    cr_assert(blue.lane[0].slot != other);
    cr_assert(none.lane[0].slot != empty.lane[0].slot);
    cr_assert(blue.slot == red.slot);
    size_t size = board_size(board) * sizeof(struct slot);
    cr_assert(memmem(board->slots, size, "secret", 6) == NULL);
}

Test(call_bind, a_binding_that_is_empty_or_of_another_configuration_is_not_current)
{
    configure("");
    struct binding b = at("a.example");
    struct config other = *config;
    cr_assert(not(binding_is_current(&b, &other, board)));
    struct board elsewhere = *board;
    cr_assert(not(binding_is_current(&b, config, &elsewhere)), "another board");
    cr_assert(not(b.per_request));
    cr_assert(not(binding_is_current(&(struct binding){0}, config, board)));
}

/* ---- one board, several configurations ------------------------------------------------------- */

/* Another configuration for the same board. */
static const struct config *also(const char *ini)
{
    struct board *same = board;
    const struct config *first = config;
    configure(ini);
    board_close(board);
    board = same;
    const struct config *own = config;
    config = first;
    return own;
}

/* Returns how many of n requests are admitted at once. */
static int admitted(const struct config *c, const char *host, int n, int64_t now)
{
    struct target t = {"https", host, 443, true, "/", NULL, 0};
    struct binding b = {0};
    int go = 0;
    cr_assert(call_bind(&b, c, board, &t, NULL, now));
    for (int i = 0; i < n; i++) {
        struct call k;
        call_begin(&k, &b, 0, now);
        go += call_admit(&k, now).answer == ANSWER_GO;
        call_abandon(&k, now);
    }
    return go;
}

Test(call_bind, processes_with_different_windows_keep_their_own_limits)
{
    configure("[host a]\nrate = 100/1d\non_limit = fail\n");
    const struct config *other = also("[host a]\nrate = 10/1s\non_limit = fail\n");
    int day = 0;
    for (int i = 0; i < 20; i++) {
        day += admitted(config, "a", 1000, NOW + i * NS_PER_S);
        cr_assert(eq(int, admitted(other, "a", 11, NOW + i * NS_PER_S), 10));
    }
    cr_assert(eq(int, day, 100));
}

Test(call_bind, the_order_of_rates_does_not_matter)
{
    configure("[host a]\nrate = 100/1d 10/1s\non_limit = fail\n");
    const struct config *other = also("[host a]\nrate = 10/1s 100/1d\non_limit = fail\n");
    int n = 0;
    for (int i = 0; i < 600; i++)
        n += admitted(config, "a", 50, NOW + i * NS_PER_S) +
             admitted(other, "a", 50, NOW + i * NS_PER_S);
    cr_assert(eq(int, n, 100));
}

Test(call_bind, a_raised_limit_applies_at_once)
{
    configure("[host a]\nrate = 1000/1h\non_limit = fail\n");
    cr_assert(eq(int, admitted(config, "a", 2000, NOW), 1000));
    const struct config *other = also("[host a]\nrate = 10/1s\non_limit = fail\n");
    cr_assert(eq(int, admitted(other, "a", 20, NOW + NS_PER_S), 10));
}

Test(call_bind, rates_with_the_same_window_share_the_tokens_taken)
{
    configure("[host a]\nrate = 60/1m\non_limit = fail\n");
    const struct config *other = also("[host a]\nrate = 600/1m\non_limit = fail\n");
    cr_assert(eq(int, admitted(config, "a", 30, NOW), 30));
    cr_assert(eq(int, admitted(other, "a", 1000, NOW), 300));
    cr_assert(eq(int, admitted(config, "a", 1, NOW), 0));
}

Test(call_bind, a_cost_above_the_burst_is_paid_in_full)
{
    configure("[host a]\nrate = 10/1h\non_limit = fail\n[host a/search*]\ncost = 100\n");
    struct binding b = bind_to("https", "a", 443, true, "/search");
    struct call k;
    call_begin(&k, &b, 0, NOW);
    cr_assert(eq(int, call_admit(&k, NOW).answer, ANSWER_GO));
    cr_assert(eq(int, admitted(config, "a", 50, NOW), 0));
    /* The bucket owes 100 tokens, and 90 must be refilled before one is free. */
    cr_assert(eq(int, admitted(config, "a", 1, NOW + 9 * 3600 * NS_PER_S), 0));
    cr_assert(eq(int, admitted(config, "a", 2, NOW + (9 * 3600 + 360) * NS_PER_S), 1));
}

Test(call_bind, every_limit_holds_even_with_more_windows_than_words)
{
    static const char *const rates[] = {"1/1s", "2/2s", "3/3s", "4/4s", "5/5s", "6/1h", "7/1d"};
    const struct config *c[7];
    char ini[80];
    configure("");
    for (int i = 0; i < 7; i++) {
        snprintf(ini, sizeof ini, "[host a]\nrate = %s\non_limit = fail\n", rates[i]);
        c[i] = also(ini);
    }
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 7; i++)
            cr_assert(eq(int, admitted(c[i], "a", 50, NOW), round ? 0 : i + 1), "%d", i);
    cr_assert(eq(int, admitted(c[5], "a", 50, NOW + 600 * NS_PER_S), 1));
    cr_assert(eq(int, admitted(c[6], "a", 50, NOW + 600 * NS_PER_S), 0));
}

Test(call_bind, a_long_window_in_the_overflow_slot_does_not_block_a_short_one)
{
    configure("[host *]\non_limit = fail\nrate = 100/1s\n[host api]\nrate = 10/1h\n");
    board_close(board);
    board = board_open(NULL, 1, NULL);
    admitted(config, "x", 1, NOW);
    cr_assert(eq(int, admitted(config, "api", 20, NOW), 10));
    cr_assert(eq(int, admitted(config, "other.example", 200, NOW), 100));
    cr_assert(eq(int, admitted(config, "api", 20, NOW + NS_PER_S), 0));
    cr_assert(lt(u64, 0, board->header->overflows));
}

/* No limit is exceeded then; a longer window may be delayed by shorter ones. */
Test(call_bind, the_overflow_slot_enforces_every_limit_even_of_too_many_windows)
{
    static const char *const rates[] = {"1/1s", "2/2s", "3/3s", "4/4s", "9/1s 9/7s", "6/1h"};
    char ini[80];
    configure("");
    board_close(board);
    board = board_open(NULL, 1, NULL);
    admitted(config, "x", 1, NOW);
    for (int i = 0; i < 6; i++) {
        snprintf(ini, sizeof ini, "[host a]\nrate = %s\non_limit = fail\n", rates[i]);
        const struct config *c = also(ini);
        int n = admitted(c, "a", 50, NOW + i * 600 * NS_PER_S);
        cr_assert(ge(int, n, 1));
        cr_assert(le(int, n, i < 4 ? i + 1 : i == 4 ? 9 : 6));
        cr_assert(eq(int, admitted(c, "a", 50, NOW + i * 600 * NS_PER_S), 0));
    }
}

Test(call_bind, a_binding_is_renewed_after_its_slot_was_reused_and_reclaimed)
{
    configure("[host a]\nrate = 5/1m 100/1h\non_limit = fail\n");
    struct binding b = bind_to("https", "a", 443, true, "/");
    cr_assert(b.lane[0].tat == &b.slot->tat_ns[0]);
    /* Another process used the windows first, in another order. */
    b.slot->window_ms[0] = 3600 * 1000;
    b.slot->window_ms[1] = 60 * 1000;
    struct call k;
    call_begin(&k, &b, 0, NOW + SLOT_IDLE_NS);
    cr_assert(b.lane[0].tat == &b.slot->tat_ns[1]);
    cr_assert(b.lane[1].tat == &b.slot->tat_ns[0]);
}

Test(call_bind, a_bucket_is_named_after_the_host_without_its_port)
{
    configure("[host *]\nrate = 10/1s\n");
    cr_assert_str_eq(bind_to("http", "a.example", 8080, false, "/").lane[0].slot->name,
                     "a.example");
    cr_assert_str_eq(bind_to("http", "2001:db8::1", 8080, false, "/").lane[0].slot->name,
                     "2001:db8::1");
}

/* The operation that an open circuit distinguishes, in six bits. */
Test(call_bind, pages_schemes_and_ports_are_separate_operations)
{
    int pages[BREAKER_OPERATIONS] = {0}, most = 0;
    configure("");
    for (int i = 0; i < 640; i++) {
        char path[32];
        snprintf(path, sizeof path, "/v1/page%d", i);
        struct binding b = bind_to("http", "h", 80, true, path);
        cr_assert(eq(int, b.operation, bind_to("http", "h", 80, true, path).operation));
        cr_assert(lt(int, b.operation, BREAKER_OPERATIONS));
        most = ++pages[b.operation] > most ? pages[b.operation] : most;
    }
    cr_assert(lt(int, most, 25), "10 on average");
    struct binding http = bind_to("http", "h", 80, true, "/"),
                   https = bind_to("https", "h", 443, true, "/");
    cr_assert(http.slot == https.slot, "although it is one host");
    cr_assert(ne(int, http.operation, https.operation));
    cr_assert(ne(int, bind_to("", "h", 80, true, "").operation,
                 bind_to("", "h", 443, true, "").operation));
}

static void throttled(struct binding b)
{
    struct attempt a = {
        .protocol = PROTOCOL_HTTP,
        .method = "GET",
        .http_status = 429,
        .hint = {.wait_ns = 10 * NS_PER_S, .asked = true, .line = "Retry-After: 10"}};
    struct call c;
    int64_t at;
    call_begin(&c, &b, 0, NOW);
    call_admit(&c, NOW);
    call_report(&c, &a, NOW, 0, 0, &at);
    call_abandon(&c, NOW);
}

static bool is_paused(struct binding b)
{
    struct call c;
    call_begin(&c, &b, 0, NOW);
    bool waits = call_admit(&c, NOW).answer == ANSWER_WAIT;
    call_abandon(&c, NOW);
    return waits;
}

Test(call_bind, a_pause_stops_only_the_operation_that_got_it)
{
    configure("[host a/search/*]\n[host a/search/code]\n");
    struct binding page = at("a"), search = bind_to("https", "a", 443, true, "/search/x"),
                   code = bind_to("https", "a", 443, true, "/search/code");
    throttled(search);
    cr_assert(is_paused(bind_to("https", "a", 443, true, "/search/y")));
    cr_assert(not(is_paused(page)));
    cr_assert(not(is_paused(code)));
    throttled(page);
    cr_assert(is_paused(page) && is_paused(code), "of the whole host");
    cr_assert(not(is_paused(at("b"))));
}

Test(call_bind, a_pause_stops_only_requests_with_the_same_value_of_per)
{
    configure("[host a]\nper = host+header:X-Org-Id\n");
    header_value = "1";
    throttled(at("a"));
    cr_assert(is_paused(at("a")));
    cr_assert(not(is_paused(at("b"))));
    header_value = "2";
    cr_assert(not(is_paused(at("a"))));
    header_value = NULL;
    cr_assert(not(is_paused(at("a"))));
}

Test(call_bind, a_pause_per_origin_or_user_is_that_of_the_host)
{
    configure("[host a]\nper = origin+uid\n");
    throttled(at("a"));
    cr_assert(is_paused(bind_to("http", "a", 80, true, "/")));
}
