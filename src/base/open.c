/* SPDX-License-Identifier: MIT */
#include "base/open.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define STANDARD 3 /* numbers: input, output, error */

static _Thread_local bool own_table;

void open_in_own_table(void)
{
    own_table = true;
}

bool open_has_own_table(void)
{
    return own_table;
}

/* The standard numbers that nobody has. */
struct held {
    int fd[STANDARD];
    int count;
};

/* What is opened only as a path answers EBADF to whoever reads, writes or polls, as the closed number
 * did. */
static void hold(struct held *h)
{
    h->count = 0;
    for (int fd = 0; !own_table && fd < STANDARD; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        int got = open("/", O_PATH | O_CLOEXEC);
        if (got >= 0)
            h->fd[h->count++] = got;
    }
}

/* The number may have become free after hold() looked. Returns fd, or another one for it. */
static int release(const struct held *h, int fd)
{
    int saved = errno;
    if (fd >= 0 && fd < STANDARD && !own_table) {
        int low = fd;
        fd = fcntl(low, F_DUPFD_CLOEXEC, STANDARD);
        saved = fd < 0 ? errno : saved;
        close(low);
    }
    for (int i = 0; i < h->count; i++)
        close(h->fd[i]);
    errno = saved;
    return fd;
}

int open_at(int dir, const char *path, int flags, mode_t mode)
{
    struct held h;
    hold(&h);
    return release(&h, openat(dir, path, flags | O_CLOEXEC, mode));
}

int open_file(const char *path, int flags, mode_t mode)
{
    return open_at(AT_FDCWD, path, flags, mode);
}

int open_socket(int family, int type, int protocol)
{
    struct held h;
    hold(&h);
    return release(&h, socket(family, type | SOCK_CLOEXEC, protocol));
}
