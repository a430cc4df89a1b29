/* SPDX-License-Identifier: MIT */
#include "base/open.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define STANDARD 3 /* descriptors: input, output, error */

static _Thread_local bool own_table;

void open_in_own_table(void)
{
    own_table = true;
}

bool open_has_own_table(void)
{
    return own_table;
}

/* Standard descriptors that were closed, and are occupied for the moment. */
struct occupied {
    int fd[STANDARD];
    int count;
};

/* An O_PATH descriptor fails read(), write() and poll() with EBADF, as the closed number did. */
static void occupy_standard(struct occupied *o)
{
    o->count = 0;
    for (int fd = 0; !own_table && fd < STANDARD; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        int got = open("/", O_PATH | O_CLOEXEC);
        if (got >= 0)
            o->fd[o->count++] = got;
    }
}

/* Frees the standard descriptors. Returns fd, or its duplicate if it is one of them, which happens
 * if the program has closed that one since. */
static int free_standard(const struct occupied *o, int fd)
{
    int saved = errno;
    if (fd >= 0 && fd < STANDARD && !own_table) {
        int low = fd;
        fd = fcntl(low, F_DUPFD_CLOEXEC, STANDARD);
        saved = fd < 0 ? errno : saved;
        close(low);
    }
    for (int i = 0; i < o->count; i++)
        close(o->fd[i]);
    errno = saved;
    return fd;
}

int open_at(int dir, const char *path, int flags, mode_t mode)
{
    struct occupied o;
    occupy_standard(&o);
    return free_standard(&o, openat(dir, path, flags | O_CLOEXEC, mode));
}

int open_file(const char *path, int flags, mode_t mode)
{
    return open_at(AT_FDCWD, path, flags, mode);
}

int open_socket(int family, int type, int protocol)
{
    struct occupied o;
    occupy_standard(&o);
    return free_standard(&o, socket(family, type | SOCK_CLOEXEC, protocol));
}
