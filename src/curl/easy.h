/* SPDX-License-Identifier: MIT
 *
 * The easy driver: curl_easy_perform with a handle that has a shadow. It makes the attempts and
 * sleeps as the engine decides, and delivers one response to the program.
 *
 * While it sleeps, signals arrive, and the program's progress callback runs and may abort. If a
 * request is refused, the result is CURLE_OPERATION_TIMEDOUT (limit) or CURLE_COULDNT_CONNECT (open
 * circuit), the text in the error buffer begins with "harden:", and getinfo shows nothing of an
 * earlier transfer.
 *
 * Without an engine, a host or memory, the call goes straight to libcurl. errno is left as libcurl
 * leaves it. One thread at a time, like the handle. */
#ifndef CURL_EASY_H
#define CURL_EASY_H

#include "curl/gate/held_info.h"
#include "curl/shadow.h"

CURLcode easy_perform(struct shadow *s);
/* Whether a callback of the handle is running in which this libcurl refuses to perform, reset or
 * free it: such a call returns CURLE_RECURSIVE_API_CALL or does nothing. */
bool easy_is_guarded(const struct shadow *s);
/* curl_easy_getinfo. True: *out is the answer; false: ask libcurl. */
bool easy_getinfo(const struct shadow *s, CURLINFO info, void *out);
/* curl_easy_header and curl_easy_nextheader; this libcurl must have them. */
CURLHcode easy_header(const struct shadow *s, const char *name, size_t index, unsigned origin,
                      int request, struct curl_header **out);
struct curl_header *easy_nextheader(const struct shadow *s, unsigned origin, int request,
                                    struct curl_header *previous);
/* curl_easy_pause. True: done; libcurl must not be called, because its transfer has ended. */
bool easy_pause(struct shadow *s, int bitmask);

#endif
