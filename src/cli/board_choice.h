/* SPDX-License-Identifier: MIT
 *
 * The board that a command shows, chosen by the flags --user and --state.
 *
 *     struct board_choice choice = {0};
 *     const struct flag flags[] = {BOARD_CHOICE_FLAGS(choice), {0}};
 *     ...
 *     struct board_found found;
 *     board_choice_open(&cmd_status, config, &choice, false, &found);
 *     if (found.board)
 *         ... the board in found.place.dir ...
 *     else if (found.none)
 *         ... no program has used the library yet ...      else a message was printed
 *
 * Without a flag it is the board that a program with the same environment uses. If XDG_RUNTIME_DIR is not
 * set, as for cron, that is not where the programs of a login session have it: then both default
 * locations are looked at, the one that programs use is shown, and found.note speaks of the other. */
#ifndef CLI_BOARD_CHOICE_H
#define CLI_BOARD_CHOICE_H

#include "cli/board_places.h"

struct board_found {
    struct board *board; /* NULL: none, and a message was printed unless `none` */
    bool none;           /* no program has used the library yet */
    struct board_place place;
    char note[PATH_MAX + 256]; /* about another board of this user; "": nothing to say */
};

/* Opens the one board to show. Not with --all-users. */
void board_choice_open(const struct command *c, const struct config *config,
                       const struct board_choice *choice, bool writable, struct board_found *out);

#endif
