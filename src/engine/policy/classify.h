/* SPDX-License-Identifier: MIT
 *
 * What the outcome of an attempt means: which requests may be repeated after it (repeatable.h), and
 * does it count against the host? The answers are rows of tables (classify_table.c), by CURLcode, HTTP status, errno and so on; the options
 * `retry_on` and `never_on` override them.
 *
 *     struct verdict v = classify(&attempt, policy);
 *
 *   A  safe for any method          B  idempotent methods only
 *   C  throttled, any method        D  permanent: never repeated
 *   E  local: never repeated, says nothing about the host
 *
 * Pure: no state, no clock. Never fails: an unknown outcome is class E. */
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

/* Which of the user's lists changed what is repeated. */
enum list { LIST_NONE, LIST_RETRY_ON, LIST_NEVER_ON };

struct verdict {
    enum class class : 8;
    enum reason reason : 8;
    bool counted;         /* counts against the host (breaker, status) */
    bool alive;           /* the host answered, whatever the answer was */
    bool proxy;           /* caused by the proxy, not by the host */
    bool idempotent_only; /* of class A or C, but only idempotent methods are repeated */
    uint8_t max_tries;    /* limit of attempts for this outcome; 0: the policy's */
    enum list list : 8;   /* that forbids another attempt */
};

struct verdict classify(const struct attempt *a, const struct policy *p);

/* The answer of a proxy to CONNECT was an error. */
bool attempt_refused_by_proxy(const struct attempt *a);

/* The groups by which failures and retries are counted and published. */
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
