/* SPDX-License-Identifier: MIT */
#include "engine/call.h"

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

static void configure(const char *ini)
{
    char path[] = "/tmp/test_call_bind.XXXXXX";
    int fd = mkstemp(path);
    cr_assert(ge(int, fd, 0));
    cr_assert(eq(int, (int)write(fd, ini, strlen(ini)), (int)strlen(ini)));
    close(fd);
    config = config_load_file(path, NULL, NULL);
    unlink(path);
    cr_assert(config != NULL);
    cr_assert(eq(int, config->errors, 0));
    board = board_open(NULL, 64, NULL);
}

static const char *header(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "X-Org-Id") ? NULL : header_value;
}

static struct binding bind_to(const char *scheme, const char *host, uint16_t port,
                              bool default_port, const char *path)
{
    struct target t = {scheme, host, port, default_port, path};
    struct binding_parts parts = {.header = header};
    struct binding b = {0};
    cr_assert(call_bind(&b, config, board, &t, &parts, NOW));
    cr_assert(call_bound(&b, config));
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
    cr_assert(a.bucket[0] == a.slot);
    cr_assert(at("b.example").slot != a.slot);
    cr_assert_str_eq(a.name, "a.example");
    cr_assert(eq(int, a.slot->kind, SLOT_HOST));
}

Test(call_bind, another_port_has_a_health_of_its_own_and_shares_the_hosts_limit)
{
    configure("[host *]\nrate = 10/1s\n");
    struct binding b = bind_to("http", "a.example", 8080, false, "/");
    cr_assert_str_eq(b.name, "a.example:8080");
    cr_assert(b.bucket[0] != b.slot);
    cr_assert(eq(int, b.bucket[0]->kind, SLOT_BUCKET));
    cr_assert(eq(u32, b.slot->bucket_index, board_index(board, b.bucket[0]) + 1));
    struct binding a = at("a.example");
    cr_assert(a.slot == b.bucket[0]);
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
    cr_assert(eq(i64, b.slot->shown_window_ns, 60 * NS_PER_S));
    b = at("free.example");
    cr_assert(eq(u64, b.slot->shown_rate, 0));
}

Test(call_bind, an_operation_has_a_bucket_of_its_own_and_no_path_on_the_board)
{
    configure("[host a.example]\nrate = 10/1s\n[host a.example/v1/search*]\nrate = 1/1s\n");
    struct binding b = bind_to("https", "a.example", 443, true, "/v1/search/secret");
    cr_assert(eq(int, b.policy->limit_count, 2));
    int own = b.bucket[0] == b.slot ? 1 : 0;
    cr_assert(b.bucket[!own] == b.slot);
    cr_assert(b.bucket[own] != b.slot);
    cr_assert_str_eq(b.bucket[own]->name, "a.example");
    cr_assert(eq(int, b.bucket[own]->kind, SLOT_BUCKET));
    cr_assert(eq(int, bind_to("https", "a.example", 443, true, "/v2").policy->limit_count, 1));
}

Test(call_bind, a_bucket_per_origin_tells_scheme_and_port_apart)
{
    configure("[host *]\nrate = 10/1s\nper = origin\n");
    struct binding a = at("a.example"), b = bind_to("http", "a.example", 80, true, "/");
    struct binding c = bind_to("https", "a.example", 444, false, "/");
    cr_assert(a.bucket[0] != b.bucket[0]);
    cr_assert(a.bucket[0] != c.bucket[0]);
    cr_assert(a.bucket[0] == at("a.example").bucket[0]);
    cr_assert(a.slot == b.slot);
}

Test(call_bind, a_bucket_per_rule_is_shared_by_all_hosts_of_the_rule)
{
    configure("[host *.example]\nrate = 10/1s\nper = rule\n");
    cr_assert(at("a.example").bucket[0] == at("b.example").bucket[0]);
    cr_assert(at("a.example").slot != at("b.example").slot);
}

Test(call_bind, a_bucket_per_header_follows_its_value_and_stores_only_a_hash)
{
    configure("[host *]\nrate = 10/1s\nper = host+header:X-Org-Id\n");
    header_value = "blue-secret";
    struct binding blue = at("a.example");
    struct slot *other = at("b.example").bucket[0];
    header_value = "red-secret";
    struct binding red = at("a.example");
    header_value = NULL;
    struct binding none = at("a.example");
    header_value = "";
    struct binding empty = at("a.example");
    cr_assert(blue.per_request);
    cr_assert(blue.bucket[0] != red.bucket[0]);
    cr_assert(blue.bucket[0] != other);
    cr_assert(none.bucket[0] != empty.bucket[0]);
    cr_assert(blue.slot == red.slot);
    size_t size = board_size(board) * sizeof(struct slot);
    cr_assert(memmem(board->slots, size, "secret", 6) == NULL);
}

Test(call_bind, unbound_or_of_another_configuration_is_not_bound)
{
    configure("");
    struct binding b = at("a.example");
    struct config other = *config;
    cr_assert(not(call_bound(&b, &other)));
    cr_assert(not(b.per_request));
    cr_assert(not(call_bound(&(struct binding){0}, config)));
}
