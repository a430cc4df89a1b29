/* SPDX-License-Identifier: MIT
 *
 * Which libcurl is at work on this thread: what it calls from its own code belongs to the transfer
 * that it makes.
 *
 *     const struct curl_api *outer = inside_enter(api);
 *     api->easy_perform(handle);
 *     inside_leave(outer);              however that ended, or what follows counts as libcurl's
 */
#ifndef CURL_INSIDE_H
#define CURL_INSIDE_H

#include "curl/api.h"

/* Returns what was at work before: a callback may transfer something itself. */
const struct curl_api *inside_enter(const struct curl_api *api);
void inside_leave(const struct curl_api *outer);
/* NULL: none. */
const struct curl_api *inside_now(void);

#endif
