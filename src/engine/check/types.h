/* SPDX-License-Identifier: MIT
 *
 * Active health checks. A kind of check is a row of check_types and one file, check_NAME.c, with two
 * functions: one reads a target, the other tries it once.
 *
 *     const struct check_type check_tcp = {"tcp", read_target, run};
 *
 * `read_target` is pure: it is called while a configuration is read, in any thread.
 *
 * `run` is called in the thread of the checks and in no other (checker.h), one check at a time, so
 * it may block, but for no longer than timeout_ns. Descriptors that it opens are close-on-exec, and
 * closed when it returns. What the process does for it passes by all hooks: it is neither limited
 * nor repeated nor counted as the program's. It may be left behind in the middle by a fork (the
 * child has no such thread) or by the end of the program. Where it calls a library that has locks of
 * its own and is called by the program too, it does so between checker_enter and checker_leave, and
 * does not wait there. Whatever has no answer because of this process, and not because of the
 * target, is CHECK_UNKNOWN or CHECK_UNABLE: a target is never unhealthy because of us. */
#ifndef ENGINE_CHECK_TYPES_H
#define ENGINE_CHECK_TYPES_H

#include "engine/policy/classify.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHECK_NAME_SIZE   44 /* with the NUL; a section's name has 49 with the word "check" */
#define CHECK_HOST_SIZE   256
#define CHECK_ORIGIN_SIZE 288

/* By position, the words of the key `type`. */
enum check_kind { CHECK_TCP, CHECK_HTTP, CHECK_DNS, CHECK_KINDS };

struct check_target {
    char host[CHECK_HOST_SIZE];     /* lower case, without brackets */
    char port[6];                   /* "" where the kind has none, or it is the scheme's own */
    char origin[CHECK_ORIGIN_SIZE]; /* what may be shown: no user, path or query */
};

/* HTTP statuses, bit (status - 100). */
struct status_set {
    uint64_t bits[8];
};

/* One [check NAME] section, complete and checked. */
struct check_config {
    const char *name;
    enum check_kind kind;
    const char *target; /* as configured; never shown */
    struct check_target at;
    int64_t interval_ns; /* from the beginning of one run to the next */
    int64_t timeout_ns;
    struct status_set expect;
    int unhealthy_after, healthy_after;
};

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
    /* False: `why` says what is wrong and what would be right. */
    bool (*read_target)(struct check_target *out, const char *value, char *why, size_t size);
    void (*run)(const struct check_config *c, int64_t timeout_ns, struct check_result *out);
};

extern const struct check_type check_tcp, check_http, check_dns;

const struct check_type *check_type_of(enum check_kind kind);
/* Another type in its place, for tests; NULL: the real one again. */
void check_type_replace(enum check_kind kind, const struct check_type *type);

static inline bool check_expects(const struct check_config *c, int status)
{
    unsigned bit = (unsigned)status - 100;
    return bit < 500 && (c->expect.bits[bit / 64] >> (bit % 64) & 1);
}

/* "host:port", "[::1]:port"; with_port false: "host" alone. For read_target. */
bool check_read_address(struct check_target *out, const char *s, size_t n, bool with_port,
                        char *why, size_t size);
/* "http://user@host:port/path?query" and https. */
bool check_read_url(struct check_target *out, const char *value, char *why, size_t size);

#endif
