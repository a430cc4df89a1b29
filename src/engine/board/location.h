/* SPDX-License-Identifier: MIT
 *
 * Where a board may be: in a directory that only this user can write to, on a file system that keeps the
 * blocks that it has allocated. Others may list the directory, as systemd's RuntimeDirectory= and mkdir
 * allow by default; the files in it are private. What belongs to another user is neither used nor changed. User ids are
 * those of the kernel (base/kernel.h), not of a library like fakeroot. Which directory it is, is decided
 * in config/paths.c.
 *
 *     int dir = location_open("/run/user/1000/harden", true, &why);      -1: why, and errno
 *     ...
 *     if (location_is_private(fd) && location_keeps_room(fd))            an existing board
 *
 * *why is a static string. The caller closes the descriptors; they are close-on-exec. Any
 * thread; errno is not preserved. */
#ifndef ENGINE_BOARD_LOCATION_H
#define ENGINE_BOARD_LOCATION_H

#include <stdbool.h>
#include <sys/stat.h>

#define LOCATION_WRITERS                                                                           \
    (S_IWGRP | S_IWOTH)      /* the permissions that a state directory must not have */
#define LOCATION_LOCK "lock" /* the file that is locked where others can read the directory */

enum location { LOCATION_OWN, LOCATION_FREE, LOCATION_FOREIGN };

/* What is at the path: a directory of this user, nothing, or anything else. Links are not followed. */
enum location location_look(const char *path);
/* Whether it is a directory of this user, or a link to one. */
bool location_is_own(const char *path);
/* Whether it is a directory of another user, or a link to one. */
bool location_is_foreign(const char *path);
/* Whether this user can create files in a directory of this user. */
bool location_is_writable(const char *path);
/* The user id for names in shared directories like /tmp: that of this process, but in a user namespace
 * that contains only this user (unshare -r), the id outside of it. */
unsigned location_user(void);

/* Creates the last component of the path (0700, whatever the umask). True if it exists; false: errno. */
bool location_make(const char *path);
/* Opens the directory if it belongs to this user and others cannot write to it. A symbolic link is
 * followed if it belongs to root or this user. */
int location_open(const char *path, bool make, const char **why);
/* Opens what processes of this user lock to replace the board, and nobody else can lock; -1: errno. */
int location_open_lock(int dir);
/* Whether the file belongs to this user and others cannot access it. */
bool location_is_private(int fd);

/* Whether every page of the file can be written at any time, judged by the type of the file system. On
 * one that allocates new blocks for each write (btrfs), a write to a mapped page raises SIGBUS when the
 * disk is full; on a network or FUSE file system it may at any time. */
bool location_keeps_room(int fd);
/* The same for a new, empty file of this process; where the type is not enough (overlayfs), by trying. 1 or
 * 0; -1: the file cannot be written at all. */
int location_keeps_room_tried(int fd);
extern const char location_why_no_room[]; /* the reason why it does not keep room */

#endif
