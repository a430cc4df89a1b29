/* SPDX-License-Identifier: MIT
 *
 * The boards that `harden status` shows: one, or with --all-users one of each user. In a watch they are opened
 * again before each view, because a board may be replaced, and that of another user is a copy.
 *
 *     struct status_boards boards = {.command = &cmd_status, .config = config, .choice = choice};
 *     if (status_boards_open(&boards))            otherwise a message was printed
 *         do
 *             ... boards.of[0 to boards.n - 1] ...
 *         while (status_boards_open_again(&boards));
 *     status_boards_free(&boards); */
#ifndef CLI_STATUS_BOARDS_H
#define CLI_STATUS_BOARDS_H

#include "cli/board_choice.h"
#include "cli/request_rate.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct status_board {
    struct board_found
        found; /* found.board is NULL while it cannot be opened again; found.note says why */
    struct request_rates rates;
    dev_t dev;
    ino_t ino;
};

struct status_boards {
    const struct command *command;
    const struct config *config;
    struct board_choice choice;
    struct status_board *of;
    uint32_t n;
};

bool status_boards_open(struct status_boards *b);
/* Keeps the rates. False: out of memory. */
bool status_boards_open_again(struct status_boards *b);
void status_boards_free(struct status_boards *b);

#endif
