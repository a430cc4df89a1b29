/* SPDX-License-Identifier: MIT
 *
 * Measures the cost of connect() beyond its system call. Raw calls and calls by name alternate in
 * one process, so that drift does not affect the difference. The program does not know the library.
 *
 *     connect tracked N   N connections of each kind to a listener of its own
 *     connect warm N      calls of a connect() that only waits (preload/still.c), on one socket
 *     connect port53 N    a datagram socket to the port of name servers; nothing is sent
 *     connect local N     a datagram socket of the local family
 *     connect count N     N connections by name only, for counting instructions or system calls
 *
 * Prints "RAW NAMED OVER" in nanoseconds: medians; OVER is the median of the differences of
 * neighbours. */
#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 500 };

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, int n)
{
    qsort(v, (size_t)n, sizeof *v, by_size);
    return v[n / 2];
}

static void report(double *raw, double *named, double *over, int n)
{
    for (int i = 0; i < n; i++)
        over[i] = named[i] - raw[i];
    printf("%.1f %.1f %.1f\n", median(raw, n), median(named, n), median(over, n));
}

static void *listener(void *arg)
{
    for (;;)
        close(accept(*(int *)arg, NULL, NULL));
    return NULL;
}

static struct sockaddr_in listen_here(void)
{
    static int fd;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    pthread_t t;
    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&a, size) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)&a, &size) || pthread_create(&t, NULL, listener, &fd))
        exit(1);
    return a;
}

/* Not with syscall(), which torsocks intercepts too. */
static long raw_connect(int fd, const void *to, size_t size)
{
#ifdef __x86_64__
    long r = SYS_connect;
    __asm__ volatile("syscall"
                     : "+a"(r)
                     : "D"((long)fd), "S"(to), "d"(size)
                     : "rcx", "r11", "memory");
    return r;
#else
    return syscall(SYS_connect, fd, to, size);
#endif
}

/* Uses a new connection, closed without lingering. */
static double one(const struct sockaddr_in *to, int named)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int64_t begun = now_ns();
    long r = named ? connect(fd, (const struct sockaddr *)to, sizeof *to)
                   : raw_connect(fd, to, sizeof *to);
    int64_t ended = now_ns();
    if (r)
        exit(1);
    struct linger at_once = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
    return (double)(ended - begun);
}

static void tracked(int n, double *raw, double *named)
{
    struct sockaddr_in to = listen_here();
    for (int i = 0; i < 100; i++)
        one(&to, i % 2);
    for (int i = 0; i < n; i++) {
        int first = i % 2; /* each kind comes first in turn */
        double a = one(&to, first), b = one(&to, !first);
        named[i] = first ? a : b;
        raw[i] = first ? b : a;
    }
}

typedef int connect_function(int fd, const struct sockaddr *address, socklen_t length);

static void warm(int n, double *raw, double *named)
{
    connect_function *still = (connect_function *)dlsym(RTLD_DEFAULT, "still_connect");
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (!still)
        exit(1);
    for (int i = -100; i < n; i++) {
        int64_t begun = now_ns();
        still(fd, (struct sockaddr *)&to, sizeof to);
        int64_t between = now_ns();
        connect(fd, (struct sockaddr *)&to, sizeof to);
        int64_t ended = now_ns();
        if (i >= 0) {
            raw[i] = (double)(between - begun);
            named[i] = (double)(ended - between);
        }
    }
}

static void datagrams(const struct sockaddr *to, socklen_t size, int n, double *raw, double *named)
{
    int fd = socket(to->sa_family, SOCK_DGRAM, 0);
    if (connect(fd, to, size))
        exit(1);
    for (int i = 0; i < n; i++) {
        int64_t begun = now_ns();
        for (int k = 0; k < BLOCK; k++)
            syscall(SYS_connect, fd, to, size);
        int64_t between = now_ns();
        for (int k = 0; k < BLOCK; k++)
            connect(fd, to, size);
        raw[i] = (double)(between - begun) / BLOCK;
        named[i] = (double)(now_ns() - between) / BLOCK;
    }
}

int main(int argc, char **argv)
{
    int n = argc == 3 ? atoi(argv[2]) : 0;
    double *v = malloc((size_t)n * 3 * sizeof *v);
    if (n < 1 || !v)
        return 2;
    if (!strcmp(argv[1], "count")) {
        struct sockaddr_in to = listen_here();
        for (int i = 0; i < n; i++)
            one(&to, 1);
        return 0;
    }
    if (!strcmp(argv[1], "tracked")) {
        tracked(n, v, v + n);
    } else if (!strcmp(argv[1], "warm")) {
        warm(n, v, v + n);
    } else if (!strcmp(argv[1], "port53")) {
        struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons(53),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        datagrams((struct sockaddr *)&to, sizeof to, n, v, v + n);
    } else {
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        int server = socket(AF_UNIX, SOCK_DGRAM, 0);
        snprintf(to.sun_path + 1, sizeof to.sun_path - 1, "harden-bench-%d", getpid());
        if (bind(server, (struct sockaddr *)&to, sizeof to))
            return 1;
        datagrams((struct sockaddr *)&to, sizeof to, n, v, v + n);
    }
    report(v, v + n, v + 2 * n, n);
    free(v);
    return 0;
}
