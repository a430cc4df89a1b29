/* SPDX-License-Identifier: MIT
 *
 * What programs with mode = observe would have done with a host's requests, in words.
 *
 *     char words[OBSERVED_TEXT_SIZE];
 *     observed_text(&view, words);   "would have waited 58.5 s in 297 requests, refused 0 and repeated 3" */
#ifndef CLI_OBSERVED_TEXT_H
#define CLI_OBSERVED_TEXT_H

#include "engine/board/view.h"

#define OBSERVED_TEXT_SIZE 192

const char *observed_text(const struct observed_view *v, char out[OBSERVED_TEXT_SIZE]);
/* "would wait 58.5 s (297), refuse 0, repeat 3" */
const char *observed_text_short(const struct observed_view *v, char out[OBSERVED_TEXT_SIZE]);

#endif
