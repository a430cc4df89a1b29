/* SPDX-License-Identifier: MIT
 *
 * The types of checks. A type is one file, NAME.c, with a function that tries the target once. The target
 * has been parsed by the configuration (config/check_target.h).
 *
 *     const struct check_type check_tcp = {"tcp", try_connection};
 *
 * What the function must do:
 * - A target is never unhealthy because of this process: if the attempt failed for a reason that is not
 *   the target's, the outcome is CHECK_UNKNOWN or CHECK_UNABLE.
 * - It may block, but not longer than timeout_ns. While it waits, it calls check_is_ending (fork_guard.h) once
 *   per CHECK_STEP_NS.
 * - Descriptors that it opens are close-on-exec, and closed when it returns.
 * - A library that has locks and that the program calls too is called between check_guard_enter and
 *   check_guard_leave, where it must not wait. A fork or the end of the process may abandon the
 *   function anywhere else.
 *
 * It runs in the thread of the checks only, one check at a time. Hooks let its calls pass: they are neither
 * limited nor retried nor counted as the program's. */
#ifndef ENGINE_CHECK_TYPES_H
#define ENGINE_CHECK_TYPES_H

#include "engine/config/check_target.h"
#include "engine/policy/attempt.h"

#include <stdint.h>

enum check_outcome {
    CHECK_PASSED,
    CHECK_FAILED,
    CHECK_UNKNOWN, /* not this time: no memory, no descriptor */
    CHECK_UNABLE,  /* never in this process; `why` says what is missing */
};

struct check_result {
    enum check_outcome outcome;
    struct attempt attempt; /* what happened, when it failed */
    int64_t took_ns;        /* 0: as long as the function took */
    const char *why;        /* static; for UNABLE and UNKNOWN. UNKNOWN and NULL: the process ends */
};

struct check_type {
    char name[8];
    void (*run)(const struct check_config *c, int64_t timeout_ns, struct check_result *out);
};

extern const struct check_type check_tcp, check_http, check_dns;

const struct check_type *check_type_of(enum check_kind kind);
/* For tests: another type in its place; NULL: the real one again. */
void check_type_replace(enum check_kind kind, const struct check_type *type);

#endif
