/* SPDX-License-Identifier: MIT
 *
 * The last error of a host or check (engine/board/slot.h), in words.
 *
 *     char words[ERROR_TEXT_SIZE];
 *     error_text(&error, words);   "transient, connect, curl 7, errno 111 Connection refused"
 *                                  "throttled, http 429" */
#ifndef CLI_ERROR_TEXT_H
#define CLI_ERROR_TEXT_H

#include "engine/board/slot.h"

#define ERROR_TEXT_SIZE 128

/* Class, reason, and what is known of CURLcode, status and errno. NULL: there was no error. */
const char *error_text(const struct last_error *e, char out[ERROR_TEXT_SIZE]);

#endif
