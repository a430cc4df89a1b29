/* SPDX-License-Identifier: MIT
 *
 * The Prometheus text format wants all samples of a metric together, so this goes over the hosts
 * once per metric: a row of the table below. */
#include "base/clock.h"
#include "base/compiler.h"
#include "engine/gcra.h"
#include "engine/health.h"
#include "engine/snapshot.h"
#include "engine/view.h"

#include <stdalign.h>
#include <string.h>

#define LABEL_SIZE  VIEW_NAME_SIZE
#define LABELS_SIZE (2 * LABEL_SIZE + 32)

/* A host's labels, service="...",host="...", are put together once and used in each of its lines.
 * All hosts' lie one after the other at the end of the room. */
struct host {
    const struct slot *s; /* NULL: the end */
    uint32_t size;        /* of this entry */
    uint32_t n;           /* of labels */
    bool is_proxy;
    char labels[];
};

struct sample {
    struct text *t;
    const struct snapshot_context *c;
    const char *metric;
    size_t metric_length;
    const struct host *host;
    const struct slot *s; /* the host's */
};

#define ALWAYS_INLINE inline __attribute__((always_inline)) /* literals' lengths are known then */

/* NAME{labels,MORE} and a blank; the value and a newline are to follow. */
static ALWAYS_INLINE void begin(const struct sample *x, const char *suffix, const char *more)
{
    text_putn(x->t, x->metric, x->metric_length);
    text_put(x->t, suffix);
    text_put(x->t, "{");
    text_putn(x->t, x->host->labels, x->host->n);
    text_put(x->t, more);
    text_put(x->t, "} ");
}

static ALWAYS_INLINE void put(const struct sample *x, const char *more, uint64_t v)
{
    begin(x, "", more);
    text_u64(x->t, v);
    text_put(x->t, "\n");
}

static void put_fixed(const struct sample *x, const char *suffix, int64_t v, int decimals)
{
    begin(x, suffix, "");
    text_fixed(x->t, v, decimals);
    text_put(x->t, "\n");
}

static void requests(const struct sample *x)
{
    put(x, ",outcome=\"success\"", slot_counter(x->s, COUNT_SUCCESSES));
    put(x, ",outcome=\"failure\"", slot_counter(x->s, COUNT_FAILURES));
}

/* Two counters, not one and a difference, which could go down. A good attempt ends its request. */
static void attempts(const struct sample *x)
{
    put(x, ",result=\"success\"", slot_counter(x->s, COUNT_SUCCESSES));
    put(x, ",result=\"failure\"",
        atomic_load_explicit(&x->s->failed_attempts, memory_order_relaxed));
}

/* The lines of one host and metric that differ in one last label begin alike. */
struct head {
    char text[LABELS_SIZE + 64];
    size_t n;
};

static void put_head(struct head *head, const struct sample *x, const char *suffix,
                     const char *label)
{
    struct text t = TEXT_OVER(head->text);
    text_putn(&t, x->metric, x->metric_length);
    text_put(&t, suffix);
    text_put(&t, "{");
    text_putn(&t, x->host->labels, x->host->n);
    text_put(&t, label);
    head->n = t.n;
}

static ALWAYS_INLINE void put_after(const struct head *head, struct text *t, const char *value,
                                    uint64_t v)
{
    text_putn(t, head->text, head->n);
    text_put(t, value);
    text_put(t, "\"} ");
    text_u64(t, v);
    text_put(t, "\n");
}

static void by_group(const struct sample *x, const _Atomic uint32_t *counts)
{
    struct head head;
    put_head(&head, x, "", ",reason=\"");
    for (int g = 0; g < REASON_GROUPS; g++)
        put_after(&head, x->t, reason_group_name(g),
                  atomic_load_explicit(&counts[g], memory_order_relaxed));
}

static void retries(const struct sample *x)
{
    by_group(x, x->s->retries_by);
}

static void rate_limited(const struct sample *x)
{
    put(x, ",action=\"waited\"", slot_counter(x->s, COUNT_WAITED));
    put(x, ",action=\"rejected\"", slot_counter(x->s, COUNT_RATE_REJECTED));
}

