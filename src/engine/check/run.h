/* SPDX-License-Identifier: MIT
 *
 * When a check runs, and which process runs it. All processes of a board share a check by its NAME: it
 * has one slot, of kind SLOT_CHECK (board/check_slot.h).
 *
 *     struct check_runner r = {.board = b, .now_ns = clock_now_ns, .wall_ns = clock_wall_ns};
 *     int64_t at_ns = check_round(&r, config);            and again at at_ns
 *
 * Invariants: one process at a time runs a check. It takes the check with one CAS of the due time, to a
 * lease that ends when the process must be dead; the result sets the next due time. So the check of a
 * killed process becomes due again by itself. If two configurations give one NAME two targets, the target
 * that is already checked keeps the name, and the other program logs that its check is not run.
 *
 * Called by the thread of the checks (thread.h); blocks only in a check. */
#ifndef ENGINE_CHECK_RUN_H
#define ENGINE_CHECK_RUN_H

#include "engine/board/board.h"
#include "engine/config/config.h"

#include <stdbool.h>
#include <stdint.h>

struct check_runner {
    struct board *board;
    int64_t (*now_ns)(void);
    int64_t (*wall_ns)(void);
    bool (*closing)(void);       /* NULL: never */
    const struct config *config; /* of this round */
    bool unable[CHECK_KINDS];    /* this process cannot run such checks */
    bool reported_clash, reported_full, reported_unknown[CHECK_KINDS];
};

/* Runs the checks that are due, one after the other. Returns when to call it again. */
int64_t check_round(struct check_runner *r, const struct config *c);
/* Gives up the checks of `was` that are not in `now`, the configuration that replaces it. They are no
 * longer shown, unless another process runs them. */
void check_give_up(struct check_runner *r, const struct config *was, const struct config *now);

#endif
