/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/open.h"
#include "base/shield.h"
#include "base/syscalls.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum log_level log_level_now = LOG_OFF;

static const char *_Atomic log_to = "stderr";
static const char *_Atomic log_program = "";

/* The file that descriptor 2 referred to at the first log_set(). */
static struct {
    atomic_bool known;
    dev_t dev;
    ino_t ino;
} first_stderr;

static void remember_stderr(void)
{
    struct stat st;
    int saved = errno;
    if (!atomic_load(&first_stderr.known) && fstat(STDERR_FILENO, &st) == 0) {
        first_stderr.dev = st.st_dev;
        first_stderr.ino = st.st_ino;
        atomic_store(&first_stderr.known, true);
    }
    errno = saved;
}

void log_set(enum log_level level, const char *to, const char *program)
{
    remember_stderr();
    atomic_store(&log_to, to ? to : "stderr");
    atomic_store(&log_program, program ? program : "");
    __atomic_store_n(&log_level_now, level, __ATOMIC_RELEASE);
}

void log_own_descriptors(void)
{
    open_in_own_table();
}

bool log_has_own_descriptors(void)
{
    return open_has_own_table();
}

static const char *level_name(enum log_level level)
{
    static const char *const names[] = {"off", "error", "warn", "info", "debug"};
    return names[level];
}

/* Whether fd still refers to the standard error output (in a daemon that has closed its standard
 * streams, number 2 may be any file of the program), and can be written without blocking. */
static bool is_stderr(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC && !open_has_own_table()))
        return false;
    struct stat st;
    if (!atomic_load(&first_stderr.known) || fstat(fd, &st) || st.st_dev != first_stderr.dev ||
        st.st_ino != first_stderr.ino)
        return false;
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &n) == 0 && a.ss_family != AF_UNIX)
        return false;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, 0) == 1 && p.revents & POLLOUT;
}

static void write_to_stderr(const char *p, size_t n)
{
    int fd = STDERR_FILENO;
    int process = -1;
    if (open_has_own_table()) {
        process = (int)syscall(SYS_pidfd_open, getpid(), 0);
        fd = (int)syscall(SYS_pidfd_getfd, process, STDERR_FILENO, 0);
    }
    if (is_stderr(fd)) {
        ssize_t done = write(fd, p, n);
        (void)done; /* there is nowhere to report a failure */
    }
    if (open_has_own_table()) {
        if (fd >= 0)
            close(fd);
        if (process >= 0)
            close(process);
    }
}

/* syslog(3) would keep a descriptor open and take a lock. */
static void write_to_syslog(enum log_level level, const struct text *line)
{
    static const int severity[] = {3, 3, 4, 6, 7};
    const int facility_user = 1;
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    char buf[1280];
    struct text t = TEXT_OVER(buf);
    text_put(&t, "<");
    text_u64(&t, (uint64_t)(facility_user * 8 + severity[level]));
    text_put(&t, ">");
    text_put(&t, atomic_load(&log_program));
    text_put(&t, "[");
    text_u64(&t, (uint64_t)getpid());
    text_put(&t, "]: ");
    text_putn(&t, line->p, line->n - 1);
    int fd = open_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    sendto(fd, t.p, t.n, MSG_NOSIGNAL, (struct sockaddr *)&a, sizeof a);
    close(fd);
}

/* Replaces %p, %n, %u and %%; false if it does not fit. */
static bool expand_pattern(struct text *out, const char *pattern)
{
    const char *program = atomic_load(&log_program);
    for (const char *s = pattern; *s; s++) {
        char c = s[0] == '%' ? s[1] : 0;
        if (c == 'p')
            text_u64(out, (uint64_t)getpid());
        else if (c == 'u')
            text_u64(out, getuid());
        else if (c == 'n')
            for (const char *n = program; *n; n++)
                text_putn(out, *n == '/' ? "_" : n, 1);
        else
            text_putn(out, s, 1);
        if (c && strchr("pun%", c))
            s++;
    }
    return !out->full;
}

/* Files directly in these directories may be symbolic links that only the kernel or root has made.
 * Not so below them: in /dev/shm any user can create one. */
static bool is_device(const char *path)
{
    static const char dirs[][16] = {"/proc/self/fd/", "/dev/fd/", "/dev/"};
    for (size_t i = 0; i < array_size(dirs); i++) {
        size_t n = strlen(dirs[i]);
        if (strncmp(path, dirs[i], n) == 0)
            return !strchr(path + n, '/');
    }
    return false;
}

int log_append(const char *path, const char *p, size_t n)
{
    if (strcmp(path, "/dev/stderr") == 0) {
        write_to_stderr(p, n);
        return 0;
    }
    /* O_NONBLOCK: opening a FIFO without a reader must not block. It has no effect on files. */
    int flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY;
    int fd = open_file(path, flags | (is_device(path) ? 0 : O_CREAT | O_NOFOLLOW), 0600);
    if (fd < 0)
        return -errno;
    ssize_t done = write(fd, p, n);
    int err = done < 0 ? -errno : (size_t)done < n ? -ENOSPC : 0;
    close(fd);
    return err;
}

static void write_to_file(const char *to, const struct text *line)
{
    char path[PATH_MAX];
    struct text where = TEXT_OVER(path);
    char buf[1280];
    struct text t = TEXT_OVER(buf);
    path[0] = '\0';
    if (!expand_pattern(&where, to))
        return;
    text_time(&t, clock_wall_ns());
    text_put(&t, " [");
    text_u64(&t, (uint64_t)getpid());
    text_put(&t, "] ");
    text_putn(&t, line->p, line->n);
    log_append(path, t.p, t.n);
}

struct line {
    enum log_level level;
    const char *fmt;
    va_list args;
};

static void write_line(void *arg)
{
    struct line *l = arg;
    char buf[1024];
    struct text t = {.p = buf, .cap = sizeof buf - 1}; /* the newline always fits */
    text_put(&t, "harden: ");
    text_put(&t, level_name(l->level));
    text_put(&t, ": ");
    text_vfmt(&t, l->fmt, l->args);
    for (size_t i = 0; i < t.n; i++)
        if ((unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7f)
            t.p[i] = '?'; /* one call, one line */
    t.cap = sizeof buf;
    text_put(&t, "\n");

    const char *to = atomic_load(&log_to);
    if (strcmp(to, "stderr") == 0 || strcmp(to, "/dev/stderr") == 0)
        write_to_stderr(t.p, t.n);
    else if (strcmp(to, "syslog") == 0)
        write_to_syslog(l->level, &t);
    else
        write_to_file(to, &t);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if (level <= LOG_OFF || level > LOG_DEBUG ||
        level > __atomic_load_n(&log_level_now, __ATOMIC_ACQUIRE))
        return;
    struct line l = {.level = level, .fmt = fmt};
    va_start(l.args, fmt);
    shield_run(write_line, &l);
    va_end(l.args);
}
