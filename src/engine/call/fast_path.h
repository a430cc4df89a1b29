/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_CALL_FAST_PATH_H
#define ENGINE_CALL_FAST_PATH_H

#include "engine/call/bind.h"

/* Whether a request would be admitted at once and take nothing: no limit, no gate, a calm breaker. */
bool binding_is_clear(const struct binding *b, int64_t now_ns);

/* Such requests may be made first and counted afterwards; this is all of a binding that they need.
 *
 *     if (fast_path_is_clear(&p, now)) {
 *         make the attempt
 *         if (went well and fast_path_count(&p, duration, now, wall)) done: begin, report and end in one
 *     }                                                   else: begin, report and end, as always */
struct fast_path {
    struct board *board;
    const struct policy *policy;
    struct slot *slot;
    uint64_t key;
};
bool fast_path_is_clear(const struct fast_path *p, int64_t now_ns);
/* False: nothing is counted, because a success changes more than the counters. */
bool fast_path_count(const struct fast_path *p, int64_t duration_ns, int64_t now_ns,
                     int64_t wall_ns);

#endif
