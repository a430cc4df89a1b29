/* SPDX-License-Identifier: MIT
 *
 * Between monitor.c, which decides when and by whom, background.c, which is the thread,
 * flush.c, which comes last, and files.c, which writes. */
#ifndef ENGINE_PUBLISH_UPDATE_H
#define ENGINE_PUBLISH_UPDATE_H

#include "base/process.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

struct targets {
    const char *snapshot, *metrics; /* NULL: not to be written */
    bool shared;                    /* other processes of this board write the same ones */
};

struct targets monitor_targets(const struct engine *e, const struct config *c);
int64_t monitor_interval_ns(const struct config *c);
/* The least time between two writes by calls: a twentieth of the interval. */
int64_t monitor_pause_ns(const struct config *c);
/* Only grows. The begin of a transfer counts, because a program may exit from within one. */
uint64_t monitor_progress(const struct board_header *h);
/* Whether the files hold what had happened at `since`, whoever wrote it. What the board says is
 * believed as far as it can be true. */
bool monitor_is_written(const struct engine *e, struct process *p, uint64_t since);
/* One thread of the process at a time. Notes in the process and on the board what is written. */
void monitor_write(const struct engine *e, const struct config *c, const struct targets *t);

/* Who looks is between these two: one thread at a time. */
bool monitor_begin(struct process *p);
void monitor_end(struct process *p);

enum hurry {
    LOOK_AS_DUE, /* once an interval */
    LOOK_EARLY,  /* what is not written yet is, after a pause: nobody may come again */
    LOOK_SOON,   /* there are news: after the gap */
    LOOK_URGENT, /* there are news: at once */
    LOOK_LAST,   /* whatever is due: the process ends */
};
/* One look at what is to be done, and when the next one is due. True when the files were written. */
bool monitor_look(struct engine *e, enum hurry hurry, int64_t *next_ns);

/* The same by a call, between monitor_begin and monitor_end. An alert that comes meanwhile makes the
 * next call look at once. */
bool monitor_look_inline(struct process *p, struct engine *e, enum hurry hurry);
/* Gives the lease of the board back, if it is ours still; false: it ran out, and somebody else may have
 * written meanwhile. */
bool monitor_give_lease(struct board_header *h);

/* Whether there ought to be a thread at once: there are checks to be run. */
bool monitor_wants_thread(const struct engine *e);
/* Starts it, unless it is there, is not wanted or would do harm. */
void monitor_thread_begin(struct process *p, struct engine *e);
/* The process goes on without one. */
void monitor_go_inline(struct process *p);

#endif
