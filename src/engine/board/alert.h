/* SPDX-License-Identifier: MIT
 *
 * A status or a circuit has changed: the snapshot is due at once, whichever process writes it. Call it
 * after the change.
 *
 *     if (status_result(slot, ...))
 *         board_alert(board);
 *
 * The board's count of alerts grows. In this process the next call that ends writes the snapshot, or
 * the background thread is woken if there is one. Any thread; never blocks. */
#ifndef ENGINE_BOARD_ALERT_H
#define ENGINE_BOARD_ALERT_H

#include <stdint.h>

struct board;
void board_alert(struct board *b);
/* A pause ends then, unless it is made longer, or an SLO may begin or cease to burn: the status changes
 * without a request. */
void board_expect_end(struct board *b, int64_t at_ns);

#endif
