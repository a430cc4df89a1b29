/* SPDX-License-Identifier: MIT
 *
 * The adaptive rate of a host (engine/board/adaptive.h), in words.
 *
 *     char words[ADAPTIVE_TEXT_SIZE];
 *     adaptive_text(&view, now_ns, words);
 *         "9.7/s; 10.2/s were accepted before the last cut, to 9.6/s, 3 s ago; off in 4 min" */
#ifndef CLI_ADAPTIVE_TEXT_H
#define CLI_ADAPTIVE_TEXT_H

#include "engine/board/adaptive.h"

#define ADAPTIVE_TEXT_SIZE 160

const char *adaptive_text(const struct adaptive_view *v, int64_t now_ns,
                          char out[ADAPTIVE_TEXT_SIZE]);
/* "9.7/s, off in 4 min" */
const char *adaptive_text_short(const struct adaptive_view *v, int64_t now_ns,
                                char out[ADAPTIVE_TEXT_SIZE]);

#endif
