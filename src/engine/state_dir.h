/* SPDX-License-Identifier: MIT
 *
 * The board in the state directory of this process (chosen by config/paths.c): opening it, reporting why
 * it cannot be shared, and noticing that its file has been removed or replaced.
 *
 *     struct state_file file;
 *     struct board *b = state_dir_open_board(config, &file);
 *     ...
 *     struct board *newer = state_dir_reopen_board(config, b, &file);      NULL: keep using b
 *
 * One thread at a time. A board is never closed: calls under way may still use it. */
#ifndef ENGINE_STATE_DIR_H
#define ENGINE_STATE_DIR_H

#include "base/text.h"
#include "engine/board/board.h"
#include "engine/config/config.h"

#include <stdbool.h>
#include <sys/types.h>

/* The file of a shared board, and which user saw it under which root directory: another user, or a
 * process in another root directory, cannot see whether the file has been removed. */
struct state_file {
    dev_t dev, root_dev;
    ino_t ino, root_ino;
    uid_t user;
};

/* Creates the directory if necessary. A private board, reported in the log, if it cannot be shared.
 * NULL for lack of memory. */
struct board *state_dir_open_board(const struct config *c, struct state_file *file);
/* If another file, or none, is in the place of the shared board, opens that one, and creates it if
 * necessary. NULL: the board is still there, cannot be seen, or cannot be opened again. */
struct board *state_dir_reopen_board(const struct config *c, const struct board *board,
                                     struct state_file *file);
/* Writes why a board in the state directory would be private, and the remedy. why: of board_open() or
 * board_attach(). c->state must not be NULL. */
void state_dir_explain(const struct config *c, const char *why, struct text *t);
/* Looks for boards of other layouts, and removes those that are not used any more (board/others.h). */
void state_dir_tidy(const struct config *c, struct board *board);
/* Whether the state directory contains the file. */
bool state_dir_has(const struct config *c, const struct state_file *file);

#endif
