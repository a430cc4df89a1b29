/* SPDX-License-Identifier: MIT
 *
 * The thread of the active checks, "harden-check". The background thread of health.h starts it, when
 * the configuration has checks, and tells it of each change of them; it is a thread of its own, so
 * that a target or a name server that does not answer holds up no snapshot. With `thread = off`, or
 * under a seccomp filter, neither thread exists and no check is run. It blocks all signals and ends
 * with the background thread, and drops the question that it is in the middle of. Its descriptor table is the background thread's, which is not the program's;
 * where that is not to be had (before Linux 5.9), no check is run.
 * The child of a fork has none until its own background thread starts one.
 *
 * What a check calls, the program may be calling too. So that no lock of a foreign library is held by
 * a thread that a fork or an exit has stopped, calls of such a library are put between
 * checker_enter and checker_leave; fork() and exit() wait for the end of that stretch, 100 ms at
 * most. */
#ifndef ENGINE_CHECK_THREAD_H
#define ENGINE_CHECK_THREAD_H

#include "base/clock.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether the calling thread is one of a check: hooks let it pass. */
extern _Thread_local bool checker_own_thread;
static inline bool checker_is_own(void)
{
    return checker_own_thread;
}
/* The same for threads that a library has started from there, which bear its name. Asks the kernel,
 * but only in a process that has run checks. */
bool checker_is_descendant(void);

/* Whether checks are configured for this program. */
bool checker_is_wanted(const struct engine *e);
/* By the background thread, again and again. */
void checker_tend(struct engine *e);
/* The process ends: nothing more is begun. Any thread. */
void checker_close(void);

/* Whether the thread is to end, with the process or alone. Who waits in it for an answer looks so often,
 * and drops the question then. */
#define CHECKER_STEP_NS (20 * NS_PER_MS)
bool checker_is_ending(void);

/* In the thread of the checks. False: the process ends, so leave it at that. */
bool checker_enter(void);
void checker_leave(void);
/* Makes exits and forks wait for it from now on, and sees that none has begun before: an exit's next
 * handler is then ours, so half a second is waited for it. False: the process ends. In the thread of
 * the checks, before the first use of a library that has an end of its own at exit, and again after
 * that library may have registered it. */
bool checker_guard(void);

#endif
