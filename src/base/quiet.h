/* SPDX-License-Identifier: MIT
 *
 * File output from a thread that is not ours. Between begin and end the program cannot be hit by
 * what our writing does: no SIGPIPE, SIGXFSZ or SIGTTOU; and what we do cannot be left half done:
 * no other signal whose handler could jump out of it, no thread cancellation. errno as it was.
 *
 *     struct quiet q;
 *     quiet_begin(&q);
 *     ... open, write, close ...
 *     quiet_end(&q);
 *
 * Or in a function that needs more room than the stack of a stranger may have, which is a coroutine's
 * or a signal handler's:
 *
 *     quiet_run(write_it, &what);
 *
 * That one has a stack of its own (stack.h), and nobody sees it: the handlers of the program and its
 * collectors of garbage find every thread where they expect it. */
#ifndef BASE_QUIET_H
#define BASE_QUIET_H

#include <stdbool.h>
#include <stdint.h>

/* Of signals as the kernel counts them: bit n - 1 is signal n. */
struct quiet {
    uint64_t mask;    /* of the caller */
    uint64_t pending; /* before us: not ours to swallow */
    int cancel_state;
    int saved_errno;
};

void quiet_begin(struct quiet *q);
void quiet_end(struct quiet *q);

/* Within another one the function is called as it is. */
void quiet_run(void (*run)(void *arg), void *arg);
/* Whether every function is: a process that will be killed for system calls which the program does not
 * make runs none of ours that would need to be hidden. */
void quiet_confine(bool confined);

#endif
