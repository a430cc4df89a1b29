/* SPDX-License-Identifier: MIT */
#include "engine/publish/snapshot_entry.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "engine/board/status.h"

void entry_number(struct text *t, const char *key, int64_t v, int decimals)
{
    if (v < 0)
        json_null(t, key);
    else
        json_fixed(t, key, v, decimals);
}

void entry_time(struct text *t, const char *key, int64_t wall_ms)
{
    if (wall_ms > 0 && wall_ms <= INT64_MAX / NS_PER_MS)
        json_time(t, key, wall_ms * NS_PER_MS);
    else
        json_null(t, key);
}

static void put_last_error(struct text *t, const struct slot *s)
{
    struct last_error e = view_error(s);
    if (e.class == CLASS_SUCCESS) {
        json_null(t, "last_error");
        return;
    }
    json_object(t, "last_error");
    json_string(t, "class", class_name(e.class));
    json_string(t, "reason", reason_name(e.reason));
    json_u64(t, "curl", (uint64_t)e.curl);
    json_u64(t, "http", (uint64_t)e.http);
    json_u64(t, "errno", (uint64_t)e.os_errno);
    json_close(t, '}');
}

void entry_status(struct text *t, const struct slot *s, const char *status, int64_t since_ms)
{
    json_string(t, "status", status);
    entry_time(t, "since", since_ms);
    json_u64(t, "consecutive_failures", status_failures_in_row(s));
    entry_time(t, "last_success", atomic_load_explicit(&s->last_success_ms, memory_order_relaxed));
    entry_time(t, "last_failure", atomic_load_explicit(&s->last_failure_ms, memory_order_relaxed));
    put_last_error(t, s);
}

static void put_groups(struct text *t, const char *key, const _Atomic uint32_t words[REASON_GROUPS])
{
    json_object(t, key);
    for (int g = 0; g < REASON_GROUPS; g++)
        json_u64(t, reason_group_name(g), atomic_load_explicit(&words[g], memory_order_relaxed));
    json_close(t, '}');
}

void entry_counters_by_reason(struct text *t, const struct slot *s)
{
#define MEMBER(WORDS, KEY, ...)                                                                    \
    if (*KEY)                                                                                      \
        put_groups(t, KEY, s->WORDS);
    COUNTERS_BY_REASON(MEMBER)
#undef MEMBER
}

void entry_durations(struct text *t, const struct slot *s, const uint64_t latency[LATENCY_BUCKETS],
                     const uint64_t count[COUNTERS_READ])
{
    static const struct {
        const char *key;
        double q;
    } shown[] = {{"p50", .50}, {"p95", .95}, {"p99", .99}};
    uint64_t n = count[COUNT_ATTEMPTS];
    int64_t max_ns = atomic_load_explicit(&s->max_ns, memory_order_relaxed);

    json_u64(t, "count", n);
    entry_number(t, "mean", n ? (int64_t)(count[COUNT_DURATION_NS] / n / 1000) : -1, 3);
    for (size_t i = 0; i < array_size(shown); i++)
        entry_number(t, shown[i].key, n ? view_quantile_ns(s, latency, n, shown[i].q) / 1000 : -1,
                     3);
    entry_number(t, "max", n ? max_ns / 1000 : -1, 3);
}
