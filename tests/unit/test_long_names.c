/* SPDX-License-Identifier: MIT
 *
 * Hosts whose names are longer than a slot has room for. */
#include "base/words.h"
#include "cli/destination.h"
#include "engine/board/view.h"
#include "engine/call/call.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define NOW (100000 * NS_PER_S)

static struct board *board;
static struct config *config;
static char one[240], other[240]; /* differ in the last letters only */

static void make(void)
{
    for (size_t i = 0; i < 200; i++)
        one[i] = i % 50 == 49 ? '.' : 'a';
    strcpy(other, one);
    strcat(one, "one.example");
    strcat(other, "other.example");
    char text[1024];
    snprintf(text, sizeof text, "[host %s]\ncost = 7\n[host label]\nmatch = %s\ncost = 9\n", one,
             other);
    config = config_load_text("t.ini", text, strlen(text), NULL, NULL);
    cr_assert_eq(config->errors, 0);
    board = board_open(NULL, 64, NULL);
}

static void unmake(void)
{
    board_close(board);
    config_discard(config);
}

TestSuite(long_names, .init = make, .fini = unmake);

static struct binding at(const char *host, uint16_t port)
{
    struct target t = {.scheme = "https", .host = host, .port = port, .path = "/"};
    struct binding b = {0};
    t.default_port = port == 443;
    cr_assert(call_bind(&b, config, board, &t, NULL, NOW));
    return b;
}

static const char *shown(const struct slot *s)
{
    static char name[VIEW_NAME_SIZE];
    cr_assert_eq(view_host(board, board_index(board, s), name), s);
    return name;
}

Test(long_names, each_has_a_slot_a_policy_and_a_name_of_its_own)
{
    struct binding a = at(one, 443), b = at(other, 443), c = at(one, 8443);
    cr_assert(a.slot != b.slot && a.slot != c.slot && b.slot != c.slot);
    cr_assert_eq(a.policy->cost, 7);
    cr_assert_eq(b.policy->cost, 9);
    cr_assert_str_neq(a.name, b.name);
    cr_assert_str_neq(a.name, c.name);
    cr_assert_eq(strlen(a.name), SLOT_NAME_SIZE - 1);
}

Test(long_names, all_outputs_and_the_arguments_of_commands_agree)
{
    char out[256], typed[260];
    struct binding a = at(one, 443), c = at(one, 8443);
    cr_assert_str_eq(shown(a.slot), a.name);
    cr_assert_str_eq(shown(c.slot), c.name);
    cr_assert_str_eq(destination_board_name(out, sizeof out, one), a.name);
    cr_assert(ascii_same(destination_board_name(out, sizeof out, a.name), a.name));
    snprintf(typed, sizeof typed, "%s:8443", one);
    cr_assert_str_eq(destination_board_name(out, sizeof out, typed), c.name);
}

Test(long_names, a_local_socket_with_a_long_path_is_cut_too)
{
    char path[140] = "unix:/run/", out[256];
    memset(path + 10, 'x', 100);
    struct target t = {.scheme = "", .host = path, .default_port = true, .path = ""};
    struct binding a = {0};
    cr_assert(call_bind(&a, config, board, &t, NULL, NOW));
    cr_assert_str_eq(shown(a.slot), a.name);
    cr_assert_str_eq(destination_board_name(out, sizeof out, path), a.name);
}

Test(long_names, proxies_have_slots_and_names_of_their_own)
{
    struct target proxy = {.scheme = "http", .host = one, .port = 3128, .path = ""};
    struct binding a = at("a.example", 443), b = at("b.example", 443);
    call_bind_proxy(&a, &proxy, NOW);
    proxy.host = other;
    call_bind_proxy(&b, &proxy, NOW);
    cr_assert(a.proxy.slot && b.proxy.slot && a.proxy.slot != b.proxy.slot);
    cr_assert_str_neq(a.proxy_name, b.proxy_name);
    cr_assert_str_eq(shown(a.proxy.slot), a.proxy_name);
}

Test(long_names, a_name_that_just_fits_is_whole)
{
    char host[SLOT_NAME_SIZE];
    memset(host, 'x', sizeof host);
    strcpy(host + sizeof host - 2 - 8, ".example");
    struct binding a = at(host, 443);
    cr_assert_str_eq(a.name, host);
    cr_assert_str_eq(shown(a.slot), host);
}
