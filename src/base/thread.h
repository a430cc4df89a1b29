/* SPDX-License-Identifier: MIT
 *
 * Threads of ours in a foreign process: detached, with a small stack and all signals blocked, for a
 * thread that takes the program's signals breaks its sigwait and signalfd loops. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* How much of a stack the C library takes before anything of ours: the program's thread-local storage
 * lies there, of which it may have any amount. NULL: it does not tell, or takes other memory. */
extern size_t (*thread_taken)(const pthread_attr_t *attr);

/* 0 or an errno; EDEADLK: this thread forbids it. */
int thread_start(void *(*run)(void *), void *arg);

/* The C library allocates for a new thread, and takes locks. In a function that a program may call from
 * a signal handler, or from its allocator, none is started:
 *
 *     bool before = thread_forbid(true);
 *     ... whatever may start one ...
 *     thread_forbid(before); */
bool thread_forbid(bool forbidden);

#endif
