/* SPDX-License-Identifier: MIT
 *
 * The entry of a host or proxy in health.json. */
#include "engine/board/gcra.h"
#include "engine/board/pause.h"
#include "engine/board/slo_slot.h"
#include "engine/board/status.h"
#include "engine/publish/snapshot_entry.h"

static void add_to_totals(struct totals *sum, const uint64_t count[COUNTERS_READ])
{
#define ADD(NAME, UNIT, OBJECT, KEY, TOTAL, ...) sum->of[TOTAL_##TOTAL] += count[COUNT_##NAME];
    COUNTERS(ADD)
#undef ADD
    sum->hosts++;
}

static void put_limits(struct text *t, const struct snapshot_context *c, const struct slot *s,
                       enum breaker_state breaker, const uint64_t count[COUNTERS_READ])
{
    struct rate r;
    int64_t tat;
    bool limited = view_rate(c->board, s, &r, &tat);

    json_object(t, "rate");
    entry_number(t, "limit", limited ? (int64_t)r.tokens : -1, 0);
    entry_number(t, "window_s", limited ? r.window_ns : -1, 9);
    entry_number(t, "available", limited ? (int64_t)(gcra_available(tat, c->now_ns, &r) * 10) : -1,
                 1);
    entry_counters(t, count, OBJECT_RATE);
    json_close(t, '}');

    struct concurrency_view v;
    bool crowds = view_concurrency(c->board, s, c->now_ns, &v);
    json_object(t, "concurrency");
    entry_number(t, "limit", crowds ? (int64_t)v.limit : -1, 0);
    entry_number(t, "in_flight", crowds ? (int64_t)v.in_flight : -1, 0);
    entry_number(t, "waiting", crowds ? (int64_t)v.waiting : -1, 0);
    entry_counters(t, count, OBJECT_CONCURRENCY);
    json_close(t, '}');

    json_object(t, "budget");
    entry_number(t, "available", (int64_t)(view_budget(s, c->now_ns) * 10), 1);
    json_u64(t, "capacity", BUDGET_CAPACITY);
    entry_counters(t, count, OBJECT_BUDGET);
    json_close(t, '}');

    json_object(t, "breaker");
    json_string(t, "state", breaker_state_name(breaker));
    entry_counters(t, count, OBJECT_BREAKER);
    json_close(t, '}');
}

static void put_observed(struct text *t, const struct snapshot_context *c, const struct slot *s)
{
    struct observed_view o;
    struct adaptive_view v;
    if (!view_observed(c->board, s, &o)) {
        json_null(t, "observed");
        return;
    }
    json_object(t, "observed");
    json_u64(t, "would_wait", o.waits);
    json_fixed(t, "would_wait_s", o.waited_ns, 9);
    json_u64(t, "would_reject", o.rejected);
    json_u64(t, "would_retry", o.retries);
    json_u64(t, "would_fall_back", o.fallbacks);
    entry_number(t, "would_adapt_to",
                 view_adaptive(c->board, s, true, c->now_ns, &v) ? (int64_t)v.rate_milli : -1, 3);
    json_close(t, '}');
}

static int64_t wall_ms_of(const struct snapshot_context *c, int64_t at_ns)
{
    return (c->wall_ns + (at_ns - c->now_ns)) / NS_PER_MS;
}

static void put_adaptive(struct text *t, const struct snapshot_context *c, const struct slot *s)
{
    struct adaptive_view v;
    if (!view_adaptive(c->board, s, false, c->now_ns, &v)) {
        json_null(t, "adaptive");
        return;
    }
    json_object(t, "adaptive");
    json_fixed(t, "rate", (int64_t)v.rate_milli, 3);
    json_fixed(t, "cut_to", (int64_t)v.cut_milli, 3);
    json_fixed(t, "goodput", (int64_t)v.goodput_milli, 3);
    entry_time(t, "cut_at", wall_ms_of(c, v.cut_ns));
    entry_time(t, "off_at", wall_ms_of(c, v.off_ns));
    json_close(t, '}');
}

/* The windows from one to another, as thousandths. */
static void put_windows(struct text *t, const char *key, const double *value,
                        const enum slo_window *windows, int n)
{
    json_object(t, key);
    for (int i = 0; i < n; i++)
        json_fixed(t, slo_window_name(windows[i]), slo_milli(value[windows[i]]), 3);
    json_close(t, '}');
}

static void put_slo(struct text *t, const struct snapshot_context *c, const struct slot *s,
                    bool burns)
{
    struct slo_view v;
    if (!slo_slot_view(c->board, s, c->now_ns, &v)) {
        json_null(t, "slo");
        return;
    }
    json_object(t, "slo");
    json_fixed(t, "objective", v.ppm, 6);
    entry_number(t, "latency_ms", v.latency_ns ? v.latency_ns / NS_PER_MS : -1, 0);
    json_u64(t, "good", v.good);
    json_u64(t, "bad", v.bad);
    put_windows(t, "budget_left", v.budget_left, slo_budget_windows, SLO_BUDGET_WINDOWS);
    put_windows(t, "burn_rate", v.burn_rate, slo_rate_windows, SLO_RATE_WINDOWS);
    json_object(t, "burns");
    json_bool(t, "fast", burns);
    json_bool(t, "slow", v.slow_burns);
    json_close(t, '}');
    json_close(t, '}');
}

static void put_pause(struct text *t, const struct snapshot_context *c, const struct pause_shown *p,
                      const char *until, const char *by)
{
    int64_t ns = p->until_ns ? c->wall_ns + (p->until_ns - c->now_ns) : 0;
    entry_time(t, until, (ns + NS_PER_MS - 1) / NS_PER_MS);
    if (p->line[0])
        json_string(t, by, p->line);
    else
        json_null(t, by);
}

/* A pause that began after the status was read is not shown, because it would contradict it. */
static void put_pauses(struct text *t, const struct snapshot_context *c, const struct slot *s,
                       enum health_status status)
{
    struct pause_shown all = {.until_ns = 0}, part;
    if (status != STATUS_HEALTHY)
        pause_show(s, PAUSE_OF_ALL, c->now_ns, &all);
    pause_show(s, PAUSE_OF_PART, c->now_ns, &part);
    put_pause(t, c, &all, "paused_until", "paused_by");
    put_pause(t, c, &part, "part_paused_until", "part_paused_by");
}

void entry_host(struct text *t, const struct snapshot_context *c, const struct slot *s,
                const char *name, struct view_state state, struct totals *sum)
{
    /* Read once, so that the entry and the totals agree with each other. */
    uint64_t latency[LATENCY_BUCKETS], count[COUNTERS_READ];
    counters_read(s, view_latency(s, latency), count);
    if (!view_is_counted_twice(s))
        add_to_totals(sum, count);

    json_object_quoted(t, name);
    json_string(t, "kind", "passive");
    entry_status(t, s, status_name(state.status),
                 view_since_ms(c->board, s, state.status, c->now_ns, c->wall_ns));
    put_pauses(t, c, s, state.status);
    entry_counters(t, count, OBJECT_EVERY | OBJECT_HOST);
    entry_counters_by_reason(t, s);
    json_object(t, "duration_ms");
    entry_durations(t, s, latency, count);
    json_close(t, '}');
    put_limits(t, c, s, state.breaker, count);
    put_adaptive(t, c, s);
    put_slo(t, c, s, state.slo_burns);
    put_observed(t, c, s);
    json_close(t, '}');
}
