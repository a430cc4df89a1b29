/* SPDX-License-Identifier: MIT */
#include "cli/foreign_board.h"

#include "base/kernel.h"
#include "base/open.h"
#include "engine/board/location.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether only the owner can have written it. */
static bool is_written_by(const struct stat *st, uid_t owner)
{
    return st->st_uid == owner && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int open_directory(const char *path, uid_t owner, const char **why)
{
    struct stat st;
    *why = "the state directory cannot be opened";
    int dir = open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (dir < 0)
        return -1;
    *why = "the state directory does not belong to that user, or others can write to it";
    if (!kernel_stat(dir, "", &st, AT_EMPTY_PATH) && is_written_by(&st, owner))
        return dir;
    close(dir);
    errno = EPERM;
    return -1;
}

/* O_NONBLOCK: it might be a pipe, or under a lease of its owner. */
static struct board *open_board(int dir, uid_t owner, const char **why)
{
    struct stat st;
    struct board *b = NULL;
    *why = "the board cannot be opened";
    int fd = open_at(dir, BOARD_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return NULL;
    *why = "the board is not a regular file of that user, or others can write to it";
    if (kernel_stat(fd, "", &st, AT_EMPTY_PATH) || !S_ISREG(st.st_mode) ||
        !is_written_by(&st, owner))
        goto out;
    *why = location_why_no_room;
    if (!location_keeps_room(fd))
        goto out;
    *why = "the board is too large to be copied; look at it as its owner";
    if (st.st_size <= FOREIGN_BOARD_MAX_BYTES)
        b = board_copy(fd, st.st_size, why);
out:
    close(fd);
    errno = EPERM;
    return b;
}

struct board *foreign_board_open(const char *path, uid_t owner, const char **why)
{
    int dir = open_directory(path, owner, why);
    struct board *b = dir >= 0 ? open_board(dir, owner, why) : NULL;
    int error = errno;
    if (dir >= 0)
        close(dir);
    errno = error;
    return b;
}
