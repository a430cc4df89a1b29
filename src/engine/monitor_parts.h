/* SPDX-License-Identifier: MIT
 *
 * Between monitor.c, which decides when and by whom, and monitor_files.c, which writes. */
#ifndef ENGINE_MONITOR_PARTS_H
#define ENGINE_MONITOR_PARTS_H

#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

struct targets {
    const char *snapshot, *metrics; /* NULL: not to be written */
    bool shared;                    /* other processes of this board write the same ones */
};

struct targets monitor_targets(const struct engine *e, const struct config *c);
int64_t monitor_interval_ns(const struct config *c);
/* Only grows. The begin of a transfer counts, because a program may exit from within one. */
uint64_t monitor_progress(const struct board_header *h);
/* One thread of the process at a time. Notes in the process and on the board what is written. */
void monitor_write(const struct engine *e, const struct config *c, const struct targets *t);

#endif
