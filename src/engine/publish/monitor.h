/* SPDX-License-Identifier: MIT
 *
 * Keeps the snapshot and the metrics file current, and notices a changed configuration.
 *
 * When files are written:
 * - Calls write them as they end: at once after a change of a status or a circuit, otherwise once per
 *   interval. What is still unwritten after a twentieth of the interval is written by the next call
 *   that ends, because another one may never come.
 * - One process per board writes at a time (a lease on the board). The rest is written at exit.
 * - A program with several threads gets one thread of ours after it has run for an interval. It
 *   writes what calls have left unwritten, and ends when there has been nothing to write for a while.
 *   A program with active checks gets it at its first call.
 * - There is no such thread with `thread = off`, under a seccomp filter, or after the process's first
 *   thread has ended. It blocks all signals, has a small stack and holds no descriptor. The child of
 *   a fork does not have it. */
#ifndef ENGINE_PUBLISH_MONITOR_H
#define ENGINE_PUBLISH_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

/* Every intercepted call does this before anything is counted. */
void monitor_start(void);
/* Before a call, so that it obeys a configuration that has changed since the last one. The first is
 * one comparison: true means that the second would do nothing. */
bool monitor_is_current(int64_t now_ns);
void monitor_refresh(int64_t now_ns);
/* After a call has ended: writes what is due. */
void monitor_inline(int64_t now_ns);
/* Whether monitor_start and monitor_inline would both do nothing. */
bool monitor_is_quiet(int64_t now_ns);
/* Whether a thread is wanted that could not be started during a call (base/thread.h); and what starts
 * it afterwards. */
bool monitor_thread_waits(void);
void monitor_start_thread(void);
/* At exit: writes what is unwritten, within 100 ms. */
void monitor_flush(void);
/* The same, for a process that goes on. Not while there is a thread of ours. */
void monitor_sync(void);

/* The program is about to do what only a process without threads may do. On return no thread of ours
 * is left, except one in which a check asks the name service (waited for 100 ms at most). None is
 * started before monitor_allow_threads. */
void monitor_stop_threads(void);
void monitor_allow_threads(void);
/* Called by the first thread of the process when it ends and leaves the process to others. */
void monitor_first_thread_ends(void);

#endif
