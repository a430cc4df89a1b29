/* SPDX-License-Identifier: MIT
 *
 * Protects the program and the file output of the library, in a thread of the program, from each
 * other. Between shield_begin() and shield_end() a write raises no SIGPIPE, SIGXFSZ
 * or SIGTTOU, and neither a signal handler that jumps out of the code nor thread cancellation can
 * leave the work half done. errno is preserved.
 *
 *     struct shield q;
 *     shield_begin(&q);
 *     ... open, write, close ...
 *     shield_end(&q);
 *
 * A function that needs more stack than the caller may have (a coroutine or a signal handler has
 * little) runs on a stack of its own (stack.h), with signals blocked: the program's handlers and
 * garbage collectors expect each thread on its own stack.
 *
 *     shield_run(write_it, &what); */
#ifndef BASE_SHIELD_H
#define BASE_SHIELD_H

#include <stdbool.h>
#include <stdint.h>

/* Signal sets of the kernel: bit n - 1 is signal n. */
struct shield {
    uint64_t mask;    /* the caller's */
    uint64_t pending; /* before shield_begin(): these signals must be delivered */
    int cancel_state;
    int saved_errno;
};

void shield_begin(struct shield *q);
void shield_end(struct shield *q);

/* Within another shield_run() the function is just called. */
void shield_run(void (*run)(void *arg), void *arg);
/* confined: shield_run() just calls every function. For a process in a sandbox that kills it for
 * system calls that it does not make itself; the functions that need protection do not run there.
 */
void shield_confine(bool confined);
bool shield_is_confined(void);

#endif
