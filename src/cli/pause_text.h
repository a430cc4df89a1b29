/* SPDX-License-Identifier: MIT
 *
 * A pause that a server asked for (engine/board/pause.h), in words.
 *
 *     char words[PAUSE_TEXT_SIZE];
 *     pause_text(&pause, now_ns, words);   "for 9 min 58 s, asked by the server: Retry-After: 600 (429)" */
#ifndef CLI_PAUSE_TEXT_H
#define CLI_PAUSE_TEXT_H

#include "engine/board/pause.h"

#define PAUSE_TEXT_SIZE 128

/* Without the part that is not known, such as the status. */
const char *pause_text(const struct pause_shown *p, int64_t now_ns, char out[PAUSE_TEXT_SIZE]);

#endif
