/* SPDX-License-Identifier: MIT */
#include "engine/publish/snapshot_entry.h"

#include "base/clock.h"
#include "base/sizes.h"
#include "engine/board/gcra.h"
#include "engine/board/status.h"

/* Per host: 39 lines of metrics of at most 600 bytes; the JSON needs less. Notes: labels
 * and what is shown in metrics. */
#define HOST_BYTES  24576
#define NOTES_BYTES 960
#define BASE_BYTES  65536
#define NOT_KNOWN   255 /* in place of a status */

struct totals {
    uint64_t requests, attempts, retries, recovered, rejected, hosts;
};

static size_t room_for(const struct board *b, size_t host_bytes)
{
    size_t used = view_count(b) + 16; /* some may come while it is written */
    return BASE_BYTES + board_size(b) + used * host_bytes;
}

size_t snapshot_size(const struct board *b)
{
    return room_for(b, HOST_BYTES + NOTES_BYTES);
}

size_t snapshot_room(const struct board *b)
{
    return room_for(b, NOTES_BYTES);
}

void put_decimal(struct text *t, const char *key, int64_t v, int decimals)
{
    put_key(t, key);
    if (v < 0)
        text_put(t, "null");
    else
        text_fixed(t, v, decimals);
    text_put(t, ",");
}

static void put_when(struct text *t, const char *key, int64_t wall_ms)
{
    put_key(t, key);
    if (wall_ms > 0 && wall_ms <= INT64_MAX / NS_PER_MS) {
        text_put(t, "\"");
        text_time(t, wall_ms * NS_PER_MS);
        text_put(t, "\",");
    } else {
        text_put(t, "null,");
    }
}

static void render_last_error(struct text *t, const struct slot *s)
{
    struct last_error e = view_error(s);
    if (e.class == CLASS_SUCCESS) {
        text_put(t, "\"last_error\":null,");
        return;
    }
    open_object(t, "last_error");
    put_word(t, "class", class_name(e.class));
    put_word(t, "reason", reason_name(e.reason));
    put_count(t, "curl", (uint64_t)e.curl);
    put_count(t, "http", (uint64_t)e.http);
    put_count(t, "errno", (uint64_t)e.os_errno);
    close_with(t, "},");
}

void render_failures_by(struct text *t, const struct slot *s)
{
    open_object(t, "failures_by");
    for (int g = 0; g < REASON_GROUPS; g++)
        put_count(t, reason_group_name(g),
                  atomic_load_explicit(&s->failures_by[g], memory_order_relaxed));
    close_with(t, "},");
}

void render_status(struct text *t, const struct slot *s, const char *status)
{
    put_word(t, "status", status);
    put_when(t, "since", atomic_load_explicit(&s->status_since_ms, memory_order_relaxed));
    put_count(t, "consecutive_failures", status_failures_in_row(s));
    put_when(t, "last_success", atomic_load_explicit(&s->last_success_ms, memory_order_relaxed));
    put_when(t, "last_failure", atomic_load_explicit(&s->last_failure_ms, memory_order_relaxed));
    render_last_error(t, s);
}

static void render_counts(struct text *t, const struct slot *s, uint64_t attempts,
                          struct totals *sum)
{
    uint64_t requests = slot_counter(s, COUNT_REQUESTS);
    uint64_t retries = slot_counter(s, COUNT_RETRIES);
    uint64_t recovered = slot_counter(s, COUNT_RECOVERED);
    put_count(t, "requests", requests);
    put_count(t, "attempts", attempts);
    put_count(t, "successes", slot_counter(s, COUNT_SUCCESSES));
    put_count(t, "failures", slot_counter(s, COUNT_FAILURES));
    put_count(t, "retries", retries);
    put_count(t, "recovered", recovered);
    put_count(t, "exhausted", slot_counter(s, COUNT_EXHAUSTED));
    render_failures_by(t, s);
    if (view_is_proxy(s))
        return;
    sum->requests += requests;
    sum->attempts += attempts;
    sum->retries += retries;
    sum->recovered += recovered;
    sum->hosts++;
}

