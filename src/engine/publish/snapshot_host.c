/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "engine/board/gcra.h"
#include "engine/board/status.h"
#include "engine/publish/snapshot_entry.h"

static void put_counts(struct text *t, const struct slot *s, uint64_t attempts, struct totals *sum)
{
    uint64_t requests = slot_counter(s, COUNT_REQUESTS);
    uint64_t retries = slot_counter(s, COUNT_RETRIES);
    uint64_t recovered = slot_counter(s, COUNT_RECOVERED);
    json_u64(t, "requests", requests);
    json_u64(t, "attempts", attempts);
    json_u64(t, "successes", slot_counter(s, COUNT_SUCCESSES));
    json_u64(t, "failures", slot_counter(s, COUNT_FAILURES));
    json_u64(t, "retries", retries);
    json_u64(t, "recovered", recovered);
    json_u64(t, "exhausted", slot_counter(s, COUNT_EXHAUSTED));
    entry_failures_by(t, s);
    if (view_is_proxy(s))
        return;
    sum->requests += requests;
    sum->attempts += attempts;
    sum->retries += retries;
    sum->recovered += recovered;
    sum->hosts++;
}

static void put_limits(struct text *t, const struct snapshot_context *c, const struct slot *s,
                       struct totals *sum)
{
    struct rate r;
    int64_t tat;
    bool limited = view_rate(c->board, s, &r, &tat);
    uint64_t rate_rejected = slot_counter(s, COUNT_RATE_REJECTED);
    uint64_t breaker_rejected = slot_counter(s, COUNT_BREAKER_REJECTED);

    json_object(t, "rate");
    entry_number(t, "limit", limited ? (int64_t)r.tokens : -1, 0);
    entry_number(t, "window_s", limited ? r.window_ns : -1, 9);
    entry_number(t, "available", limited ? (int64_t)(gcra_available(tat, c->now_ns, &r) * 10) : -1,
                 1);
    json_u64(t, "waited", slot_counter(s, COUNT_WAITED));
    entry_number(t, "waited_s", (int64_t)(slot_counter(s, COUNT_WAITED_NS) / NS_PER_MS), 3);
    json_u64(t, "rejected", rate_rejected);
    json_close(t, '}');

    json_object(t, "budget");
    entry_number(t, "available", (int64_t)(view_budget(s, c->now_ns) * 10), 1);
    json_u64(t, "capacity", BUDGET_CAPACITY);
    json_u64(t, "denied", slot_counter(s, COUNT_BUDGET_DENIED));
    json_close(t, '}');

    json_object(t, "breaker");
    json_string(t, "state", breaker_state_name(breaker_state_at(&s->breaker, c->now_ns)));
    json_u64(t, "opened", slot_counter(s, COUNT_BREAKER_OPENED));
    json_u64(t, "rejected", breaker_rejected);
    json_close(t, '}');
    if (!view_is_proxy(s))
        sum->rejected += rate_rejected + breaker_rejected;
}

void entry_host(struct text *t, const struct snapshot_context *c, const struct slot *s,
                const char *name, enum health_status status, struct totals *sum)
{
    json_object_quoted(t, name);
    json_string(t, "kind", "passive");
    entry_status(t, s, status_name(status));
    /* Read once: attempts and their durations are the same in one snapshot. */
    uint64_t latency[LATENCY_BUCKETS];
    uint64_t attempts = view_latency(s, latency);
    put_counts(t, s, attempts, sum);
    json_object(t, "duration_ms");
    entry_durations(t, s, latency, attempts);
    json_close(t, '}');
    put_limits(t, c, s, sum);
    json_close(t, '}');
}
