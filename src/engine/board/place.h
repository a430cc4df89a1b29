/* SPDX-License-Identifier: MIT
 *
 * Where a board may lie: in a directory of this user alone, on a file system that keeps the room it
 * has once given. What belongs to somebody else is neither used nor changed, whoever made it; ids are
 * those of the kernel (base/real.h).
 *
 *     int dir = place_open("/run/user/1000/harden", true, &why);      -1: why, and errno
 *     ...
 *     if (place_is_ours_alone(fd) && place_keeps_room(fd))            a board that is there
 *
 * Static strings in *why. Descriptors are the caller's, and close on exec. */
#ifndef ENGINE_BOARD_PLACE_H
#define ENGINE_BOARD_PLACE_H

#include <stdbool.h>

enum place { PLACE_OURS, PLACE_FREE, PLACE_FOREIGN };

/* What is at the path: a directory of ours, nothing, or anything else. Links are not followed. */
enum place place_look(const char *path);
/* Whether the directory itself, or what a link leads to, belongs to us. */
bool place_is_ours(const char *path);
/* The number by which directories that all may write to tell users apart: our own, but in a user name
 * space that has this user alone (unshare -r) that of the user who made it. */
unsigned place_user(void);

/* Makes the last part of the path (0700, whatever the umask); false: errno. True if it is there. */
bool place_make(const char *path);
/* The directory, if it is ours alone. */
int place_open(const char *path, bool make, const char **why);
bool place_is_ours_alone(int fd);

/* Whether every page of the file can be written at any time, as far as the kind of the file system
 * tells. Where blocks move whenever they are written (btrfs), a full disk ends the program that writes
 * to a mapped page with SIGBUS, and so it may when a server or another process has the file. */
bool place_keeps_room(int fd);
/* The same of a file that is still empty and nobody else's, by trying it where the kind does not
 * tell: 1 or 0; -1: it cannot be written at all. */
int place_keeps_room_tried(int fd);
extern const char place_moves[]; /* what is the matter otherwise */

#endif
