/* SPDX-License-Identifier: MIT
 *
 * The state directories that the flags --user, --state and --all-users choose. Root may look at the boards
 * of other users (cli/foreign_board.h), and never writes to them.
 *
 *     struct board_place *places = board_places_list(&cmd_ps, config, &choice, &n);
 *     for (uint32_t i = 0; i < n; i++)
 *         ... board_place_open(&places[i], false, &why) ...
 *     free(places);
 *
 * Commands that show one board use cli/board_choice.h. */
#ifndef CLI_BOARD_PLACES_H
#define CLI_BOARD_PLACES_H

#include "cli/cli.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct board_choice {
    const char *user, *state; /* NULL: not given */
    bool all_users;
};

/* Rows for the table of flags. */
#define BOARD_CHOICE_FLAGS(choice)                                                                 \
    {.name = "user", .value = &(choice).user},                                                     \
    {                                                                                              \
        .name = "state", .value = &(choice).state                                                  \
    }
#define BOARD_CHOICE_ALL_FLAGS(choice)                                                             \
    BOARD_CHOICE_FLAGS(choice),                                                                    \
    {                                                                                              \
        .name = "all-users", .given = &(choice).all_users                                          \
    }
/* For --help. */
#define BOARD_CHOICE_HELP                                                                          \
    "  --user NAME|UID      the board of that user; only root may look at those of others\n"       \
    "  --state DIR          the board in that state directory\n"
#define BOARD_CHOICE_ALL_HELP                                                                      \
    BOARD_CHOICE_HELP "  --all-users          the boards of all users, one after the other; only " \
                      "for root\n"

/* A state directory. */
struct board_place {
    char dir[PATH_MAX];
    uid_t user; /* its owner */
};

/* The user with this name or number. */
bool board_user(const char *name, uid_t *user);
/* The state directories that the flags choose, in the order of preference; to be freed. A board need not
 * be in them, except with --all-users. NULL: a message was printed. */
struct board_place *board_places_list(const struct command *c, const struct config *config,
                                      const struct board_choice *choice, uint32_t *n);
/* To be closed with board_close(). NULL: *why is the reason, and errno is ENOENT if there is none. */
struct board *board_place_open(const struct board_place *p, bool writable, const char **why);
bool board_place_is_foreign(const struct board_place *p);

#endif
