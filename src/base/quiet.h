/* SPDX-License-Identifier: MIT
 *
 * Protects the program and the file output of the library, in a thread of the program, from each
 * other. Between quiet_begin() and quiet_end() a write raises no SIGPIPE, SIGXFSZ
 * or SIGTTOU, and neither a signal handler that jumps out of the code nor thread cancellation can
 * leave the work half done. errno is preserved.
 *
 *     struct quiet q;
 *     quiet_begin(&q);
 *     ... open, write, close ...
 *     quiet_end(&q);
 *
 * A function that needs more stack than the caller may have (a coroutine or a signal handler has
 * little) runs on a stack of its own (stack.h), with signals blocked: the program's handlers and
 * garbage collectors expect each thread on its own stack.
 *
 *     quiet_run(write_it, &what); */
#ifndef BASE_QUIET_H
#define BASE_QUIET_H

#include <stdbool.h>
#include <stdint.h>

/* Signal sets of the kernel: bit n - 1 is signal n. */
struct quiet {
    uint64_t mask;    /* the caller's */
    uint64_t pending; /* before quiet_begin(): these signals must be delivered */
    int cancel_state;
    int saved_errno;
};

void quiet_begin(struct quiet *q);
void quiet_end(struct quiet *q);

/* Within another quiet_run() the function is just called. */
void quiet_run(void (*run)(void *arg), void *arg);
/* confined: quiet_run() just calls every function. For a process in a sandbox that kills it for
 * system calls that it does not make itself; the functions that need protection do not run there.
 */
void quiet_confine(bool confined);

#endif
