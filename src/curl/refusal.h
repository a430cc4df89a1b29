/* SPDX-License-Identifier: MIT
 *
 * An answer of our own, without a transfer. Merely returning a code would leave the status, sizes
 * and headers of the handle's last transfer to be read as this one's. So libcurl performs an empty
 * URL first: that fails at once, without a socket, and resets every CURLINFO, while connections stay
 * pooled. Only a debug callback hears of it. Then the code and the text are ours. */
#ifndef CURL_REFUSAL_H
#define CURL_REFUSAL_H

#include "curl/shadow.h"
#include "engine/call/call.h"

/* Around the empty attempt, whoever makes it: the URL away, and back. */
void refusal_set_empty_url(const struct shadow *s);
void refusal_restore_url(const struct shadow *s);
/* The whole of it. Every CURLINFO is then as on a handle that has transferred nothing. */
void refusal_reset_info(const struct shadow *s);
/* The code, and the text in the program's error buffer. */
CURLcode refusal_result(const struct shadow *s, const struct admission *why, int64_t now_ns);

#endif
