/* SPDX-License-Identifier: MIT */
#include "engine/board/others.h"

#include "base/clock.h"
#include "base/directory.h"
#include "base/open.h"
#include "engine/board/board.h"
#include "engine/board/location.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

uint32_t others_layout(const char *name)
{
    static const char first[] = "board.";
    uint32_t n = 0;
    if (strncmp(name, first, sizeof first - 1))
        return 0;
    for (name += sizeof first - 1; *name >= '0' && *name <= '9' && n < 100000; name++)
        n = n * 10 + (uint32_t)(*name - '0');
    return *name ? 0 : n;
}

/* By writing what is there: a time set by utimensat() would be a system call more that a filter of the
 * program may forbid. */
void others_touch(int fd)
{
    const uint64_t magic = BOARD_MAGIC;
    (void)!pwrite(fd, &magic, sizeof magic, 0);
}

static bool is_board(int fd, uint32_t layout)
{
    struct stat st;
    struct board_header h;
    const ssize_t start = offsetof(struct board_header, boot_id);
    return !fstat(fd, &st) && S_ISREG(st.st_mode) && location_is_private(fd) &&
           pread(fd, &h, (size_t)start, 0) == start && h.magic == BOARD_MAGIC && h.layout == layout;
}

static bool is_rested(int fd, int64_t rest_s)
{
    struct stat st;
    return !fstat(fd, &st) && st.st_mtim.tv_sec <= clock_wall_ns() / NS_PER_S - rest_s;
}

/* Whether a mapping of the file holds a lock on it after close(). Not on overlayfs, where the mapping refers to
 * another file below. Then nothing tells that a board is in use. fd: another descriptor; its lock is lost. */
static bool mapping_holds(int dir, const char *name, int fd)
{
    int mapped = open_at(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
    if (mapped < 0)
        return false;
    flock(fd, LOCK_UN);
    bool locked = !flock(mapped, LOCK_SH | LOCK_NB);
    void *p = mmap(NULL, 1, PROT_READ, MAP_SHARED, mapped, 0);
    close(mapped);
    bool holds = locked && p != MAP_FAILED && flock(fd, LOCK_EX | LOCK_NB);
    if (p != MAP_FAILED)
        munmap(p, 1);
    return holds;
}

static bool lock_for_removal(int dir, const char *name, int fd)
{
    return mapping_holds(dir, name, fd) && !flock(fd, LOCK_EX | LOCK_NB);
}

enum fate { STAYS, IS_USED, IS_REMOVED };

/* With the directory locked. */
static enum fate remove_unused(int dir, const char *name, uint32_t layout, int64_t rest_s)
{
    int fd = open_at(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK, 0);
    if (fd < 0)
        return errno == ENOENT ? IS_REMOVED : STAYS;
    enum fate fate = STAYS;
    if (is_board(fd, layout)) {
        if (flock(fd, LOCK_EX | LOCK_NB)) {
            others_touch(fd);
            fate = IS_USED;
        } else if (is_rested(fd, rest_s) && lock_for_removal(dir, name, fd) &&
                   !unlinkat(dir, name, 0)) {
            fate = IS_REMOVED;
        }
        flock(fd, LOCK_UN); /* a child of a fork may have it open, too */
    }
    close(fd);
    return fate;
}

/* Without waiting: another process that has locked the directory may be removing them. */
static enum fate remove_locked(int dir, const char *name, uint32_t layout, int64_t rest_s)
{
    int lock = layout < OTHERS_FIRST ? -1 : location_open_lock(dir);
    enum fate fate = STAYS;
    if (lock < 0)
        return STAYS;
    if (!flock(lock, LOCK_EX | LOCK_NB)) {
        fate = remove_unused(dir, name, layout, rest_s);
        flock(lock, LOCK_UN); /* a child of a fork may have it open, too */
    }
    close(lock);
    return fate;
}

struct tidying {
    int dir;
    int64_t rest_s;
    struct others others;
};

static void tidy_one(void *ctx, const char *name)
{
    struct tidying *t = ctx;
    uint32_t layout = others_layout(name);
    if (!layout || layout == BOARD_LAYOUT)
        return;
    enum fate fate = remove_locked(t->dir, name, layout, t->rest_s);
    t->others.left += fate != IS_REMOVED;
    t->others.newer_in_use |= fate == IS_USED && layout > BOARD_LAYOUT;
}

struct others others_tidy(int dir, int64_t rest_s)
{
    struct tidying t = {.dir = dir, .rest_s = rest_s};
    int saved = errno;
    directory_each(dir, tidy_one, &t);
    errno = saved;
    return t.others;
}

struct others others_tidy_path(const char *path, int64_t rest_s)
{
    const char *why;
    int saved = errno, dir = location_open(path, false, &why);
    struct others o = {0};
    if (dir >= 0)
        o = others_tidy(dir, rest_s);
    if (dir >= 0)
        close(dir);
    errno = saved;
    return o;
}
