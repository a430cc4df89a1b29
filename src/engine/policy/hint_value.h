/* SPDX-License-Identifier: MIT
 *
 * The value of a header field that says when to come back: a wait, or a moment. All fields are read by
 * this one reader.
 *
 *     3   3.0   0.503                          a wait, in the unit of the field
 *     3s   17ms   6m0s   1h2m   3 seconds      a wait in the unit that it names
 *     PT1M30S   00:01:30
 *     1796000003   ...003000 (ms, us or ns)    a moment: time since 1970, its unit told by its size
 *     Mon, 30 Nov 2026 00:00:03 GMT            a moment: the three forms of RFC 9110, 5.6.7. In place of
 *                                              GMT: UTC, Z, +0000, or another numeric zone
 *     2026-11-30T00:00:03Z                     a moment: RFC 3339, and what of ISO 8601 servers send
 *
 * A value may be a list, and an item of it may have parameters ("0;w=60"), which are skipped:
 *
 *     struct hint_text list = {value, value + n};
 *     while (hint_value_next(&list, HINT_S, &v))
 *         ... v.ns ...
 *
 * What cannot be read ends the list. Fractions are rounded up to the next ns; values beyond 292 years
 * become INT64_MAX. Texts need no NUL. Pure functions: no allocation, no locale, any thread. */
#ifndef ENGINE_POLICY_HINT_VALUE_H
#define ENGINE_POLICY_HINT_VALUE_H

#include "engine/policy/hint_text.h"

#include <stdbool.h>
#include <stdint.h>

/* What a number without a unit means, unless it is so large that it is a moment. HINT_DATE and
 * HINT_EPOCH: nothing, because the field has moments only. */
enum hint_unit { HINT_S, HINT_MS, HINT_DATE, HINT_EPOCH };

struct hint_value {
    bool is_moment;
    int64_t ns; /* >= 0; from now, or since 1970 */
};

/* Reads the next item of a list and moves the list behind it. False: there is none. */
bool hint_value_next(struct hint_text *list, enum hint_unit unit, struct hint_value *v);

/* A number of requests, in millionths, rounded up: "0", "0.0", "990;w=60". */
bool hint_count_next(struct hint_text *list, int64_t *millionths);

#endif
