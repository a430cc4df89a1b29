/* SPDX-License-Identifier: MIT
 *
 * The easy driver: curl_easy_perform of a handle that has a shadow. Asks the engine, sleeps what it
 * says, makes the attempts, and sees to it that the program gets one answer.
 *
 * While it sleeps, signals arrive and the program's progress callback runs, and may abort. A
 * refusal of ours is CURLE_OPERATION_TIMEDOUT (limit) or CURLE_COULDNT_CONNECT (open circuit) with
 * a text that begins "harden:" in the error buffer and no trace of an earlier transfer in getinfo.
 *
 * When anything of ours is missing (engine off, no host, no memory) the call is libcurl's alone.
 * Preserves errno as libcurl leaves it. */
#ifndef CURL_EASY_H
#define CURL_EASY_H

#include "curl/gate/held_info.h"
#include "curl/shadow.h"

CURLcode easy_perform(struct shadow *s);
/* Inside one of the handle's callbacks, where this libcurl lets nobody perform, reset or free it: those
 * who do get CURLE_RECURSIVE_API_CALL, or nothing happens. */
bool easy_is_guarded(const struct shadow *s);
/* curl_easy_getinfo: what differs from libcurl's own answer; true when *out is the answer. */
bool easy_getinfo(const struct shadow *s, CURLINFO info, void *out);
/* curl_easy_header and curl_easy_nextheader, which libcurl must have. */
CURLHcode easy_header(const struct shadow *s, const char *name, size_t index, unsigned origin,
                      int request, struct curl_header **out);
struct curl_header *easy_nextheader(const struct shadow *s, unsigned origin, int request,
                                    struct curl_header *previous);
/* curl_easy_pause: true when libcurl must not be asked, because nothing is in flight any more. */
bool easy_pause(struct shadow *s, int bitmask);

#endif
