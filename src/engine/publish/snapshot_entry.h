/* SPDX-License-Identifier: MIT
 *
 * The entries of "checks" in health.json: a host or proxy (snapshot_host.c), or an active check
 * (snapshot_check.c), and the members that all of them have (snapshot_entry.c). Each function appends
 * members that end in a comma (json.h), and reads the slot without changing it. */
#ifndef ENGINE_PUBLISH_SNAPSHOT_ENTRY_H
#define ENGINE_PUBLISH_SNAPSHOT_ENTRY_H

#include "base/clock.h"
#include "base/json.h"
#include "engine/board/view.h"
#include "engine/publish/snapshot.h"

/* v / 10^decimals; null when v is negative. */
void entry_number(struct text *t, const char *key, int64_t v, int decimals);
/* null when wall_ms cannot be a time. */
void entry_time(struct text *t, const char *key, int64_t wall_ms);
/* "status" to "last_error", for the "since" that the caller has read. */
void entry_status(struct text *t, const struct slot *s, const char *status, int64_t since_ms);
/* Objects with a member for each group of reasons. */
void entry_counters_by_reason(struct text *t, const struct slot *s);
/* The members of "duration_ms"; count: as counters_read() fills it. */
void entry_durations(struct text *t, const struct slot *s, const uint64_t latency[LATENCY_BUCKETS],
                     const uint64_t count[COUNTERS_READ]);

/* Which object of an entry has a counter: OBJECT in counters.h. */
enum {
    OBJECT_NONE = 0,
    OBJECT_EVERY = 1,
    OBJECT_HOST = 2,
    OBJECT_RATE = 4,
    OBJECT_BUDGET = 8,
    OBJECT_BREAKER = 16,
    OBJECT_DURATION = 32,
    OBJECT_CONCURRENCY = 64,
};

JSON_INLINE void entry_counter(struct text *t, enum counter_unit unit, const char *key, uint64_t v)
{
    if (unit == UNIT_NS)
        json_fixed(t, key, (int64_t)(v / NS_PER_MS), 3);
    else
        json_u64(t, key, v);
}

/* The counters of these objects. Inline, because `objects` is a constant in each call, so the compiler
 * drops the other rows of the table. */
JSON_INLINE void entry_counters(struct text *t, const uint64_t count[COUNTERS_READ],
                                unsigned objects)
{
#define MEMBER(NAME, UNIT, OBJECT, KEY, ...)                                                       \
    if (OBJECT_##OBJECT & objects)                                                                 \
        entry_counter(t, UNIT_##UNIT, KEY, count[COUNT_##NAME]);
    COUNTERS(MEMBER)
#undef MEMBER
}

/* The object "totals" of health.json. */
#define TOTAL_INDEX(NAME, ...) TOTAL_##NAME,
enum { TOTALS(TOTAL_INDEX) TOTAL_COUNT, TOTAL_NONE = TOTAL_COUNT };
struct totals {
    uint64_t of[TOTAL_COUNT + 1]; /* the last: of counters that belong to no total */
    uint64_t hosts;
};

/* Whole entries. A host is added to the totals, a proxy is not: its requests are counted for the
 * hosts behind it. */
void entry_host(struct text *t, const struct snapshot_context *c, const struct slot *s,
                const char *name, struct view_state state, struct totals *sum);
void entry_check(struct text *t, const struct slot *s, const struct check_view *v);

#endif
