/* SPDX-License-Identifier: MIT
 *
 * Keeps fork() and exit() from stopping the thread of the checks inside a foreign library, where it may
 * have taken a lock that the child or an exit handler needs. Checks make the calls of such a library between
 * check_guard_enter and check_guard_leave; a fork or an exit waits for the end of that section, 100 ms
 * at most.
 *
 *     if (!check_guard_install() || !check_guard_enter())
 *         return;                                             the process ends
 *     ... calls of the library that do not wait for anything ...
 *     check_guard_leave();
 *
 * Invariants: only the thread of the checks enters. Nothing waits within the section. Once closed, the
 * guard stays closed. In the child of a fork it is free. */
#ifndef ENGINE_CHECK_FORK_GUARD_H
#define ENGINE_CHECK_FORK_GUARD_H

#include "base/clock.h"

#include <stdbool.h>

/* False: the process ends, and the thread makes no more calls. */
bool check_guard_enter(void);
void check_guard_leave(void);

/* Makes exits and forks wait from now on, and makes sure that none has begun before: the next handler
 * that an exit runs is this one, so the function waits half a second for it. False: the process ends. To be
 * called before the first use of a library that has an exit handler, and again after that library may
 * have registered it. */
bool check_guard_install(void);

/* The process ends: no check begins any more. Any thread. */
void check_guard_close(void);

/* Whether the thread of the checks is to end, with the process or alone. A check that waits for an answer
 * calls this once per step, and gives up when it is true. */
#define CHECK_STEP_NS (20 * NS_PER_MS)
bool check_is_ending(void);

#endif
