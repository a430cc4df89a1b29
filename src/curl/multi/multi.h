/* SPDX-License-Identifier: MIT
 *
 * The multi driver: a program with an event loop of its own. A transfer that has to wait, for a
 * token, a gate or another attempt, is *parked*: it is out of libcurl's multi handle, but counts as
 * running, and is in every timeout that the program is told. Whatever the program calls next starts
 * what is due; it is never kept waiting.
 *
 *     struct multi *m = multi_new(handle, api);        at curl_multi_init
 *     multi_add(m, easy, shadow);                      parked, and due at once
 *     multi_perform(m, &running);                      starts what is due, lets libcurl work, then
 *                                                      takes all its messages: a failure that is
 *                                                      repeated is parked again and never shown
 *     multi_info_read(m, &left);                       our messages
 *     multi_cleanup(m);
 *
 * The handle that the program holds is libcurl's own, so all that is not here (curl_multi_fdset,
 * _assign, _wakeup, _waitfds, _strerror) needs nothing of ours. Only what the program calls comes
 * here: libcurl calls these functions of itself too (multi_find is for the program's calls alone).
 *
 * Easy handles without a shadow, or that lead to no host, are libcurl's alone, and share a multi
 * handle with the others. No memory: likewise. One thread at a time per multi handle, as libcurl has
 * it. What a callback of ours runs into (exception, cancelled thread) leaves the handle usable. In a
 * callback that libcurl makes, libcurl says what is allowed. */
#ifndef CURL_MULTI_MULTI_H
#define CURL_MULTI_MULTI_H

#include "curl/shadow.h"

struct multi;

struct multi *multi_new(CURLM *handle, const struct curl_api *api);
/* NULL: not ours. */
struct multi *multi_find(const CURLM *handle);
const struct curl_api *multi_api(const struct multi *m);
CURLMcode multi_cleanup(struct multi *m);

CURLMcode multi_add(struct multi *m, CURL *h);
CURLMcode multi_remove(struct multi *m, CURL *h);
CURLMcode multi_perform(struct multi *m, int *running);
CURLMcode multi_socket_action(struct multi *m, curl_socket_t fd, int events, int *running);
CURLMcode multi_socket_all(struct multi *m, int *running);
CURLMcode multi_timeout(struct multi *m, long *timeout_ms);
CURLMcode multi_wait(struct multi *m, struct curl_waitfd *extra, unsigned n, int timeout_ms,
                     int *ready);
CURLMcode multi_poll(struct multi *m, struct curl_waitfd *extra, unsigned n, int timeout_ms,
                     int *ready);
CURLMsg *multi_info_read(struct multi *m, int *left);
CURLMcode multi_setopt(struct multi *m, CURLMoption option, union option_argument v);
CURLMcode curl_api_multi_setopt(const struct curl_api *api, CURLM *handle, CURLMoption option,
                                union option_argument v);
CURL **multi_get_handles(struct multi *m);
CURLMcode multi_get_offt(struct multi *m, int info, curl_off_t *out);
CURLMcode multi_notify(struct multi *m, unsigned type, bool on);

/* ---- of an easy handle that is in a multi handle ---- */

/* curl_easy_cleanup is about to end it, with a shadow or not. */
void multi_remove_freed(const CURL *h);
/* The handle was freed without our knowing, or from where libcurl would not have it. */
void multi_lost(struct shadow *s);
/* It is in none of libcurl's own: libcurl does not know that it is in use. */
bool multi_is_detached(const struct shadow *s);
/* One of its callbacks, or one of the handles in it, is running. */
bool multi_is_calling(const struct shadow *s);
/* curl_easy_pause: true when libcurl must not be asked, because nothing is in flight. */
bool multi_pause(struct shadow *s, int bitmask);

#endif
