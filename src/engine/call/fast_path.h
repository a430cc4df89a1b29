/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_CALL_FAST_PATH_H
#define ENGINE_CALL_FAST_PATH_H

#include "engine/call/bind.h"

/* Whether a request would be admitted at once and take nothing: no limit, no gate, a calm breaker. */
bool call_is_free(const struct binding *b, int64_t now_ns);

/* Such requests may be made first and counted afterwards; this is all of a binding that they need.
 *
 *     if (passage_is_free(&p, now)) {
 *         make the attempt
 *         if (went well and passage_count(&p, duration, now, wall)) done: begin, report and end in one
 *     }                                                   else: begin, report and end, as always */
struct passage {
    struct board *board;
    const struct policy *policy;
    struct slot *slot;
    uint64_t key;
};
bool passage_is_free(const struct passage *p, int64_t now_ns);
/* False: nothing is counted, because a success changes more than the counters. */
bool passage_count(const struct passage *p, int64_t duration_ns, int64_t now_ns, int64_t wall_ns);

#endif
