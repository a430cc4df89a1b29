/* SPDX-License-Identifier: MIT
 *
 * Which libcurl is at work on this thread: what it calls from its own code belongs to the transfer
 * that it makes.
 *
 *     const struct curl_api *outer = current_api_enter(api);
 *     api->easy_perform(handle);
 *     current_api_leave(outer);              however that ended, or what follows counts as libcurl's
 */
#ifndef CURL_CURRENT_API_H
#define CURL_CURRENT_API_H

#include "curl/api.h"

/* Returns what was at work before: a callback may transfer something itself. */
const struct curl_api *current_api_enter(const struct curl_api *api);
void current_api_leave(const struct curl_api *outer);
/* NULL: none. */
const struct curl_api *current_api_get(void);

#endif
