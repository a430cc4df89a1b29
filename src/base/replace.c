/* SPDX-License-Identifier: MIT */
#include "base/replace.h"

#include "base/clock.h"
#include "base/open.h"
#include "base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TEMP_END ".tmp"

static int open_new(const char *path)
{
    int fd = open_file(path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0600);
    return fd < 0 ? -errno : fd;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

static bool temp_name(char name[PATH_MAX], const char *path, uint64_t tag)
{
    struct text t = {.p = name, .cap = PATH_MAX};
    text_put(&t, path);
    text_put(&t, ".");
    text_u64(&t, tag);
    text_put(&t, TEMP_END);
    return !t.full;
}

/* Under root, rename would put our file in the place of /dev/null. */
static bool is_replaceable(const char *path)
{
    struct stat st;
    return lstat(path, &st) < 0 || S_ISREG(st.st_mode);
}

static void drain(struct text *t)
{
    struct replacement *f = (struct replacement *)t; /* its first member */
    size_t n = t->n ? t->n - 1 : 0;
    if (!f->err)
        f->err = write_all(f->fd, t->p, n);
    memmove(t->p, t->p + n, t->n - n + 1);
    t->n -= n;
}

void replacement_open(struct replacement *f, const char *path, char *room, size_t size)
{
    int saved = errno;
    char temp[PATH_MAX];
    *f = (struct replacement){
        .text = {.p = room, .cap = size, .drain = drain}, .path = path, .tag = rng_next() | 1};
    f->fd = !is_replaceable(path)            ? -EEXIST
            : !temp_name(temp, path, f->tag) ? -ENAMETOOLONG
                                             : open_new(temp);
    f->err = f->fd < 0 ? f->fd : 0;
    errno = saved;
}

int replacement_close(struct replacement *f)
{
    int saved = errno;
    char temp[PATH_MAX];
    if (f->fd < 0 || !temp_name(temp, f->path, f->tag))
        return f->err;
    if (f->text.full && !f->err)
        f->err = -ENOBUFS;
    if (!f->err)
        f->err = write_all(f->fd, f->text.p, f->text.n);
    if (close(f->fd) < 0 && !f->err)
        f->err = -errno;
    if (!f->err && rename(temp, f->path) < 0)
        f->err = -errno;
    if (f->err)
        unlink(temp);
    errno = saved;
    return f->err;
}

void replacement_remove(const char *path, uint64_t tag)
{
    int saved = errno;
    char temp[PATH_MAX];
    if (temp_name(temp, path, tag))
        unlink(temp);
    errno = saved;
}

static bool is_temp_of(const char *name, const char *base)
{
    size_t n = strlen(base), all = strlen(name), end = strlen(TEMP_END);
    return all > n + end && strncmp(name, base, n) == 0 && name[n] == '.' &&
           strcmp(name + all - end, TEMP_END) == 0;
}

static void remove_lost(int dir, const char *name, int64_t before_wall_ns)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
        st.st_uid == geteuid() &&
        st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec < before_wall_ns)
        unlinkat(dir, name, 0);
}

/* As the kernel gives it: opendir() allocates. */
struct entry {
    uint64_t inode;
    int64_t next;
    uint16_t length;
    uint8_t type;
    char name[];
};

void replacement_sweep(const char *path, int64_t before_wall_ns)
{
    int saved = errno;
    char dir[PATH_MAX];
    struct text t = TEXT_OVER(dir);
    const char *base = strrchr(path, '/') + 1;
    text_putn(&t, path, (size_t)(base - path));
    int fd = t.full ? -1 : open_file(dir, O_RDONLY | O_DIRECTORY, 0);
    _Alignas(struct entry) char room[4096];
    for (long n; fd >= 0 && (n = syscall(SYS_getdents64, fd, room, sizeof room)) > 0;)
        for (long at = 0; at < n;) {
            const struct entry *e = (const struct entry *)(const void *)(room + at);
            if (is_temp_of(e->name, base))
                remove_lost(fd, e->name, before_wall_ns);
            at += e->length;
        }
    if (fd >= 0)
        close(fd);
    errno = saved;
}

int replace_file(const char *path, const char *p, size_t n)
{
    struct replacement f;
    replacement_open(&f, path, (char *)p, n + 1);
    f.text.n = n; /* only read from here on */
    return replacement_close(&f);
}
