/* SPDX-License-Identifier: MIT
 *
 * The settings that apply to one kind of request, after all configuration is merged. Immutable once built
 * and never freed while the process lives, so pointers to it may be kept (rules.h interns them).
 *
 * Durations in ns, ratios in percent, sizes in bytes; 0 means "not set" where the comment says so.
 */
#ifndef ENGINE_POLICY_POLICY_H
#define ENGINE_POLICY_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#define RATES_MAX    4 /* "60/1m 5/1s": several rates of one bucket */
#define LIMITS_MAX   8 /* the host's bucket, and those of operations by path */
#define METHODS_MAX  16
#define HINTS_MAX    4
#define FALLBACK_MAX 4   /* of a fallback, besides the name's own */
#define PERMITS_MAX  512 /* of a concurrency limit */

enum mode { MODE_ENFORCE, MODE_OBSERVE, MODE_OFF };
static inline const char *mode_name(enum mode m)
{
    return m == MODE_ENFORCE ? "enforce" : m == MODE_OBSERVE ? "observe" : "off";
}
enum on_limit { ON_LIMIT_WAIT, ON_LIMIT_FAIL };
enum jitter { JITTER_FULL, JITTER_EQUAL, JITTER_DECORRELATED, JITTER_NONE };
enum commit_at { COMMIT_HEADERS, COMMIT_LATE };
enum breaker_mode { BREAKER_ON, BREAKER_OFF, BREAKER_OBSERVE };

/* `tokens` per `window_ns`; `burst` is the capacity. interval_ns = window_ns/tokens, rounded up. */
struct rate {
    uint32_t tokens;
    uint32_t burst;
    int64_t window_ns;
    int64_t interval_ns;
};

/* What requests must have in common to share a bucket; several parts make one key. */
enum per_part {
    PER_HOST = 1,
    PER_ORIGIN = 2, /* scheme, host, port */
    PER_RULE = 4,
    PER_UID = 8,
    PER_HEADER = 16,
    PER_ENV = 32,
};
struct per {
    unsigned parts; /* of enum per_part */
    char header[64];
    char env[64];
};

/* One bucket: every rate in it must admit, and of its requests no more than `concurrency` are in flight at
 * a time. One of the two may be missing. */
struct limit {
    struct rate rates[RATES_MAX];
    int rate_count;
    uint32_t concurrency; /* 0: no limit */
    struct per per;
    bool operation;   /* named by a pattern with a path */
    const char *rule; /* the pattern or label; lives as long as the process */
};

/* A set of outcomes, for retry_on and never_on. */
enum outcome_group {
    OUTCOME_DNS = 1,
    OUTCOME_CONNECT = 2,
    OUTCOME_TLS = 4,
    OUTCOME_TIMEOUT = 8,
    OUTCOME_RESET = 16,
    OUTCOME_PARTIAL = 32,
    OUTCOME_THROTTLED = 64,
};
struct outcome_set {
    bool given;       /* false: the class defaults */
    unsigned groups;  /* of enum outcome_group */
    uint64_t curl[2]; /* CURLcode 0..127 */
    uint64_t http[8]; /* status 100..599, bit (status - 100) */
};

/* A header field of which only the configuration says what it means: hint = NAME UNIT. */
struct custom_hints {
    int count;
    struct custom_hint {
        char name[64];
        uint8_t unit; /* enum hint_unit */
    } at[HINTS_MAX];
};

/* Where attempts may go instead of the name's own address, in this order. */
struct fallback {
    int count;
    struct place_name {
        char host[256]; /* of an IPv6 address without brackets */
        uint16_t port;  /* 0: that of the request */
    } at[FALLBACK_MAX];
};

struct policy {
    struct limit limits[LIMITS_MAX];
    int limit_count; /* 0: no rate limit */
    uint32_t cost;   /* tokens per request */
    enum on_limit on_limit;
    int64_t max_wait_ns;
    enum on_limit on_concurrency;
    bool adaptive;

    int max_attempts; /* 1: no retry */
    int64_t base_delay_ns;
    int64_t max_delay_ns;
    enum jitter jitter;
    int64_t max_elapsed_ns;
    struct outcome_set retry_on;
    struct outcome_set never_on;
    char retry_methods[METHODS_MAX][16]; /* "" ends the list */
    int64_t retry_after_max_ns;          /* 0: hints are ignored */
    struct custom_hints hints;
    uint64_t hint_letters; /* the characters (& 63) that begin a line of interest */
    /* The part of the host that a server's hint pauses: requests of this operation (`rule`) with the
     * same `per`. Not narrow: the whole host. */
    bool pause_is_narrow;
    struct limit pause_scope;
    int retry_budget_percent; /* 0: unlimited */
    int64_t retry_reserve_ns; /* time in which the reserve adds one retry; 0: never */
    int64_t hold_limit;       /* bytes */
    enum commit_at commit;

    int64_t connect_timeout_ns; /* 0: none */
    int64_t attempt_timeout_ns; /* 0: none */
    int64_t stall_timeout_ns;   /* 0: none */

    enum breaker_mode breaker;
    int64_t breaker_after_ns; /* it opens only this long after the last success; 0: at any time */
    int breaker_failures;
    int breaker_ratio_percent;
    int64_t breaker_open_ns;
    int64_t breaker_max_open_ns;
    int breaker_successes;
    int64_t slow_after_ns; /* a slower success counts as a failure in the ratio; 0: none does */
    bool check_opens;      /* a failed active check opens the circuit */

    struct fallback fallback;
    uint32_t slo_ppm;       /* 995000: 99.5 % of the requests are good; 0: no SLO */
    int64_t slo_latency_ns; /* good ones take no longer; 0: however long */

    int unhealthy_after;
    int healthy_after;
};

#endif
