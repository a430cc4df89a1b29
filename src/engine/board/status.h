/* SPDX-License-Identifier: MIT
 *
 * Host status on the board, and the background thread that renders it. A status changes after
 * `unhealthy_after` failed or `healthy_after` good results in a row; between the first good result
 * and the last needed one a host is degraded.
 *
 * Calls that end write the snapshot: at once after a status or breaker change, else once an interval,
 * and what is not written yet after a twentieth of it, for nobody knows whether another call comes;
 * one process per board at a time (a lease). What is left is written at exit. A program of several
 * threads that has lived for an interval gets one more, which writes what the calls have left, and ends
 * when there have been none for a while; so does, from its first call on, one with active checks. Never
 * with `thread = off`, under a seccomp filter, or once the first thread of the process has ended. The
 * thread blocks all signals, has a small stack and keeps no descriptor; a child of fork has none.
 * Whoever looks after the files also notices a changed configuration.
 */
#ifndef ENGINE_BOARD_STATUS_H
#define ENGINE_BOARD_STATUS_H

#include "engine/board/board.h"
#include "engine/config/config.h"

#include <stdbool.h>
#include <stdint.h>

/* A result of a host: returns true and the new status when it changed. */
bool health_result(struct slot *s, bool success, int unhealthy_after, int healthy_after,
                   int64_t wall_ms, enum health_status *now);
/* Whether a success would change nothing, so that it need not be told. */
#define HEALTH_SEEN (1ULL << 63)
static inline bool health_expects_success(const struct slot *s)
{
    return atomic_load_explicit(&s->run, memory_order_relaxed) == HEALTH_SEEN;
}
enum health_status health_status(const struct slot *s);
uint32_t health_failures_in_row(const struct slot *s);
const char *health_status_name(enum health_status s);

/* Called by every intercepted call before anything is counted. */
void health_start(void);
/* Before a call, so that it obeys a configuration that was changed since the last one. The first is
 * one comparison: whether the second would do nothing. */
bool health_is_current(int64_t now_ns);
void health_refresh(int64_t now_ns);
/* After a call has ended: writes what is due. */
void health_inline(int64_t now_ns);
/* Whether neither health_start nor health_inline would do anything. */
bool health_is_quiet(int64_t now_ns);
/* Something must be seen at once. */
void health_alert(struct board *b);
/* Whether a thread is wanted that could not be started in the midst of a call (thread.h), and what
 * starts it afterwards. */
bool health_thread_waits(void);
void health_start_thread(void);
/* At exit: what has not been written is, within 100 ms. */
void health_flush(void);
/* The same, and the process goes on. Not while there is a thread. */
void health_sync(void);

/* What only a process without threads may do is about to be done. None of ours is there any more when
 * it returns, but for a check's question to the name service (100 ms at most); none is started before
 * health_allow_threads. */
void health_stop_threads(void);
void health_allow_threads(void);
/* By the first thread of the process, when it ends and leaves the process to others. */
void health_first_thread_ends(void);

#endif
