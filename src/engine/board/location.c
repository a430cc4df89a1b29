/* SPDX-License-Identifier: MIT */
#include "engine/board/location.h"

#include "base/kernel.h"
#include "base/open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

const char location_why_no_room[] =
    "its file system may need new space for each write, and has none when it "
    "is full; name a directory on tmpfs, ext4 or xfs";

enum location location_look(const char *path)
{
    struct stat st;
    if (kernel_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? LOCATION_FREE : LOCATION_FOREIGN;
    return S_ISDIR(st.st_mode) && st.st_uid == kernel_euid() ? LOCATION_OWN : LOCATION_FOREIGN;
}

bool location_is_own(const char *path)
{
    struct stat st;
    return !kernel_stat(AT_FDCWD, path, &st, 0) && S_ISDIR(st.st_mode) &&
           st.st_uid == kernel_euid();
}

bool location_is_foreign(const char *path)
{
    struct stat st;
    return !kernel_stat(AT_FDCWD, path, &st, 0) && S_ISDIR(st.st_mode) &&
           st.st_uid != kernel_euid();
}

bool location_is_writable(const char *path)
{
    struct stat st;
    struct statfs fs;
    const mode_t needed = S_IWUSR | S_IXUSR;
    int dir = open_file(path, O_RDONLY | O_DIRECTORY, 0);
    bool writable = dir >= 0 && !kernel_stat(dir, "", &st, AT_EMPTY_PATH) && !fstatfs(dir, &fs) &&
                    !(fs.f_flags & ST_RDONLY) &&
                    ((st.st_mode & needed) == needed || kernel_euid() == 0);
    if (dir >= 0)
        close(dir);
    return writable;
}

/* Reads a number of "INSIDE OUTSIDE COUNT"; returns the rest of the line. */
static const char *next_number(const char *s, unsigned long *n)
{
    s += strspn(s, " ");
    *n = 0;
    for (; *s >= '0' && *s <= '9'; s++)
        *n = *n * 10 + (unsigned long)(*s - '0');
    return s;
}

unsigned location_user(void)
{
    char map[512];
    unsigned own = kernel_euid();
    int fd = open_file("/proc/self/uid_map", O_RDONLY, 0);
    ssize_t n = fd < 0 ? 0 : read(fd, map, sizeof map - 1);
    if (fd >= 0)
        close(fd);
    map[n > 0 ? n : 0] = '\0';
    for (const char *line = map; *line;) {
        unsigned long inside, outside, count;
        const char *end = next_number(next_number(next_number(line, &inside), &outside), &count);
        if (inside == own && count == 1)
            return (unsigned)outside;
        line = strchrnul(end, '\n');
        line += *line != '\0';
    }
    return own;
}

/* The umask may have removed the owner's permissions, in this process or in one that was killed before
 * it got here. */
static void restore_mode(const char *path)
{
    struct stat st;
    if (!kernel_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode) &&
        st.st_uid == kernel_euid() && !(st.st_mode & (S_IRWXG | S_IRWXO)) &&
        (st.st_mode & S_IRWXU) != S_IRWXU)
        chmod(path, S_IRWXU);
}

bool location_make(const char *path)
{
    if (!mkdir(path, S_IRWXU))
        restore_mode(path);
    else if (errno != EEXIST)
        return false;
    return true;
}

/* systemd makes links for DynamicUser=yes. Anybody could have made one in a shared directory. */
static bool is_trusted_link(const char *path)
{
    struct stat st;
    return !kernel_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode) &&
           (st.st_uid == 0 || st.st_uid == kernel_euid());
}

static int open_directory(const char *path)
{
    int dir = open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    /* Linux reports a link as ENOTDIR here, and as ELOOP without O_DIRECTORY. */
    if (dir < 0 && (errno == ENOTDIR || errno == ELOOP) && is_trusted_link(path))
        dir = open_file(path, O_RDONLY | O_DIRECTORY, 0);
    return dir;
}

static bool only_owner_writes(int dir)
{
    struct stat st;
    return !kernel_stat(dir, "", &st, AT_EMPTY_PATH) && st.st_uid == kernel_euid() &&
           !(st.st_mode & LOCATION_WRITERS);
}

bool location_is_private(int fd)
{
    struct stat st;
    return !kernel_stat(fd, "", &st, AT_EMPTY_PATH) && st.st_uid == kernel_euid() &&
           !(st.st_mode & (S_IRWXG | S_IRWXO));
}

int location_open(const char *path, bool make, const char **why)
{
    *why = "the state directory cannot be created";
    if (make && !location_make(path))
        return -1;
    *why = "the state directory cannot be opened";
    int dir = open_directory(path);
    if (dir < 0 && errno == EACCES && make) {
        restore_mode(path);
        dir = open_directory(path);
    }
    if (dir < 0)
        return -1;
    *why = "the state directory is not owned by this user, or others can write to it";
    if (only_owner_writes(dir))
        return dir;
    close(dir);
    errno = EPERM;
    return -1;
}

/* Whoever can open a directory can lock it, for ever. So one that others can read has a file for that. */
int location_open_lock(int dir)
{
    struct stat st;
    if (kernel_stat(dir, "", &st, AT_EMPTY_PATH))
        return -1;
    if (!(st.st_mode & (S_IRGRP | S_IROTH)))
        return open_at(dir, ".", O_RDONLY | O_DIRECTORY, 0);
    int fd =
        open_at(dir, LOCATION_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, S_IRUSR | S_IWUSR);
    if (fd >= 0)
        fchmod(fd, S_IRUSR | S_IWUSR); /* whatever the umask */
    return fd;
}

/* ---- file systems ---------------------------------------------------------------------------- */

static unsigned file_system_of(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) ? 0 : (unsigned)fs.f_type;
}

static bool always_in_place(unsigned kind)
{
    return kind == TMPFS_MAGIC || kind == RAMFS_MAGIC || kind == EXT4_SUPER_MAGIC ||
           kind == XFS_SUPER_MAGIC;
}

/* On an overlay the answer depends on the file system below: the creator of the board has tried it. */
bool location_keeps_room(int fd)
{
    unsigned kind = file_system_of(fd);
    return always_in_place(kind) || kind == OVERLAYFS_SUPER_MAGIC;
}

/* The physical address of the first block, after it was written out. 0: unknown, or shared with other
 * files. */
static uint64_t first_block(int fd)
{
    union {
        struct fiemap map;
        char room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)];
    } x = {.map = {.fm_length = 1, .fm_flags = FIEMAP_FLAG_SYNC, .fm_extent_count = 1}};
    const struct fiemap_extent *e = &x.map.fm_extents[0];
    const unsigned no_place = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC |
                              FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_SHARED;
    if (ioctl(fd, FS_IOC_FIEMAP, &x) || !x.map.fm_mapped_extents || (e->fe_flags & no_place))
        return 0;
    return e->fe_physical;
}

int location_keeps_room_tried(int fd)
{
    unsigned kind = file_system_of(fd);
    uint64_t at = 0;
    if (kind != OVERLAYFS_SUPER_MAGIC)
        return always_in_place(kind);
    for (char i = 1; i <= 3; i++) {
        uint64_t before = at;
        if (pwrite(fd, &i, 1, 0) != 1)
            return -1;
        if (!(at = first_block(fd)) || (before && at != before))
            return 0;
    }
    return 1;
}
