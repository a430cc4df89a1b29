/* SPDX-License-Identifier: MIT
 *
 * The entries of "checks" in health.json: a host or proxy (snapshot_host.c), or an active check
 * (snapshot_check.c), and the members that all of them have (snapshot_entry.c). Each function appends
 * members that end in a comma (json.h), and reads the slot without changing it. */
#ifndef ENGINE_PUBLISH_SNAPSHOT_ENTRY_H
#define ENGINE_PUBLISH_SNAPSHOT_ENTRY_H

#include "base/json.h"
#include "engine/board/view.h"
#include "engine/publish/snapshot.h"

/* v / 10^decimals; null when v is negative. */
void entry_number(struct text *t, const char *key, int64_t v, int decimals);
/* null when wall_ms cannot be a time. */
void entry_time(struct text *t, const char *key, int64_t wall_ms);
/* "status" to "last_error". */
void entry_status(struct text *t, const struct slot *s, const char *status);
void entry_failures_by(struct text *t, const struct slot *s);
/* The members of "duration_ms"; n: the sum of latency. */
void entry_durations(struct text *t, const struct slot *s, const uint64_t latency[LATENCY_BUCKETS],
                     uint64_t n);

struct totals {
    uint64_t requests, attempts, retries, recovered, rejected, hosts;
};

/* Whole entries. A host is added to the totals, a proxy is not: its requests are counted for the
 * hosts behind it. */
void entry_host(struct text *t, const struct snapshot_context *c, const struct slot *s,
                const char *name, enum health_status status, struct totals *sum);
void entry_check(struct text *t, const struct slot *s, const struct check_view *v);

#endif
