/* SPDX-License-Identifier: MIT */
#include "cli/config_live.h"
#include "engine/board/pause.h"
#include "engine/call/call.h"
#include "engine/config/rules.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define NOW (100000 * NS_PER_S)

static struct board *board;
static struct config *config;

static void configure(const char *text)
{
    config = config_load_text("t.ini", text, strlen(text), NULL, NULL);
    cr_assert_eq(config->errors, 0);
    config->state = "DIR";
    board = board_open(NULL, 64, NULL);
}

static const char *live(const char *url)
{
    static char text[4096];
    char why[256];
    struct destination d;
    memset(text, 0, sizeof text);
    FILE *f = fmemopen(text, sizeof text, "w");
    cr_assert(f && destination_parse(url, &d, why, sizeof why));
    config_live(f, config, board, &d, rules_find(config, &d.target), NOW);
    fclose(f);
    return text;
}

static struct binding request(const char *url)
{
    char why[256];
    struct destination d;
    struct call call;
    struct binding b = {0};
    cr_assert(destination_parse(url, &d, why, sizeof why));
    cr_assert(call_bind(&b, config, board, &d.target, NULL, NOW));
    call_begin(&call, &b, 0, NOW);
    call_admit(&call, NOW);
    return b;
}

static uint32_t used(void)
{
    uint32_t n = 0;
    char name[SLOT_NAME_SIZE];
    for (uint32_t i = 0; i < board_size(board); i++)
        n += board_nth(board, i, name) != NULL;
    return n;
}

Test(config_live, shows_tokens_and_pauses_of_the_host_and_of_the_operation)
{
    configure("[host a.example]\nrate = 5/1m\n[host a.example/v1*]\nrate = 2/1m\n");
    struct binding b = request("https://a.example/v1/x");
    pause_raise(b.scope, 9 * NS_PER_S, true, 429, "Retry-After: 9", NOW);
    cr_assert_str_eq(live("https://a.example/v1/y"),
                     "\nlive: DIR\n  status healthy\n  circuit closed\n  retry budget 100 of 100\n"
                     "  5/1m: 4.0 of 5 tokens\n  2/1m: 1.0 of 2 tokens\n"
                     "  this part of the host is paused for 9 s, asked by the server: "
                     "Retry-After: 9 (429)\n");
    cr_assert_null(strstr(live("https://a.example/"), "paused"));
    pause_raise(b.slot, 3 * NS_PER_S, true, 503, "Retry-After: 3", NOW);
    cr_assert_not_null(strstr(live("https://a.example/"),
                              "  status degraded\n  paused for 3 s, asked by the server: "
                              "Retry-After: 3 (503)\n"));
}

Test(config_live, of_a_host_without_requests_says_so_and_claims_no_slot)
{
    configure("[host *]\nrate = 5/1m\nper = host+header:X-Key\n");
    uint32_t before = used();
    cr_assert_str_eq(live("https://a.example/"),
                     "\nlive: DIR\n  no request to the host yet, or not for long\n"
                     "  5/1m: one bucket for each value of X-Key\n");
    cr_assert_eq(used(), before);
}

Test(config_live, in_observe_mode_it_shows_what_observing_programs_have_counted)
{
    configure("[harden]\nmode = observe\n[host *]\nrate = 5/1m\n");
    request("https://a.example/");
    cr_assert_not_null(strstr(live("https://a.example/"), "  5/1m: 4.0 of 5 tokens\n"));
    config->mode = MODE_ENFORCE;
    cr_assert_not_null(strstr(live("https://a.example/"), "  5/1m: 5.0 of 5 tokens\n"));
}

Test(config_live, ports_are_hosts_of_their_own)
{
    configure("");
    request("https://a.example:8443/");
    cr_assert_not_null(strstr(live("https://a.example/"), "no request"));
    cr_assert_not_null(strstr(live("https://a.example:8443/"), "circuit closed"));
}
