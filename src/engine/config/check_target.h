/* SPDX-License-Identifier: MIT
 *
 * A [check NAME] section as the checks use it: its type, and the target parsed as that type
 * demands.
 *
 *     check_target_parse(CHECK_TCP, "db.example.com:5432", &t, why, sizeof why)
 *     check_target_parse(CHECK_HTTP, "https://user@api.example.com/health?key=1", ...)
 *     check_target_parse(CHECK_DNS, "db.example.com", ...)
 *
 * A target may contain a user, path or query that is secret. Only `origin` may be shown: it is the
 * address without them, here "https://api.example.com". Pure functions. (Where a request of the
 * program goes is the struct target of pattern.h.) */
#ifndef ENGINE_CONFIG_CHECK_TARGET_H
#define ENGINE_CONFIG_CHECK_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* With the NUL. A section header has room for 49 characters, with the word "check". */
#define CHECK_NAME_SIZE   44
#define CHECK_HOST_SIZE   256
#define CHECK_ORIGIN_SIZE 288

/* In the order of the words of the key `type`. */
enum check_kind { CHECK_TCP, CHECK_HTTP, CHECK_DNS, CHECK_KINDS };

struct check_target {
    char host[CHECK_HOST_SIZE];     /* lower case, without brackets */
    char port[6];                   /* "": the kind has none, or it is the scheme's own */
    char origin[CHECK_ORIGIN_SIZE]; /* may be shown: no user, path or query */
};

/* HTTP statuses 100 to 599; bit number = status - 100. */
struct status_set {
    uint64_t bits[8];
};

/* One [check NAME] section, complete and valid. */
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

/* "host", "host:port" or "[::1]:port" in n bytes; sets host, in lower case, and port ("": none). */
bool host_port_parse(const char *s, size_t n, struct check_target *out);
/* On failure false, and `why` (size bytes) says what is wrong and what would be right. */
bool check_target_parse(enum check_kind kind, const char *value, struct check_target *out,
                        char *why, size_t size);

static inline bool check_expects(const struct check_config *c, int status)
{
    unsigned bit = (unsigned)status - 100;
    return bit < 500 && (c->expect.bits[bit / 64] >> (bit % 64) & 1);
}

#endif
