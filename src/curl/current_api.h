/* SPDX-License-Identifier: MIT
 *
 * Which libcurl is running on this thread: a connect() from its code belongs to the transfer that
 * it performs.
 *
 *     const struct curl_api *outer = current_api_enter(api);
 *     api->easy_perform(handle);
 *     current_api_leave(outer);         also when an exception leaves the perform */
#ifndef CURL_CURRENT_API_H
#define CURL_CURRENT_API_H

#include "curl/api.h"

/* Returns the one before, because a callback may start a transfer itself. */
const struct curl_api *current_api_enter(const struct curl_api *api);
void current_api_leave(const struct curl_api *outer);
/* NULL: none. */
const struct curl_api *current_api_get(void);

#endif
