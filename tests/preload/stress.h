/* SPDX-License-Identifier: MIT
 *
 * A random life of a process; the same seed gives the same life. Every step prints what the program
 * saw to descriptor 1, but nothing that depends on timing or on another thread. A bare run and a
 * run under the library must print the same and end alike.
 *
 *     stress SEED
 *
 * stress.c has the life, stress_calls.c the intercepted calls, stress_steps.c the other steps. */
#ifndef TESTS_PRELOAD_STRESS_H
#define TESTS_PRELOAD_STRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define REQUIRE(cond)                                                                              \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            dprintf(1, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                                  \
            _exit(90);                                                                             \
        }                                                                                          \
    } while (0)

struct life {
    uint64_t chance; /* state of pick() */
    int depth;       /* number of parent processes and previous programs */
    bool no_files;   /* a filter kills on opening a file */
    bool no_clone;   /* a filter kills on creating a thread or process */
    char **argv;
};

/* Returns 0 to n - 1. */
unsigned pick(struct life *l, unsigned n);
void say(const struct life *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Lives the rest of the life in this process. Does not return. */
void live(struct life *l) __attribute__((noreturn));

/* stress_calls.c: called first, once for all processes of the run. */
void calls_prepare(void);
/* Makes a call and returns its result. Signal handlers may make the kinds below CALLS_SAFE. */
enum { CALLS_SAFE = 5, CALLS = 6 };
int call_any(unsigned kind);
const char *call_name(unsigned kind);
/* Makes transfers in a plug-in that links libcurl and prints the results. */
void call_curl(struct life *l);

/* stress_steps.c */
void step_signal(struct life *l);
void step_threads(struct life *l);
void step_dlopen(struct life *l);
void step_unshare(struct life *l);
void step_seccomp(struct life *l);

#endif
