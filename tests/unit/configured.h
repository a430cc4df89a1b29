/* SPDX-License-Identifier: MIT
 *
 * A board in private memory, and configurations from a text, for tests of a call in several modes.
 *
 *     TestSuite(slow, .init = make_board, .fini = drop_board);
 *     call_bind(&b, configure("observe", "rate = 1/1s\n"), board, &target, NULL, NOW) */
#ifndef TESTS_CONFIGURED_H
#define TESTS_CONFIGURED_H

#include "engine/call/private.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>

#define NOW  (100000 * NS_PER_S)
#define WALL (1796000000 * NS_PER_S)

static struct board *board;
static struct config *loaded[8];
static int loads;

static void make_board(void)
{
    board = board_open(NULL, 64, NULL);
}

static void drop_board(void)
{
    board_close(board);
    while (loads)
        config_discard(loaded[--loads]);
}

static void no_error(void *ctx, const char *line)
{
    (void)ctx;
    cr_assert(false, "%s", line);
}

/* host: the keys of [host *]. Without jitter, so that times are exact. */
static const struct config *configure(const char *mode, const char *host)
{
    char text[600];
    int n =
        snprintf(text, sizeof text, "[harden]\nmode = %s\n[host *]\njitter = none\n%s", mode, host);
    cr_assert(n < (int)sizeof text && loads < (int)(sizeof loaded / sizeof *loaded));
    return loaded[loads++] = config_load_text("t.ini", text, (size_t)n, no_error, NULL);
}

#endif
