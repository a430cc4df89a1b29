/* SPDX-License-Identifier: MIT
 *
 * Active health checks. A kind of check is one file, NAME.c, with a function that tries the target once.
 * The target itself is read by the configuration (engine/config/target.h).
 *
 *     const struct check_type check_tcp = {"tcp", run};
 *
 * `run` is called in the thread of the checks and in no other (checker.h), one check at a time, so
 * it may block, but for no longer than timeout_ns. Descriptors that it opens are close-on-exec, and
 * closed when it returns. What the process does for it passes by all hooks: it is neither limited
 * nor repeated nor counted as the program's. It may be left behind in the middle by a fork (the
 * child has no such thread) or by the end of the program. Where it calls a library that has locks of
 * its own and is called by the program too, it does so between check_guard_enter and check_guard_leave, and
 * does not wait there. Whatever has no answer because of this process, and not because of the
 * target, is CHECK_UNKNOWN or CHECK_UNABLE: a target is never unhealthy because of us. */
#ifndef ENGINE_CHECK_TYPES_H
#define ENGINE_CHECK_TYPES_H

#include "engine/config/target.h"
#include "engine/policy/classify.h"

#include <stdint.h>

enum check_outcome {
    CHECK_PASSED,
    CHECK_FAILED,
    CHECK_UNKNOWN, /* this time: no memory, no descriptor */
    CHECK_UNABLE,  /* this process never can; `why` says what it lacks */
};

struct check_result {
    enum check_outcome outcome;
    struct attempt attempt; /* what happened, when it failed */
    int64_t took_ns;        /* 0: as long as the call */
    const char *why;        /* static; UNABLE, and UNKNOWN, where NULL is the end of the process */
};

struct check_type {
    char name[8];
    void (*run)(const struct check_config *c, int64_t timeout_ns, struct check_result *out);
};

extern const struct check_type check_tcp, check_http, check_dns;

const struct check_type *check_type_of(enum check_kind kind);
/* Another type in its place, for tests; NULL: the real one again. */
void check_type_replace(enum check_kind kind, const struct check_type *type);

#endif
