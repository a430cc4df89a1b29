/* SPDX-License-Identifier: MIT
 *
 * The first connect() of a process in places where it must not allocate or wait for a lock.
 *
 *     handler inet|local    a signal handler connects while the thread holds the lock of malloc()
 *     handlers              a timer's handler connects repeatedly while threads allocate
 *     malloc inet|local     the program's own allocator connects while it holds its lock
 *     plug-in FILE          dlopen() of an object whose constructor waits for a thread's first call
 *
 * With -DALLOCATOR, only the allocator as a library; with -DPROGRAM, a program without an
 * allocator. */
#include "host.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void __libc_free(void *p);

extern enum what { NOTHING, RAISE, CONNECT } volatile next_malloc;
extern int port, family;
extern volatile int connected;
#ifndef PROGRAM
int port, family = AF_INET;
volatile int connected;
#endif

/* To a socket of this process: the result is immediate. */
static void connect_somewhere(void)
{
    int fd = socket(family, SOCK_STREAM, 0), r;
    if (family == AF_INET) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        r = connect(fd, (struct sockaddr *)&a, sizeof a);
    } else {
        struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/socket"};
        r = connect(fd, (struct sockaddr *)&a, sizeof a);
    }
    connected += family == AF_INET ? !r : r == -1 && errno == ENOENT;
    close(fd);
}

/* ---- an allocator with a lock ---------------------------------------------------------------- */

#ifndef PROGRAM
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
volatile enum what next_malloc;

static void enter(void)
{
    pthread_mutex_lock(&lock);
    enum what what = next_malloc;
    next_malloc = NOTHING;
    if (what == RAISE)
        raise(SIGUSR1);
    else if (what == CONNECT)
        connect_somewhere();
}

static void leave(void)
{
    pthread_mutex_unlock(&lock);
}

void *malloc(size_t n)
{
    enter();
    void *p = __libc_malloc(n);
    leave();
    return p;
}

void *calloc(size_t n, size_t size)
{
    enter();
    void *p = __libc_calloc(n, size);
    leave();
    return p;
}

void *realloc(void *was, size_t n)
{
    enter();
    void *p = __libc_realloc(was, n);
    leave();
    return p;
}

void free(void *p)
{
    enter();
    __libc_free(p);
    leave();
}

#endif

/* ---- the places ------------------------------------------------------------------------------ */

#ifndef ALLOCATOR
static void on_signal(int number)
{
    int saved = errno;
    (void)number;
    connect_somewhere();
    errno = saved;
}

static void allocate_with(enum what what)
{
    next_malloc = what;
    void *volatile p = malloc(10);
    free(p);
    printf("connected: %d\n", connected);
}

static void *allocate(void *unused)
{
    void *volatile kept[64] = {NULL};
    (void)unused;
    for (unsigned i = 0; connected < 200; i++) {
        unsigned k = i * 7 % 64;
        free(kept[k]);
        kept[k] = malloc(1 + i % 8191);
    }
    for (int i = 0; i < 64; i++)
        free(kept[i]);
    return NULL;
}

static void in_handlers(void)
{
    pthread_t thread;
    struct itimerval often = {{0, 500}, {0, 200}};
    signal(SIGALRM, on_signal);
    setitimer(ITIMER_REAL, &often, NULL);
    pthread_create(&thread, NULL, allocate, NULL);
    allocate(NULL);
    pthread_join(thread, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    printf("connected: %s\n", connected >= 200 ? "often" : "seldom");
}

static void listening(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(!bind(fd, (struct sockaddr *)&a, n) && !listen(fd, 1000));
    getsockname(fd, (struct sockaddr *)&a, &n);
    port = ntohs(a.sin_port);
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "", *what = argc > 2 ? argv[2] : "";
    listening();
    alarm(!strcmp(way, "handlers") ? 0 : 20);
    if (!strcmp(what, "local"))
        family = AF_UNIX;
    signal(SIGUSR1, on_signal);
    if (!strcmp(way, "handler"))
        allocate_with(RAISE);
    else if (!strcmp(way, "malloc"))
        allocate_with(CONNECT);
    else if (!strcmp(way, "handlers"))
        in_handlers();
    else if (!strcmp(way, "plug-in"))
        puts(dlopen(what, RTLD_NOW) ? "loaded" : dlerror());
    return 0;
}
#endif
