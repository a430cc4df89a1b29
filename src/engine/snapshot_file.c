/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "engine/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_new(const char *path)
{
    const int flags = O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(path, flags, 0600);
    if (fd < 0 && errno == EEXIST) {
        /* Left by a killed process whose pid we have now. Removed, not opened: its name may have
         * been planted. */
        unlink(path);
        fd = open(path, flags, 0600);
    }
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

static bool temp_name(char name[PATH_MAX], const char *path)
{
    struct text t = {.p = name, .cap = PATH_MAX};
    text_put(&t, path);
    text_put(&t, ".");
    text_u64(&t, (uint64_t)getpid());
    text_put(&t, ".tmp");
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
    struct snapshot_file *f = (struct snapshot_file *)t; /* its first member */
    size_t n = t->n ? t->n - 1 : 0;
    if (!f->err)
        f->err = write_all(f->fd, t->p, n);
    memmove(t->p, t->p + n, t->n - n + 1);
    t->n -= n;
}

void snapshot_open(struct snapshot_file *f, const char *path, char *room, size_t size)
{
    int saved = errno;
    char temp[PATH_MAX];
    *f = (struct snapshot_file){.text = {.p = room, .cap = size, .drain = drain}, .path = path};
    f->fd = !is_replaceable(path)    ? -EEXIST
            : !temp_name(temp, path) ? -ENAMETOOLONG
                                     : open_new(temp);
    f->err = f->fd < 0 ? f->fd : 0;
    errno = saved;
}

int snapshot_close(struct snapshot_file *f)
{
    int saved = errno;
    char temp[PATH_MAX];
    if (f->fd < 0 || !temp_name(temp, f->path))
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

int snapshot_write(const char *path, const char *p, size_t n)
{
    struct snapshot_file f;
    snapshot_open(&f, path, (char *)p, n + 1);
    f.text.n = n; /* only read from here on */
    return snapshot_close(&f);
}
