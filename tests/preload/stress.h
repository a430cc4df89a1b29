/* SPDX-License-Identifier: MIT
 *
 * A random life of a process: the same seed is the same life. Every step says on descriptor 1 what the
 * program saw of it, and nothing that chance or another thread decides, so a bare run and one under the
 * library must say the same and end alike.
 *
 *     stress SEED
 *
 * stress.c has the life, stress_calls.c what the library stands in for, stress_steps.c the rest. */
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
    uint64_t chance; /* the state of pick() */
    int depth;       /* processes above this one, and programs before it */
    bool no_files;   /* a filter kills whoever opens one */
    bool no_clone;   /* or makes a thread or a process */
    char **argv;
};

/* 0 to n - 1. */
unsigned pick(struct life *l, unsigned n);
void say(const struct life *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* What is left of the life, in this process. Does not return. */
void live(struct life *l) __attribute__((noreturn));

/* stress_calls.c: before everything else, once for all processes of the run. */
void calls_prepare(void);
/* A call of any kind; what came of it. Kinds that a signal handler may make are below CALLS_SAFE. */
enum { CALLS_SAFE = 5, CALLS = 6 };
int call_any(unsigned kind);
const char *call_name(unsigned kind);
/* Transfers of a plug-in that brings libcurl; says what came of it. */
void call_curl(struct life *l);

/* stress_steps.c */
void step_signal(struct life *l);
void step_threads(struct life *l);
void step_dlopen(struct life *l);
void step_unshare(struct life *l);
void step_seccomp(struct life *l);

#endif
