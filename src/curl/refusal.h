/* SPDX-License-Identifier: MIT
 *
 * Ends a request without a transfer. If we only returned a code, the program would read the status,
 * the sizes and the headers of the handle's last transfer as those of this one. So libcurl performs
 * an empty URL first: this fails at once, without a socket, and resets every CURLINFO, and
 * connections stay pooled. Only a debug callback can see it. Then we set the code and the text. */
#ifndef CURL_REFUSAL_H
#define CURL_REFUSAL_H

#include "curl/shadow.h"
#include "engine/call/call.h"

/* Before and after an empty attempt that another function performs. */
void refusal_set_empty_url(const struct shadow *s);
void refusal_restore_url(const struct shadow *s);
/* Performs the empty attempt. Every CURLINFO is then as on a new handle. */
void refusal_reset_info(const struct shadow *s);
/* Returns the code for the program, and writes the text to its error buffer. */
CURLcode refusal_result(const struct shadow *s, const struct admission *why, int64_t now_ns);

#endif
