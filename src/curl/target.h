/* SPDX-License-Identifier: MIT
 *
 * Finds the host whose limits and health apply to a handle, from its options. libcurl's own parser
 * reads the URL; CURLOPT_PORT wins over it. A URL without a host (file:) has no target.
 *
 *     if (target_bind(shadow, engine, now_ns)) ... shadow->binding
 *
 * Costs one comparison if neither the URL nor the configuration has changed; else libcurl's parser
 * allocates. False: no host, no memory, or no parser (libcurl before 7.62). */
#ifndef CURL_TARGET_H
#define CURL_TARGET_H

#include "curl/connect_to.h"
#include "curl/shadow.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

bool target_bind(struct shadow *s, struct engine *e, int64_t now_ns);
/* How libcurl's list of places names what the next attempt is for. False: no host, or no memory.
 * api->free(*owned) in any case. */
bool target_name(const struct shadow *s, struct connect_name *name, char **owned);
/* The value of a header in the program's CURLOPT_HTTPHEADER; NULL: not set, or empty. */
const char *target_request_header(const struct shadow *s, const char *name);

#endif
