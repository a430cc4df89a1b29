/* SPDX-License-Identifier: MIT
 *
 * Samples for the history of the board: the sums over all hosts as of one moment. The writer of the
 * snapshot takes one with each snapshot; each ring of the history gets it when its last one is old
 * enough.
 *
 *     sample_take(board->history, board, now_ns);
 *
 * `h` may be another history than the board's own, to get the present sums without a trace on the
 * board. Any thread, any process; never blocks. */
#ifndef ENGINE_PUBLISH_SAMPLE_H
#define ENGINE_PUBLISH_SAMPLE_H

#include "engine/board/board.h"

#include <stdint.h>

void sample_take(struct history *h, const struct board *b, int64_t now_ns);

#endif
