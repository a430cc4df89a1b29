/* SPDX-License-Identifier: MIT
 *
 * Dates in header fields: the three forms of RFC 9110, 5.6.7, with GMT, UTC, Z or a numeric zone; RFC 3339
 * and what of ISO 8601 servers send; what date(1) and JavaScript print.
 *
 *     if (hint_date_read(&text, &since_1970_ns)) ...
 *
 * Pure; no locale. */
#ifndef ENGINE_POLICY_HINT_DATE_H
#define ENGINE_POLICY_HINT_DATE_H

#include "engine/policy/hint_text.h"

#include <stdbool.h>
#include <stdint.h>

/* Reads a date at the beginning of *t and moves *t behind it. A date after 2261 is INT64_MAX. False: there
 * is none. */
bool hint_date_read(struct hint_text *t, int64_t *ns);

#endif
