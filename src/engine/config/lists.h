/* SPDX-License-Identifier: MIT
 *
 * Parsers of values that are lists of names: outcomes, HTTP statuses, HTTP methods, and what shares
 * a bucket. Only parse.c calls them.
 *
 *     retry_on = dns, connect, 503, CURLE_GOT_NOTHING        list_parse_outcomes
 *     expect = 200-399 404                                   list_parse_statuses
 *     retry_methods = GET HEAD                               list_parse_methods
 *     hint = X-Retry-In ms                                   list_parse_hints
 *     per = host+header:X-Org-Id                             list_parse_per
 *     fallback = backup.example.com 192.0.2.7:8443           list_parse_places
 *
 * On failure they return false, and `why` (size bytes) says what is wrong and what would be right.
 * Pure functions. */
#ifndef ENGINE_CONFIG_LISTS_H
#define ENGINE_CONFIG_LISTS_H

#include "engine/config/check_target.h"
#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

bool list_parse_outcomes(const char *value, struct outcome_set *out, char *why, size_t size);
bool list_parse_statuses(const char *value, struct status_set *out, char *why, size_t size);
/* In capitals; an empty entry ends the list. */
bool list_parse_hints(const char *value, struct custom_hints *out, char *why, size_t size);
bool list_parse_methods(const char *value, char out[METHODS_MAX][16], char *why, size_t size);
bool list_parse_per(const char *value, struct per *out, char *why, size_t size);
bool list_parse_places(const char *value, struct fallback *out, char *why, size_t size);

#endif
