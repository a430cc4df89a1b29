/* SPDX-License-Identifier: MIT
 *
 * Fast path: a request to a host without limits, pause or trouble is made first and counted
 * afterwards, in one step instead of begin, admit, report and end.
 *
 *     if (fast_path_is_clear(&f, now_ns)) {
 *         make the attempt
 *         if (it succeeded && fast_path_count(&f, duration_ns, now_ns, wall_ns))
 *             return;
 *     }
 *     ... call_begin, and so on, as always
 *
 * struct fast_path is all of a binding that this needs. Any thread; may be copied. */
#ifndef ENGINE_CALL_FAST_PATH_H
#define ENGINE_CALL_FAST_PATH_H

#include "engine/call/bind.h"

/* Whether a request would be admitted at once and take nothing: no limit, no pause, a
 * calm breaker. */
bool binding_is_clear(const struct binding *b, int64_t now_ns);

struct fast_path {
    struct board *board;
    const struct policy *policy;
    struct slot *slot;
    uint64_t key;
};
bool fast_path_is_clear(const struct fast_path *p, int64_t now_ns);
/* False if a success would change more than counters, or is traced; then nothing is counted. */
bool fast_path_count(const struct fast_path *p, int64_t duration_ns, int64_t now_ns,
                     int64_t wall_ns);

#endif
