/* SPDX-License-Identifier: MIT
 *
 * The snapshot and the metrics file: which of them this process writes, how often, and the writing.
 *
 *     struct output o = files_to_write(e, config);
 *     if (o.snapshot || o.metrics)
 *         files_write(e, config, &o);
 *
 * Progress is counted on the board (files_changes): a write notes the count that it has seen, in the
 * process and, for files that all processes of the board share, on the board. Any thread, unless a
 * function says otherwise; errno is not preserved. */
#ifndef ENGINE_PUBLISH_FILES_H
#define ENGINE_PUBLISH_FILES_H

#include "base/process.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

struct output {
    const char *snapshot, *metrics; /* NULL: not to be written */
    bool shared;                    /* other processes of this board write the same files */
};

struct output files_to_write(const struct engine *e, const struct config *c);
int64_t files_interval_ns(const struct config *c);
/* The least time between two writes by calls: a twentieth of the interval. */
int64_t files_spacing_ns(const struct config *c);
/* Only grows. The start of a transfer counts, because a program may exit during one. */
uint64_t files_changes(const struct board_header *h);
/* Whether the files include the first `changes` changes, whichever process wrote them. A count on the
 * board that cannot be true is ignored. */
bool files_are_current(const struct engine *e, const struct process *p, uint64_t changes);
/* Within an update (update.h): one thread of the process at a time. */
void files_write(const struct engine *e, const struct config *c, const struct output *o);

#endif
