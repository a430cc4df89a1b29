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
 * Words of the slot: gate_until_ns is when it is due next, 0: given up; shown_window_ms the interval;
 * shown_rate the duration of the last run in ns; limit_count[0] which target the NAME stands for; its
 * name "NAME KIND ORIGIN". Status, times, counters, last error and histogram are those of any slot:
 * attempts are runs. Of two configurations that give one NAME two targets the one that is already
 * run keeps it, and the other says so.
 *
 * What was not run for three intervals and a minute is not shown any more. Threads: one runner a
 * process; readers any. */
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

/* For readers: whether the slot is a check that somebody looks after. */
bool check_is_shown(const struct slot *s, int64_t now_ns);
/* Whether it has had a result; until then its status is not known. */
bool check_is_known(const struct slot *s);
static inline int64_t check_last_ns(const struct slot *s)
{
    return (int64_t)atomic_load_explicit(&s->shown_rate, memory_order_relaxed);
}

#endif
