/* SPDX-License-Identifier: MIT
 *
 * Threads of the library in a process of the program: detached, with a small stack, and with all
 * signals blocked. A thread that took the program's signals would break its sigwait() and
 * signalfd() loops. Any thread. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* How many bytes of a stack the C library itself uses: it puts the program's thread-local storage
 * there, of any size. NULL: not known, or the storage is elsewhere. */
extern size_t (*thread_stack_taken)(const pthread_attr_t *attr);

/* 0 or an errno; EDEADLK: forbidden in this thread. */
int thread_start(void *(*run)(void *), void *arg);

/* For a new thread the C library allocates memory and takes locks. A function that a program may
 * call from a signal handler or from its allocator must not start one:
 *
 *     bool before = thread_forbid(true);
 *     ... code that may start one ...
 *     thread_forbid(before); */
bool thread_forbid(bool forbidden);

#endif
