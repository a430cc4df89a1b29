/* SPDX-License-Identifier: MIT
 *
 * The background thread of the library, "harden". It writes changes that calls have left unwritten. It
 * runs while there are any or checks are configured, and for a few idle periods longer. A changed status
 * or circuit wakes it (board/alert.h).
 *
 * It never runs with `thread = off`, under a seccomp filter, after the first thread of the process has
 * ended, or in a process that shares its memory (vfork), where it would do harm. It blocks all signals,
 * has a small stack and an empty descriptor table of its own. The child of a fork has none until it
 * starts its own. Any thread; functions without arguments preserve errno. */
#ifndef ENGINE_PUBLISH_BACKGROUND_H
#define ENGINE_PUBLISH_BACKGROUND_H

#include "base/process.h"
#include "engine/engine.h"

#include <stdbool.h>

/* Whether the thread must run even if there is nothing to write: checks are configured. */
bool background_is_needed(const struct engine *e);
/* Starts the thread unless it runs already, is switched off, or would do harm. */
void background_start(struct process *p, struct engine *e);

/* Whether the current call was forbidden to start the thread (base/thread.h); and the function that starts
 * it after the call. */
bool background_is_pending(void);
void background_start_pending(void);

/* Before the program does what only a process without threads may do: ends the threads of the library.
 * Waits 100 ms at most; only a thread in which a check looks up a name may be left then. None is
 * started until background_allow. */
void background_stop(void);
void background_allow(void);
/* To be called by the first thread of the process when it ends while others run. */
void background_first_thread_ends(void);

#endif