static void rate_wait(const struct sample *x)
{
    put_fixed(x, "", (int64_t)slot_counter(x->s, COUNT_WAITED_NS), 9);
}

static void rate_tokens(const struct sample *x)
{
    struct rate r;
    int64_t tat;
    if (view_rate(x->c->board, x->s, &r, &tat))
        put_fixed(x, "", (int64_t)(gcra_available(tat, x->c->now_ns, &r) * 1000), 3);
}

static void budget_tokens(const struct sample *x)
{
    put_fixed(x, "", (int64_t)(budget_available(&x->s->budget) * 1000), 3);
}

static void breaker_open(const struct sample *x)
{
    put(x, "", breaker_state_at(&x->s->breaker, x->c->now_ns) == BREAKER_OPEN);
}

static void breaker_rejected(const struct sample *x)
{
    put(x, "", slot_counter(x->s, COUNT_BREAKER_REJECTED));
}

static void status(const struct sample *x)
{
    put(x, "", health_status(x->s));
}

static void durations(const struct sample *x)
{
    static const struct {
        int64_t ns;
        char label[8];
    } bounds[] = {
        {5 * NS_PER_MS, "0.005"},  {10 * NS_PER_MS, "0.01"},  {25 * NS_PER_MS, "0.025"},
        {50 * NS_PER_MS, "0.05"},  {75 * NS_PER_MS, "0.075"}, {100 * NS_PER_MS, "0.1"},
        {250 * NS_PER_MS, "0.25"}, {500 * NS_PER_MS, "0.5"},  {750 * NS_PER_MS, "0.75"},
        {1000 * NS_PER_MS, "1"},   {2500 * NS_PER_MS, "2.5"}, {5000 * NS_PER_MS, "5"},
        {7500 * NS_PER_MS, "7.5"}, {10000 * NS_PER_MS, "10"}, {INT64_MAX, "+Inf"},
    };
    uint64_t counts[LATENCY_BUCKETS];
    uint64_t n = view_latency(x->s, counts), le = 0;
    struct head head;
    put_head(&head, x, "_bucket", ",le=\"");
    for (size_t i = 0, k = 0; i < array_size(bounds); i++) {
        /* Exact: each of these bounds is one of the histogram's. */
        for (size_t last = (size_t)latency_bucket(bounds[i].ns); k <= last; k++)
            le += counts[k];
        put_after(&head, x->t, bounds[i].label, le);
    }
    put_fixed(x, "_sum", (int64_t)slot_counter(x->s, COUNT_DURATION_NS), 9);
    begin(x, "_count", "");
    text_u64(x->t, n);
    text_put(x->t, "\n");
}

static const struct {
    char name[40], type[12];
    const char *help;
    void (*samples)(const struct sample *x);
    bool of_proxies; /* the others would count their requests twice */
} metrics[] = {
    {"harden_requests_total", "counter",
     "Requests that ended, by outcome; those that say nothing about the host are left out.",
     requests, false},
    {"harden_attempts_total", "counter", "Attempts made.", attempts, false},
    {"harden_retries_total", "counter", "Attempts that were made again, by reason.", retries,
     false},
    {"harden_rate_limited_total", "counter",
     "Requests that waited for a token or a server's hint, or were refused.", rate_limited, false},
    {"harden_rate_wait_seconds_total", "counter", "Time spent in those waits.", rate_wait, false},
    {"harden_rate_tokens_available", "gauge", "Tokens left in the bucket of the limit in force.",
     rate_tokens, false},
    {"harden_retry_budget_available", "gauge", "Tokens left in the retry budget, of 100.",
     budget_tokens, false},
    {"harden_breaker_open", "gauge", "1 while the circuit is open.", breaker_open, true},
    {"harden_breaker_rejected_total", "counter", "Requests refused by an open circuit.",
     breaker_rejected, false},
    {"harden_health_status", "gauge", "0 healthy, 1 degraded, 2 unhealthy.", status, true},
    {"harden_request_duration_seconds", "histogram", "Duration of the attempts.", durations, false},
};

static void name_metric(struct sample *x, const char *name)
{
    x->metric = name;
    x->metric_length = strlen(name);
}