void render_durations(struct text *t, const struct slot *s, const uint64_t counts[LATENCY_BUCKETS],
                      uint64_t n)
{
    static const struct {
        const char *name;
        double q;
    } shown[] = {{"p50", .50}, {"p95", .95}, {"p99", .99}};
    int64_t max = atomic_load_explicit(&s->max_ns, memory_order_relaxed);

    put_count(t, "count", n);
    put_decimal(t, "mean", n ? (int64_t)(slot_counter(s, COUNT_DURATION_NS) / n / 1000) : -1, 3);
    for (int i = 0; i < 3; i++)
        put_decimal(t, shown[i].name, n ? view_quantile_ns(s, counts, n, shown[i].q) / 1000 : -1,
                    3);
    put_decimal(t, "max", n ? max / 1000 : -1, 3);
}

static void render_limits(struct text *t, const struct snapshot_context *c, const struct slot *s,
                          struct totals *sum)
{
    struct rate r;
    int64_t tat;
    bool limited = view_rate(c->board, s, &r, &tat);
    uint64_t rate_rejected = slot_counter(s, COUNT_RATE_REJECTED);
    uint64_t breaker_rejected = slot_counter(s, COUNT_BREAKER_REJECTED);

    open_object(t, "rate");
    put_decimal(t, "limit", limited ? (int64_t)r.tokens : -1, 0);
    put_decimal(t, "window_s", limited ? r.window_ns : -1, 9);
    put_decimal(t, "available", limited ? (int64_t)(gcra_available(tat, c->now_ns, &r) * 10) : -1,
                1);
    put_count(t, "waited", slot_counter(s, COUNT_WAITED));
    put_decimal(t, "waited_s", (int64_t)(slot_counter(s, COUNT_WAITED_NS) / NS_PER_MS), 3);
    put_count(t, "rejected", rate_rejected);
    close_with(t, "},");

    open_object(t, "budget");
    put_decimal(t, "available", (int64_t)(view_budget(s, c->now_ns) * 10), 1);
    put_count(t, "capacity", BUDGET_CAPACITY);
    put_count(t, "denied", slot_counter(s, COUNT_BUDGET_DENIED));
    close_with(t, "},");

    open_object(t, "breaker");
    put_word(t, "state", breaker_state_name(breaker_state_at(&s->breaker, c->now_ns)));
    put_count(t, "opened", slot_counter(s, COUNT_BREAKER_OPENED));
    put_count(t, "rejected", breaker_rejected);
    close_with(t, "}");
    if (!view_is_proxy(s))
        sum->rejected += rate_rejected + breaker_rejected;
}

static void render_host(struct text *t, const struct snapshot_context *c, const struct slot *s,
                        const char *name, enum health_status status, struct totals *sum)
{
    text_json(t, name);
    text_put(t, ":{\"kind\":\"passive\",");
    render_status(t, s, status_name(status));
    /* Read once: attempts and their durations are the same in one snapshot. */
    uint64_t counts[LATENCY_BUCKETS];
    uint64_t attempts = view_latency(s, counts);
    render_counts(t, s, attempts, sum);
    open_object(t, "duration_ms");
    render_durations(t, s, counts, attempts);
    close_with(t, "},");
    render_limits(t, c, s, sum);
    text_put(t, "},");
}

static void render_coverage(struct text *t, const struct snapshot_context *c)
{
    const struct board_header *h = c->board->header;
    open_object(t, "coverage");
    text_put(t, "\"hooks\":[");
    for (const char *const *hook = c->hooks; hook && *hook; hook++) {
        text_json(t, *hook);
        text_put(t, ",");
    }
    close_with(t, "],\"libcurl\":[");
    if (c->libcurls)
        c->libcurls(t);
    text_put(t, "],");
    put_count(t, "transfers_easy", atomic_load(&h->transfers_easy));
    put_count(t, "transfers_multi", atomic_load(&h->transfers_multi));
    put_count(t, "connects_blocking", atomic_load(&h->connects_blocking));
    put_count(t, "connects_nonblocking", atomic_load(&h->connects_nonblocking));
    put_count(t, "internal_errors", atomic_load(&h->internal_errors));
    close_with(t, "}");
}

