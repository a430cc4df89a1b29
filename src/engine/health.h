/* SPDX-License-Identifier: MIT
 *
 * Host status on the board, and the background thread that renders it. A status changes after
 * `unhealthy_after` failed or `healthy_after` good results in a row; between the first good result
 * and the last needed one a host is degraded.
 *
 * The thread starts at the first intercepted call, never in a constructor or an atfork handler,
 * with all signals blocked and a small stack; it keeps no descriptor; after a fork the child starts
 * its own at its next call. Every snapshot_interval, and at once after a status or breaker change,
 * it renders what changed; one process per board at a time (a lease). With `thread = off`, or under
 * a seccomp filter, intercepted calls do the same inline. It also notices a changed configuration.
 */
#ifndef ENGINE_HEALTH_H
#define ENGINE_HEALTH_H

#include "engine/board.h"
#include "engine/config.h"

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

/* Called by every intercepted call: starts the thread once a process. */
void health_start(void);
/* After a call ended, when there is no thread: writes what is due, at most once an interval. */
void health_inline(int64_t now_ns);
/* Whether neither of the two would do anything. */
bool health_is_quiet(int64_t now_ns);
/* Something must be seen at once. */
void health_alert(struct board *b);
/* At exit: what has not been written is, within 100 ms. */
void health_flush(void);

#endif
