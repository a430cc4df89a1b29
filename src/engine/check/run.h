/* SPDX-License-Identifier: MIT
 *
 * When a check is run and by whom, and what its result means. All processes of a board share a check
 * by its NAME: one slot of kind SLOT_CHECK. Whoever finds it due takes it, which is one CAS of the
 * time it is due next, to the time when a runner must be dead; the result sets the next time. So one
 * process at a time runs it, and a killed runner's check is due again by itself.
 *
 *     struct check_runner r = {.board = b, .now_ns = clock_now_ns, .wall_ns = clock_wall_ns};
 *     int64_t at_ns = check_round(&r, config);            and again at at_ns
 *
 * What the words of such a slot mean, and when it is shown: board/check_slot.h. Of two configurations
 * that give one NAME two targets the one that is already run keeps it, and the other says so.
 *
 * Threads: one runner a process. */
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
    bool (*closing)(void);    /* NULL: never */
    bool unable[CHECK_KINDS]; /* in this process */
    bool said_clash, said_full, said_unknown[CHECK_KINDS];
};

/* Runs what is due, one after the other; returns when to look again. */
int64_t check_round(struct check_runner *r, const struct config *c);
/* Gives up the checks of a configuration that are not in the one that replaces it. */
void check_give_up(struct check_runner *r, const struct config *was, const struct config *now);

#endif
