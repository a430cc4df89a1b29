/* SPDX-License-Identifier: MIT */
#include "engine/config/network_zone.h"

#include "engine/call/call.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW (100000 * NS_PER_S)

static struct board *board;
static struct config *config;

static void make(void)
{
    board = board_open(NULL, 64, NULL);
    config = config_load_file("/dev/null", NULL, NULL);
}

static void unmake(void)
{
    board_close(board);
    config_discard(config);
}

TestSuite(zone, .init = make, .fini = unmake);

Test(zone, only_local_and_private_addresses_have_a_zone)
{
    static const char *const local[] = {
        "127.0.0.1", "127.255.255.255", "10.0.0.1",   "172.16.0.1",  "172.31.255.1", "192.168.7.7",
        "0.0.0.0",   "169.254.1.1",     "100.64.0.1", "100.127.0.1", "::1",          "::",
        "fd00::1",   "fc00::1",         "fe80::1",    "febf::1",     "localhost",    "a.localhost",
        "unix:@app"};
    static const char *const world[] = {
        "128.0.0.1",  "11.0.0.1", "172.15.0.1",         "172.32.0.1",   "192.169.0.1",
        "100.63.0.1", "8.8.8.8",  "100.128.0.1",        "::2",          "2001:db8::1",
        "fe00::1",    "fec0::1",  "example.com",        "notlocalhost", "localhost.example.com",
        "10.example", "db",       "unix:/run/app.sock", "unix:app@",    ""};
    for (size_t i = 0; i < array_size(local); i++)
        cr_assert(zone_applies(local[i]), "%s", local[i]);
    for (size_t i = 0; i < array_size(world); i++)
        cr_assert_not(zone_applies(world[i]), "%s", world[i]);
}

static struct binding bind(const char *host, uint16_t port, uint64_t network)
{
    struct target t = {.scheme = "http",
                       .host = host,
                       .port = port,
                       .default_port = port == 80,
                       .path = "",
                       .network = network};
    struct header_source parts = {0};
    struct binding b = {0};
    cr_assert(call_bind(&b, config, board, &t, &parts, NOW));
    return b;
}

Test(zone, the_initial_namespace_has_plain_names_and_unchanged_keys)
{
    struct binding home = bind("127.0.0.1", 8080, 7);
    cr_assert_str_eq(home.name, "127.0.0.1:8080");
    cr_assert_eq(home.key, board_host_key("127.0.0.1", 8080));
    cr_assert_eq(bind("127.0.0.1", 8080, 0).slot, home.slot, "an unknown namespace");
}

Test(zone, the_same_address_in_another_network_namespace_is_another_host)
{
    struct binding home = bind("127.0.0.1", 8080, 7), other = bind("127.0.0.1", 8080, 4099);
    cr_assert_neq(other.slot, home.slot);
    cr_assert_neq(other.key, home.key);
    cr_assert_str_eq(other.name, "127.0.0.1%net4099:8080");
    cr_assert_eq(bind("127.0.0.1", 8080, 4099).slot, other.slot);
    cr_assert_neq(bind("127.0.0.1", 8080, 4100).slot, other.slot);
    cr_assert_str_eq(bind("::1", 80, 4099).name, "::1%net4099");
    cr_assert_str_eq(bind("::1", 81, 4099).name, "[::1%net4099]:81");
}

Test(zone, another_network_namespace_has_its_own_limits_and_the_same_rules)
{
    config_discard(config);
    char path[] = "/tmp/test_network_zone.XXXXXX";
    static const char ini[] =
        "[host 127.0.0.0/8]\nrate = 1/1m\n[host unix:@app]\nmax_attempts = 7\n";
    int fd = mkstemp(path);
    cr_assert_eq(write(fd, ini, sizeof ini - 1), (ssize_t)sizeof ini - 1);
    close(fd);
    config = config_load_file(path, NULL, NULL);
    unlink(path);
    struct binding home = bind("127.0.0.1", 8080, 7), other = bind("127.0.0.1", 8080, 4099);
    cr_assert_eq(home.policy, other.policy);
    cr_assert_eq(other.lane_count, 1);
    cr_assert_neq(home.lane[0].tat, other.lane[0].tat);
    cr_assert_eq(bind("unix:@app", 80, 4099).policy->max_attempts, 7);
}

Test(zone, a_proxy_in_another_network_namespace_is_separate_too)
{
    struct binding b = bind("example.com", 80, 0);
    bind("127.0.0.1", 80, 7);
    struct target t = {
        .scheme = "http", .host = "10.0.0.1", .port = 3128, .path = "", .network = 9};
    call_bind_proxy(&b, &t, NOW);
    cr_assert_str_eq(b.proxy_name, "http://10.0.0.1%net9:3128");
}
