/* SPDX-License-Identifier: MIT
 *
 * The slot of an active check. It has the layout of every slot, and these words mean something else:
 *
 *     member              for a host              for a check
 *     check_due_ns        pause_until_ns          when it is due next; 0: given up
 *     check_target        limit_count[0]          key of the target that the check's name stands for
 *     check_took_ns       shown_rate              duration of the last run
 *     check_interval_ms   shown_window_ms         time from one run to the next
 *     name                host name               "NAME TYPE ORIGIN"
 *
 * Status, times, counters, last error and histogram are those of any slot: attempts are runs.
 *
 * Invariant: check_due_ns is even when it is the time of the next run, and odd while a process runs the
 * check: then that process is considered dead after that time. Any thread, any process. */
#ifndef ENGINE_BOARD_CHECK_SLOT_H
#define ENGINE_BOARD_CHECK_SLOT_H

#include "engine/board/slot.h"

#include <stdbool.h>
#include <stdint.h>

/* No interval is longer. A due time further ahead than twice this is damaged. */
#define CHECK_INTERVAL_MAX_NS (86400 * NS_PER_S)

/* Whether the slot is a check that some process runs. One that was not run for two intervals and a
 * minute after it was due is no longer shown. */
bool check_slot_is_shown(const struct slot *s, int64_t now_ns);
/* Whether it has had a result; until then its status is not known. */
bool check_slot_is_known(const struct slot *s);
int64_t check_slot_interval_ns(const struct slot *s);
int64_t check_slot_took_ns(const struct slot *s);

/* The two readings of check_due_ns. */
static inline int64_t check_slot_due(int64_t at_ns)
{
    return at_ns & ~1LL;
}
static inline int64_t check_slot_lease(int64_t at_ns)
{
    return at_ns | 1;
}
static inline bool check_slot_is_lease(int64_t due_ns)
{
    return due_ns & 1;
}

#endif
