/* SPDX-License-Identifier: MIT
 *
 * Boards of other layouts in a state directory. After an upgrade the programs that are still running use
 * the board of their version, and the ones started since use the new one. Limits hold per board. A board
 * that no process has mapped, and none has opened for OTHERS_REST_S, is removed:
 *
 *     struct others o = others_tidy(dir, OTHERS_REST_S);    after opening one's own board, and then
 *                                                           regularly
 *
 * How a board is not lost while a process opens it: whoever has it mapped holds a shared lock on the file
 * (file.c). It is removed under the lock on the directory, and only with an exclusive lock on the file. A
 * process that opens it at that moment finds that it cannot hold the file, or that the file has no name
 * any more, waits for the lock on the directory, and opens or creates the board under that lock.
 *
 * On overlayfs a mapping does not hold the file: there no board is removed. Layouts before OTHERS_FIRST do
 * not hold their files and are left alone. So is what is not a board of this
 * user. Allocates nothing; any thread; errno is preserved. */
#ifndef ENGINE_BOARD_OTHERS_H
#define ENGINE_BOARD_OTHERS_H

#include <stdbool.h>
#include <stdint.h>

#define OTHERS_FIRST 15
/* Jobs of two versions that run by turns each keep their limits: as long as the longest pause. */
#define OTHERS_REST_S 86400

/* N of the file name "board.N"; 0: not such a name. */
uint32_t others_layout(const char *name);
struct others {
    uint32_t left;     /* boards of other layouts */
    bool newer_in_use; /* a process uses one of a newer layout */
};

/* Removes the boards of other layouts that nobody uses and nobody has opened for rest_s. Returns what is
 * left. */
struct others others_tidy(int dir, int64_t rest_s);
/* The same for the path of a state directory. */
struct others others_tidy_path(const char *path, int64_t rest_s);
/* Notes in the file that it is in use. */
void others_touch(int fd);

#endif
