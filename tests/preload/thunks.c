/* SPDX-License-Identifier: MIT
 *
 * The calls that preload/imports.c binds, in a separate program: the first calls of each child come
 * at once from all its threads and from a process that one of them forks, with arguments in every
 * kind of register. "slots" are checked before and after. */
#include "imports.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define REQUIRE(cond)                                                                              \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            dprintf(1, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                                  \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

extern int libc_snprintf(char *out, size_t size, const char *format, ...);
extern void *libc_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
extern double libc_strtod(const char *s, char **end);
extern void *import_slots[];

enum { CHILDREN = 200, THREADS = 4 };
static pthread_barrier_t together;

/* Whether the page of the slots is writable: if not, a read into it fails with EFAULT. */
static int writable(void)
{
    int fd[2];
    REQUIRE(!pipe(fd) && write(fd[1], import_slots, sizeof(void *)) == sizeof(void *));
    ssize_t n = read(fd[0], import_slots, sizeof(void *));
    close(fd[0]);
    close(fd[1]);
    return n >= 0;
}

static void call(double x)
{
    char out[200], expected[200];
    errno = 77;
    int n = libc_snprintf(out, sizeof out, "%d %s %g %g %g %g %g %g %g %ld %c %g %p", 1, "two", x,
                          x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, 5L, 'c', x + 7, (void *)out);
    REQUIRE(errno == 77);
    REQUIRE(n == snprintf(expected, sizeof expected, "%d %s %g %g %g %g %g %g %g %ld %c %g %p", 1,
                          "two", x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, 5L, 'c', x + 7,
                          (void *)out));
    REQUIRE(!strcmp(out, expected));
    char *end;
    REQUIRE(libc_strtod("2.5z", &end) == 2.5 && *end == 'z');
    void *p = libc_mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(p != MAP_FAILED && !munmap(p, 4096));
}

static void *thread(void *arg)
{
    int i = *(int *)arg;
    pthread_barrier_wait(&together);
    pid_t child = i == 0 ? fork() : -1;
    call(i + 0.5);
    REQUIRE(imports_ready());
    if (child == 0)
        _exit(0);
    int status = 0;
    REQUIRE(child < 0 || (waitpid(child, &status, 0) == child && !status));
    return NULL;
}

static void child(void)
{
    pthread_t t[THREADS];
    int numbers[THREADS];
    REQUIRE(!pthread_barrier_init(&together, NULL, THREADS));
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        REQUIRE(!pthread_create(&t[i], NULL, thread, &numbers[i]));
    }
    for (int i = 0; i < THREADS; i++)
        REQUIRE(!pthread_join(t[i], NULL));
    REQUIRE(!writable());
    _exit(0);
}

int main(void)
{
    REQUIRE(!writable());
    void *before = import_slots[0];
    for (int i = 0; i < CHILDREN; i++) {
        pid_t pid = fork();
        if (pid == 0)
            child();
        int status;
        REQUIRE(waitpid(pid, &status, 0) == pid && !status);
    }
    REQUIRE(import_slots[0] == before);
    call(0.5);
    REQUIRE(import_slots[0] != before && !writable());
    printf("bound\n");
    return 0;
}
