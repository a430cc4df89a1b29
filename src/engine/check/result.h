/* SPDX-License-Identifier: MIT
 *
 * What the result of a check changes: counters, times and the last error of its slot, and its status. A
 * changed status is an event and makes the snapshot due at once.
 *
 * Only for CHECK_PASSED and CHECK_FAILED: other outcomes say nothing about the target. By the process
 * that has run the check; readers may see a part of it. */
#ifndef ENGINE_CHECK_RESULT_H
#define ENGINE_CHECK_RESULT_H

#include "engine/board/board.h"
#include "engine/check/types.h"

#include <stdint.h>

void result_record(struct board *b, struct slot *s, const struct check_config *c,
                   const struct check_result *x, int64_t took_ns, int64_t wall_ms);

#endif
