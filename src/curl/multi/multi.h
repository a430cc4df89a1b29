/* SPDX-License-Identifier: MIT
 *
 * The multi driver, for a program with an event loop of its own. A transfer that has to wait, for a
 * token, for the end of a pause or for another attempt, is *parked*: libcurl does not run it, but
 * it counts as running, and every timeout that the program gets includes it. The next call of the
 * program starts what is due; no call waits for it.
 *
 *     struct multi *m = multi_new(handle, api);        at curl_multi_init
 *     multi_add(m, easy);                              parked, and due at once
 *     multi_perform(m, &running);                      starts what is due, lets libcurl work, takes
 *                                                      all its messages: a failure that is to be
 *                                                      repeated is parked again, and not shown
 *     multi_info_read(m, &left);                       our messages
 *     multi_cleanup(m);
 *
 * The program holds libcurl's own handle, so functions that are not listed here (curl_multi_fdset,
 * _assign, _wakeup, _waitfds, _strerror) go straight to libcurl. libcurl calls some of these
 * functions itself: only calls of the program may come here.
 *
 * An easy handle without a shadow, or without a host, is left to libcurl, in the same multi handle
 * as the others; so is any handle when there is no memory. One thread at a time per multi handle,
 * as in libcurl. An exception or a cancelled thread in a callback leaves the handle usable. libcurl
 * decides which calls are allowed in its callbacks. */
#ifndef CURL_MULTI_MULTI_H
#define CURL_MULTI_MULTI_H

#include "curl/shadow.h"

struct multi;

struct multi *multi_new(CURLM *handle, const struct curl_api *api);
/* NULL: its creation was not seen. */
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
/* Calls libcurl's curl_multi_setopt with the type of the option. */
CURLMcode multi_forward_setopt(const struct curl_api *api, CURLM *handle, CURLMoption option,
                               union option_argument v);
CURL **multi_get_handles(struct multi *m);
CURLMcode multi_get_offt(struct multi *m, int info, curl_off_t *out);
CURLMcode multi_notify(struct multi *m, unsigned type, bool on);

/* ---- for an easy handle that may be in a multi handle ---- */

/* Before curl_easy_cleanup frees the handle, whether it has a shadow or not. */
void multi_remove_freed(const CURL *h);
/* Whether it is a member but not in libcurl's multi handle: libcurl does not know that it is in
 * use. */
bool multi_is_detached(const struct shadow *s);
/* Whether a callback of its multi handle, or of a member, is running. */
bool multi_is_calling(const struct shadow *s);
/* curl_easy_pause. True: done; libcurl must not be called, because it has no transfer. */
bool multi_pause(struct shadow *s, int bitmask);

#endif
