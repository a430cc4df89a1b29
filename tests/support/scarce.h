/* SPDX-License-Identifier: MIT
 *
 * Makes memory allocations fail in tests. Included by one file of a test program that is linked
 * with SCARCE (Makefile), which redirects the allocations of our code to this file.
 *
 *     static void run(void)
 *     {
 *         ...                            set-up
 *         scarce_begin();
 *         r = tested_function();         its n-th allocation fails
 *         scarce_end();
 *         ...                            check success or complete rollback; clean up
 *     }
 *     scarce_each(run);                  for n = 1, 2, 3 ... until there is no n-th allocation;
 *                                        once with only that one failing, once with all later ones
 *
 * Memory that a run leaves allocated fails the test. The first run has enough memory and is not
 * counted, because the code may keep something for the life of the process.
 *
 * Code that keeps something from its first use needs scarce_each_child, which runs each case in a
 * child. */
#ifndef TESTS_SCARCE_H
#define TESTS_SCARCE_H

#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    bool on;
    int fail_at; /* 0: none */
    bool lasting;
    int asked, failed;
    atomic_long live; /* allocated and not freed */
} scarce;

static inline void scarce_begin(void)
{
    scarce.on = true;
}

static inline void scarce_end(void)
{
    scarce.on = false;
}

static bool scarce_refuses(void)
{
    if (!scarce.on || !scarce.fail_at)
        return false;
    int n = ++scarce.asked;
    if (n != scarce.fail_at && !(scarce.lasting && n > scarce.fail_at))
        return false;
    scarce.failed++;
    errno = ENOMEM;
    return true;
}

static void *scarce_made(void *p)
{
    scarce.live += p != NULL;
    return p;
}

#define SCARCE_WRAP(type, name, parameters)                                                        \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters

SCARCE_WRAP(void *, malloc, (size_t n))
{
    return scarce_refuses() ? NULL : scarce_made(__real_malloc(n));
}

SCARCE_WRAP(void *, calloc, (size_t n, size_t size))
{
    return scarce_refuses() ? NULL : scarce_made(__real_calloc(n, size));
}

SCARCE_WRAP(void *, realloc, (void *p, size_t n))
{
    if (scarce_refuses())
        return NULL;
    void *grown = __real_realloc(p, n);
    return p ? grown : scarce_made(grown);
}

SCARCE_WRAP(void *, reallocarray, (void *p, size_t n, size_t size))
{
    if (scarce_refuses())
        return NULL;
    void *grown = __real_reallocarray(p, n, size);
    return p ? grown : scarce_made(grown);
}

SCARCE_WRAP(char *, strdup, (const char *s))
{
    return scarce_refuses() ? NULL : scarce_made(__real_strdup(s));
}

SCARCE_WRAP(void *, mmap, (void *at, size_t n, int protection, int flags, int fd, off_t offset))
{
    return scarce_refuses() ? MAP_FAILED
                            : scarce_made(__real_mmap(at, n, protection, flags, fd, offset));
}

SCARCE_WRAP(int, munmap, (void *p, size_t n))
{
    scarce.live--;
    return __real_munmap(p, n);
}

SCARCE_WRAP(void, free, (void *p))
{
    scarce.live -= p != NULL;
    __real_free(p);
}

static void scarce_plan(int fail_at, bool lasting)
{
    scarce.on = false;
    scarce.fail_at = fail_at;
    scarce.lasting = lasting;
    scarce.asked = scarce.failed = 0;
}

static inline void scarce_each(void (*run)(void))
{
    scarce_plan(0, false);
    run();
    int runs = 0;
    for (int lasting = 0; lasting < 2; lasting++)
        for (int n = 1;; n++) {
            long before = scarce.live;
            scarce_plan(n, lasting);
            run();
            cr_assert(scarce.live == before, "%ld are left of allocation %d%s",
                      scarce.live - before, n, lasting ? " and all after it" : "");
            if (!scarce.failed)
                break;
            runs++;
        }
    scarce_plan(0, false);
    cr_assert(runs > 0, "it allocates nothing");
}

/* A run returns a description of the error, or NULL. */
static inline void scarce_each_child(const char *(*run)(void))
{
    enum { NONE_FAILED = 10 };
    for (int lasting = 0; lasting < 2; lasting++)
        for (int n = 1, status = 0;; n++) {
            pid_t child = fork();
            if (!child) {
                scarce_plan(n, lasting);
                const char *wrong = run();
                scarce.on = false;
                if (wrong && write(2, wrong, strlen(wrong)) > 0 && write(2, "\n", 1) > 0)
                    _exit(1);
                _exit(wrong ? 1 : scarce.failed ? 0 : NONE_FAILED);
            }
            waitpid(child, &status, 0);
            if (WIFEXITED(status) && WEXITSTATUS(status) == NONE_FAILED)
                break;
            cr_assert(status == 0, "allocation %d%s: status %#x", n,
                      lasting ? " and all after it" : "", (unsigned)status);
        }
}

#endif
