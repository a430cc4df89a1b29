/* SPDX-License-Identifier: MIT */
#include "base/replace.h"

#include "base/clock.h"
#include "base/directory.h"
#include "base/open.h"
#include "base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

/* As root, rename would replace even /dev/null by a regular file. */
static bool is_replaceable(const char *path)
{
    struct stat st;
    return lstat(path, &st) < 0 || S_ISREG(st.st_mode);
}

static void drain(struct text *t)
{
    struct replacement *r = (struct replacement *)t; /* its first member */
    size_t n = t->n ? t->n - 1 : 0;                  /* text.h: the last byte stays */
    if (!r->err)
        r->err = write_all(r->fd, t->p, n);
    memmove(t->p, t->p + n, t->n - n + 1);
    t->n -= n;
}

void replacement_open(struct replacement *r, const char *path, char *room, size_t size)
{
    int saved = errno;
    char temp[PATH_MAX];
    *r = (struct replacement){
        .text = {.p = room, .cap = size, .drain = drain}, .path = path, .tag = rng_next() | 1};
    r->fd = !is_replaceable(path)            ? -EEXIST
            : !temp_name(temp, path, r->tag) ? -ENAMETOOLONG
                                             : open_new(temp);
    r->err = r->fd < 0 ? r->fd : 0;
    errno = saved;
}

void replacement_set_mode(struct replacement *r, mode_t mode)
{
    int saved = errno;
    if (!r->err && fchmod(r->fd, mode) < 0)
        r->err = -errno;
    errno = saved;
}

int replacement_close(struct replacement *r)
{
    int saved = errno;
    char temp[PATH_MAX];
    if (r->fd < 0 || !temp_name(temp, r->path, r->tag))
        return r->err;
    if (r->text.full && !r->err)
        r->err = -ENOBUFS;
    if (!r->err)
        r->err = write_all(r->fd, r->text.p, r->text.n);
    if (close(r->fd) < 0 && !r->err)
        r->err = -errno;
    if (!r->err && rename(temp, r->path) < 0)
        r->err = -errno;
    if (r->err)
        unlink(temp);
    errno = saved;
    return r->err;
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

struct sweep {
    int dir;
    const char *base;
    int64_t before_wall_ns;
};

static void remove_if_abandoned(void *ctx, const char *name)
{
    const struct sweep *w = ctx;
    struct stat st;
    if (is_temp_of(name, w->base) && fstatat(w->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
        st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec < w->before_wall_ns)
        unlinkat(w->dir, name, 0);
}

void replacement_sweep(const char *path, int64_t before_wall_ns)
{
    int saved = errno;
    char dir[PATH_MAX];
    struct text t = TEXT_OVER(dir);
    struct sweep w = {.base = strrchr(path, '/') + 1, .before_wall_ns = before_wall_ns};
    text_putn(&t, path, (size_t)(w.base - path));
    w.dir = t.full ? -1 : open_file(dir, O_RDONLY | O_DIRECTORY, 0);
    if (w.dir >= 0) {
        directory_each(w.dir, remove_if_abandoned, &w);
        close(w.dir);
    }
    errno = saved;
}

int replace_file(const char *path, const char *p, size_t n)
{
    struct replacement r;
    replacement_open(&r, path, (char *)p, n + 1);
    r.text.n = n; /* from here on it is only read */
    return replacement_close(&r);
}
