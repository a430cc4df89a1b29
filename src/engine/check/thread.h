/* SPDX-License-Identifier: MIT
 *
 * The thread of the active checks, "harden-check". The background thread (publish/background.h) starts
 * it when the configuration has checks, and wakes it after each change of the configuration. It is a thread
 * of its own, so that a target or a name server that does not answer delays no snapshot.
 *
 * With `thread = off`, or under a seccomp filter, neither thread exists and no check is run. The thread
 * blocks all signals. It ends with the background thread, and gives up the check that it is running. It
 * uses the descriptor table of the background thread, which is not the program's; where the kernel has
 * no such tables (before Linux 5.9), no check is run. The child of a fork has none until its own
 * background thread starts one. */
#ifndef ENGINE_CHECK_THREAD_H
#define ENGINE_CHECK_THREAD_H

#include "engine/engine.h"

#include <stdbool.h>

/* Whether checks are configured for this program. */
bool check_thread_is_needed(const struct engine *e);
/* By the background thread, in each of its rounds: starts the thread, or wakes it after a change. */
void check_thread_tend(struct engine *e);

#endif
