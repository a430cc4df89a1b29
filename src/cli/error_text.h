/* SPDX-License-Identifier: MIT
 *
 * The last error of a host or check (engine/board/slot.h), in words.
 *
 *     char words[ERROR_TEXT_SIZE];
 *     error_text(&error, words);   "transient, connect, curl 7, errno 111 Connection refused"
 *                                  "throttled, http 429" */
#ifndef CLI_ERROR_TEXT_H
#define CLI_ERROR_TEXT_H

#include "cli/host_list.h"

#define ERROR_TEXT_SIZE 128
#define ERROR_AGED_SIZE (ERROR_TEXT_SIZE + 32)

/* Class, reason, and what is known of CURLcode, status and errno. NULL: there was no error. */
const char *error_text(const struct last_error *e, char out[ERROR_TEXT_SIZE]);
/* What `harden status` says of a host: "12 s ago: transient, http_5xx, http 503". NULL: nothing, because
 * there was no error, or the host is healthy and it was more than a day ago. */
const char *error_aged(const struct host *h, int64_t wall_ns, char out[ERROR_AGED_SIZE]);

#endif