static void put_help(struct text *t, const char *name, const char *type, const char *help)
{
    text_put(t, "# HELP ");
    text_put(t, name);
    text_put(t, " ");
    text_put(t, help);
    text_put(t, "\n# TYPE ");
    text_put(t, name);
    text_put(t, " ");
    text_put(t, type);
    text_put(t, "\n");
}

static const char *escape(char c)
{
    return c == '\n' ? "\\n" : c == '"' ? "\\\"" : c == '\\' ? "\\\\" : NULL;
}

/* The value is cut at LABEL_SIZE, between two characters. */
static void put_label(struct text *t, const char *name, const char *value)
{
    text_put(t, name);
    text_put(t, "=\"");
    size_t end = t->n + LABEL_SIZE;
    while (*value) {
        const char *part = escape(*value);
        size_t n = text_utf8_length(value), length = part ? 2 : n;
        if (!n) {
            part = "\xef\xbf\xbd";
            length = 3;
        }
        if (t->n + length > end)
            break;
        text_putn(t, part ? part : value, length);
        value += n ? n : 1;
    }
    text_put(t, "\"");
}

static struct host *put_host(struct host *h, const char *service, const char *name,
                             const struct slot *s)
{
    struct text l = {.p = h->labels, .cap = LABELS_SIZE};
    put_label(&l, "service", service);
    if (name) {
        text_put(&l, ",");
        put_label(&l, "host", name);
    }
    h->s = s;
    h->is_proxy = s && view_is_proxy(s);
    h->n = (uint32_t)l.n;
    h->size = (uint32_t)((sizeof *h + l.n + alignof(struct host)) & ~(alignof(struct host) - 1));
    return (struct host *)((char *)h + h->size);
}

/* The entries of all and, as the last, one of the service alone; NULL when they do not fit. *count:
 * the hosts among them. */
static const struct host *put_hosts(struct text *t, const struct snapshot_context *c,
                                    uint64_t *count)
{
    char name[VIEW_NAME_SIZE];
    uint32_t most = view_count(c->board);
    size_t room = (most + 2) * (sizeof(struct host) + LABELS_SIZE + alignof(struct host));
    if (t->cap <= room)
        return NULL;
    t->cap -= room;
    uintptr_t end = (uintptr_t)t->p + t->cap;
    struct host *first = (struct host *)((end | (alignof(struct host) - 1)) + 1), *h = first;
    uint64_t put = 0, proxies = 0;
    for (uint32_t i = 0; i < board_size(c->board) && put < most; i++) {
        const struct slot *s = view_host(c->board, i, name);
        if (s) {
            struct host *next = put_host(h, c->service, name, s);
            proxies += h->is_proxy;
            put++;
            h = next;
        }
    }
    *count = put - proxies;
    put_host(h, c->service, NULL, NULL);
    return first;
}

void metrics_render(struct text *t, const struct snapshot_context *c)
{
    uint64_t hosts;
    size_t cap = t->cap;
    const struct host *first = put_hosts(t, c, &hosts), *h = NULL;
    if (!first) {
        t->full = true;
        return;
    }
    struct sample x = {.t = t, .c = c};
    for (size_t i = 0; i < array_size(metrics); i++) {
        put_help(t, metrics[i].name, metrics[i].type, metrics[i].help);
        name_metric(&x, metrics[i].name);
        for (h = first; h->s; h = (const struct host *)((const char *)h + h->size)) {
            x.host = h;
            x.s = h->s;
            if (!h->is_proxy || metrics[i].of_proxies)
                metrics[i].samples(&x);
        }
    }
    x.host = h;
    name_metric(&x, "harden_hosts");
    put_help(t, x.metric, "gauge", "Hosts on the board.");
    put(&x, "", hosts);
    name_metric(&x, "harden_internal_errors_total");
    put_help(t, x.metric, "counter", "Calls forwarded because something inside failed.");
    put(&x, "", atomic_load(&c->board->header->internal_errors));
    name_metric(&x, "harden_snapshot_timestamp_seconds");
    put_help(t, x.metric, "gauge", "When this was written, seconds since 1970.");
    put_fixed(&x, "", c->wall_ns / NS_PER_MS, 3);
    t->cap = cap;
}
