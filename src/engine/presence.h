/* SPDX-License-Identifier: MIT
 *
 * Says in the trace, the events and the log (debug) what the library does in this process, or why it does
 * nothing: events.h, EVENT_START and EVENT_OFF. Preserves errno. */
#ifndef ENGINE_PRESENCE_H
#define ENGINE_PRESENCE_H

#include "engine/board/board.h"
#include "engine/config/config.h"

void presence_start(const struct config *c, const struct board *b);
/* The configuration does not cover this program. */
void presence_off(const struct config *c);
/* HARDEN_DISABLE is set: no file is read or written but the trace, if HARDEN_TRACE names one. */
void presence_disabled(void);

#endif
