/* SPDX-License-Identifier: MIT
 *
 * Says in events and trace that a transfer was left to libcurl: a scheme that is not covered, or a URL
 * without a host. Any thread. */
#ifndef CURL_UNCOVERED_H
#define CURL_UNCOVERED_H

#include "curl/api.h"

#include <stdint.h>

/* begun_ns: 0: not known. Does nothing unless events are wanted. */
void uncovered_ended(CURLcode r, int64_t begun_ns);

#endif
