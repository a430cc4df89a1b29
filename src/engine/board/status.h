/* SPDX-License-Identifier: MIT
 *
 * The health status of a host or of an active check, kept in its slot: it becomes unhealthy after
 * `unhealthy_after` failures in a row, and healthy again after `healthy_after` successes in a row.
 * Between the first of these successes and the last it is degraded.
 *
 *     enum health_status status;
 *     if (status_result(slot, success, 3, 2, wall_ms, &status))
 *         ... it has changed to `status`
 *
 * One atomic word per slot; safe in any thread, in any process, and against a kill at any point. */
#ifndef ENGINE_BOARD_STATUS_H
#define ENGINE_BOARD_STATUS_H

#include "engine/board/slot.h"

#include <stdbool.h>
#include <stdint.h>

enum health_status { STATUS_HEALTHY, STATUS_DEGRADED, STATUS_UNHEALTHY };

/* Counts one result. True if the status changed; the new one is in *now. */
bool status_result(struct slot *s, bool success, int unhealthy_after, int healthy_after,
                   int64_t wall_ms, enum health_status *now);
/* In slot->results_in_row: there was a result. Alone: healthy, and no failures in a row. */
#define STATUS_SEEN (1ULL << 63)
/* Whether a success would change nothing, so that status_result need not be called. */
static inline bool status_expects_success(const struct slot *s)
{
    return atomic_load_explicit(&s->results_in_row, memory_order_relaxed) == STATUS_SEEN;
}
enum health_status status_of(const struct slot *s);
uint32_t status_failures_in_row(const struct slot *s);
/* "healthy", "degraded", "unhealthy". */
const char *status_name(enum health_status s);

#endif
