/* SPDX-License-Identifier: MIT
 *
 * Announces the end of each pause that a server asked for (board/pause.h), by an event, the end of an
 * adaptive rate (board/adaptive.h), and that the SLO of a host begins or ceases to burn (board/slo_slot.h). These change by time, so the first process that makes
 * an update after that does it, once for all processes.
 *
 *     if (pause_end_announce(board, now_ns, &next_ns))
 *         ... the status of a host has changed; the next change is expected at next_ns ...
 *
 * Costs one comparison unless a pause is over. A process that is killed while it looks leaves the ends
 * that are over to the next one that finds another end. Any thread, any process. */
#ifndef ENGINE_PUBLISH_PAUSE_END_H
#define ENGINE_PUBLISH_PAUSE_END_H

#include "engine/board/board.h"

#include <stdbool.h>
#include <stdint.h>

/* *next_ns: when to call it again; INT64_MAX: no change is expected. */
bool pause_end_announce(struct board *b, int64_t now_ns, int64_t *next_ns);

#endif
