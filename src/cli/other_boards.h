/* SPDX-License-Identifier: MIT
 *
 * Boards of other layouts in a state directory (engine/board/others.h), for people. */
#ifndef CLI_OTHER_BOARDS_H
#define CLI_OTHER_BOARDS_H

#include <stddef.h>

#define OTHER_BOARDS_TEXT_SIZE 256

/* "4 programs use board.13, with limits of its own (harden ps)"; "" if no running program that we can
 * inspect uses one. */
const char *other_boards_text(const char *dir, char out[OTHER_BOARDS_TEXT_SIZE]);
/* Removes those that no process uses, and prints which. Returns the exit status. */
int other_boards_clean(const char *dir);

#endif