static void render_overall(struct text *t, const struct snapshot_context *c,
                           const unsigned char *status)
{
    char name[VIEW_NAME_SIZE];
    struct overall all = {0};
    for (uint32_t i = 0; i < board_size(c->board); i++)
        if (status[i] && status[i] != NOT_KNOWN)
            view_add(&all, status[i] - 1);
    enum health_status overall = view_overall(&all);
    put_word(t, "overall_status", status_name(overall));
    text_put(t, overall == STATUS_HEALTHY ? "\"healthy\":true," : "\"healthy\":false,");
    text_put(t, "\"failed\":[");
    for (uint32_t i = 0; i < board_size(c->board); i++) {
        if (status[i] == 1 + STATUS_UNHEALTHY && view_name(c->board, i, c->now_ns, name)) {
            text_json(t, name);
            text_put(t, ",");
        }
    }
    close_with(t, "],");
}

/* As it is noted: 0 is nothing to be shown. */
static unsigned char status_code(const struct snapshot_context *c, uint32_t i)
{
    char name[VIEW_NAME_SIZE];
    struct check_view check;
    const struct slot *s = view_host(c->board, i, name);
    if (s)
        return (unsigned char)(1 + view_status(s, c->now_ns));
    if (!view_check(c->board, i, c->now_ns, &check))
        return 0;
    return check.known ? (unsigned char)(1 + check.status) : NOT_KNOWN;
}

static void render_entry(struct text *t, const struct snapshot_context *c, uint32_t i,
                         unsigned char status, struct totals *sum)
{
    char name[VIEW_NAME_SIZE];
    struct check_view check;
    const struct slot *s = view_host(c->board, i, name);
    if (s) {
        render_host(t, c, s, name, (enum health_status)(status - 1), sum);
    } else if ((s = view_check(c->board, i, c->now_ns, &check))) {
        check.known = status != NOT_KNOWN;
        check.status = check.known ? (enum health_status)(status - 1) : check.status;
        render_check(t, s, &check);
    }
}

void snapshot_render(struct text *t, const struct snapshot_context *c)
{
    struct totals sum = {0};
    uint32_t n = board_size(c->board);

    /* The end of the room holds each slot's status, read once: status + 1, 0 for no entry. So the
     * parts of the document agree with each other although the board moves on. */
    if (t->cap < n + 1) {
        t->full = true;
        return;
    }
    size_t cap = t->cap;
    t->cap -= n;
    unsigned char *status = (unsigned char *)t->p + t->cap;
    if (t->drain && t->cap > SNAPSHOT_WINDOW_BYTES) /* it stays in the cache */
        t->cap = SNAPSHOT_WINDOW_BYTES;
    for (uint32_t i = 0; i < n; i++)
        status[i] = status_code(c, i);

    text_put(t, "{");
    put_word(t, "schema", "harden.health/1");
    put_word(t, "service", c->service);
    put_decimal(t, "pid", c->pid, 0);
    put_count(t, "seq", c->seq);
    put_when(t, "time", c->wall_ns / NS_PER_MS);
    put_when(t, "expires", (c->wall_ns + 3 * c->interval_ns) / NS_PER_MS);
    render_overall(t, c, status);
    open_object(t, "checks");
    for (uint32_t i = 0; i < n; i++)
        if (status[i])
            render_entry(t, c, i, status[i], &sum);
    close_with(t, "},");
    open_object(t, "totals");
    put_count(t, "requests", sum.requests);
    put_count(t, "attempts", sum.attempts);
    put_count(t, "retries", sum.retries);
    put_count(t, "recovered", sum.recovered);
    put_count(t, "rejected", sum.rejected);
    put_count(t, "hosts", sum.hosts);
    close_with(t, "},");
    render_coverage(t, c);
    text_put(t, "}\n");
    t->cap = cap;
}
