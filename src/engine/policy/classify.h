/* SPDX-License-Identifier: MIT
 *
 * What an attempt's outcome means: may it be repeated, and does it speak against the host? Two
 * tables, one of CURLcodes and one of HTTP statuses, hold the judgement as data; `retry_on` and
 * `never_on` override them.
 *
 *   A  safe for any method          B  idempotent methods only
 *   C  throttled, any method        D  permanent: never repeated
 *   E  local: never repeated, says nothing about the host
 *
 * Pure: no state, no clock. Never fails: what is unknown is E. */
#ifndef ENGINE_POLICY_CLASSIFY_H
#define ENGINE_POLICY_CLASSIFY_H

#include "engine/policy/attempt.h"
#include "engine/policy/policy.h"

#include <stdbool.h>

enum class { CLASS_SUCCESS, CLASS_A, CLASS_B, CLASS_C, CLASS_D, CLASS_E };

enum reason {
    REASON_NONE,
    REASON_DNS,
    REASON_CONNECT,
    REASON_TLS,
    REASON_TIMEOUT,
    REASON_RESET,
    REASON_PARTIAL,
    REASON_HTTP_5XX,
    REASON_HTTP_4XX,
    REASON_THROTTLED,
    REASON_AUTH,
    REASON_LOCAL,
    REASON_OTHER,
    REASON_COUNT
};

struct verdict {
    enum class class;
    enum reason reason;
    bool counted;         /* speaks against the host (breaker, status) */
    bool alive;           /* proof of life: the host answered, whatever it said */
    bool proxy;           /* the proxy's doing, not the host's */
    bool idempotent_only; /* class C, but not for every method */
    int max_tries;        /* attempts at most for this outcome; 0: as the policy says */
};

struct verdict classify(const struct attempt *a, const struct policy *p);

/* Whether class and method together allow another attempt (the replay and the commit rule are the
 * caller's). */
bool classify_repeatable(const struct verdict *v, const struct attempt *a, const struct policy *p);

/* The groups in which failures and retries are counted and published. */
enum reason_group {
    GROUP_DNS,
    GROUP_CONNECT,
    GROUP_TLS,
    GROUP_TIMEOUT,
    GROUP_RESET, /* and partial */
    GROUP_HTTP_5XX,
    GROUP_THROTTLED,
    GROUP_OTHER,
    REASON_GROUPS
};
enum reason_group reason_group(enum reason r);
const char *reason_group_name(enum reason_group g);

/* "timeout", "http_5xx", "partial", ... */
const char *reason_name(enum reason r);
/* "success", "transient", "throttled", "permanent", "local" */
const char *class_name(enum class c);

#endif
