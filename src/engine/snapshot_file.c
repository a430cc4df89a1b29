/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "engine/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
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

int snapshot_write(const char *path, const char *p, size_t n)
{
    int saved = errno;
    char temp[PATH_MAX];
    struct text t = TEXT_OVER(temp);
    text_put(&t, path);
    text_put(&t, ".");
    text_u64(&t, (uint64_t)getpid());
    text_put(&t, ".tmp");
    if (t.full)
        return -ENAMETOOLONG;

    int fd = open_new(temp);
    int err = fd < 0 ? fd : write_all(fd, p, n);
    if (fd >= 0 && close(fd) < 0 && !err)
        err = -errno;
    if (!err && rename(temp, path) < 0)
        err = -errno;
    if (err && fd >= 0)
        unlink(temp);
    errno = saved;
    return err;
}
