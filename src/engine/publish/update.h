/* SPDX-License-Identifier: MIT
 *
 * One update reloads the configuration if that is due, and writes the snapshot and the metrics file if
 * they are due. Calls (monitor.h), the background thread (background.h) and the exit of the process
 * (flush.h) make updates; they differ in their urgency.
 *
 *     if (update_begin(p)) {
 *         bool wrote = update_run(e, UPDATE_EARLY, &next_ns);
 *         update_end(p);
 *     }
 *
 * Invariants: one thread of the process at a time is between update_begin and update_end. One process of
 * a board at a time has the lease to write files that the processes share; it expires by time, so a
 * killed writer delays the others but does not stop them. A write moves the due time only when the files
 * are in place. */
#ifndef ENGINE_PUBLISH_UPDATE_H
#define ENGINE_PUBLISH_UPDATE_H

#include "base/process.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

enum urgency {
    UPDATE_AS_DUE, /* write once per interval */
    UPDATE_EARLY,  /* write unwritten changes after files_spacing_ns: no other update may follow */
    UPDATE_SOON,   /* after an alert: write unless the last write was less than 50 ms ago */
    UPDATE_URGENT, /* after an alert: write at once */
    UPDATE_LAST,   /* write whatever is due: the process ends */
};

/* False: another thread of the process makes an update. Call it with signals blocked
 * (base/shield.h): a signal handler that jumps out would leave the update begun for ever. */
bool update_begin(struct process *p);
void update_end(struct process *p);

/* Returns whether the files are written, or none are wanted. *next_ns: when the next update is due. */
bool update_run(struct engine *e, enum urgency urgency, int64_t *next_ns);

/* Before the first update of this process. */
void update_schedule(const struct engine *e, int64_t now_ns);
/* From now on the calls of this process make its updates, not the background thread. */
void update_by_calls(struct process *p);
/* Adds this process to those that use the board (board/attached.h). */
void update_attach(const struct engine *e);
/* Loads the configuration and opens the board again if their files changed. Within an update. */
void update_reload(struct process *p, int64_t now_ns);

/* Returns the lease if this process has it. False: it has expired, and another process may have
 * written in the meantime. */
bool update_return_lease(struct board_header *h);

#endif
