/* SPDX-License-Identifier: MIT
 *
 * The Prometheus text format wants all samples of a metric together, so this goes over the hosts
 * once per metric: a row of the table below. Over the board it goes once: its slots lie far apart,
 * and what was read at one moment agrees with itself. */
#include "base/clock.h"
#include "base/compiler.h"
#include "engine/board/gcra.h"
#include "engine/board/view.h"
#include "engine/publish/snapshot.h"

#include <stdalign.h>
#include <string.h>

#define LABEL_SIZE  VIEW_NAME_SIZE
#define LABELS_SIZE (2 * LABEL_SIZE + 32)

/* Upper bounds of the published histogram; each is one of the board's. */
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

/* What there is a line of a metric for. A proxy's requests would be counted twice, and checks are no
 * requests of the program. */
enum shown_for { HOSTS = 1, PROXIES = 2, CHECKS = 4 };

/* What is shown of a host. Its labels, service="...",host="...", are put together once and used in
 * each of its lines. All hosts' lie one after the other at the end of the room. */
struct host {
    uint64_t successes, failures, failed_attempts;
    uint64_t waited, waited_ns, rate_rejected, breaker_rejected, budget_denied;
    int64_t rate_tokens_milli; /* -1: no limit */
    int64_t budget_tokens_milli;
    uint64_t duration_ns;
    uint64_t within[array_size(bounds)]; /* attempts that took no longer than each bound */
    uint32_t retries_by[REASON_GROUPS];
    uint32_t size; /* of this entry; 0: the end */
    uint32_t n;    /* of labels */
    uint8_t status;
    bool is_open;
    enum shown_for is; /* one of them */
    char labels[];
};

struct sample {
    struct text *t;
    const char *metric;
    size_t metric_length;
    const struct host *host;
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
    put(x, ",outcome=\"success\"", x->host->successes);
    put(x, ",outcome=\"failure\"", x->host->failures);
}

/* Two counters, not one and a difference, which could go down. A good attempt ends its request. */
static void attempts(const struct sample *x)
{
    put(x, ",result=\"success\"", x->host->successes);
    put(x, ",result=\"failure\"", x->host->failed_attempts);
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

static void retries(const struct sample *x)
{
    struct head head;
    put_head(&head, x, "", ",reason=\"");
    for (int g = 0; g < REASON_GROUPS; g++)
        put_after(&head, x->t, reason_group_name(g), x->host->retries_by[g]);
}

static void rate_limited(const struct sample *x)
{
    put(x, ",action=\"waited\"", x->host->waited);
    put(x, ",action=\"rejected\"", x->host->rate_rejected);
}

static void rate_wait(const struct sample *x)
{
    put_fixed(x, "", (int64_t)x->host->waited_ns, 9);
}

static void rate_tokens(const struct sample *x)
{
    if (x->host->rate_tokens_milli >= 0)
        put_fixed(x, "", x->host->rate_tokens_milli, 3);
}

static void budget_tokens(const struct sample *x)
{
    put_fixed(x, "", x->host->budget_tokens_milli, 3);
}

static void budget_denied(const struct sample *x)
{
    put(x, "", x->host->budget_denied);
}

static void breaker_open(const struct sample *x)
{
    put(x, "", x->host->is_open);
}

static void breaker_rejected(const struct sample *x)
{
    put(x, "", x->host->breaker_rejected);
}

static void status(const struct sample *x)
{
    put(x, "", x->host->status);
}

static void durations(const struct sample *x)
{
    const struct host *h = x->host;
    struct head head;
    put_head(&head, x, "_bucket", ",le=\"");
    for (size_t i = 0; i < array_size(bounds); i++)
        put_after(&head, x->t, bounds[i].label, h->within[i]);
    put_fixed(x, "_sum", (int64_t)h->duration_ns, 9);
    begin(x, "_count", "");
    text_u64(x->t, h->within[array_size(bounds) - 1]);
    text_put(x->t, "\n");
}

static const struct {
    char name[40], type[12];
    const char *help;
    void (*samples)(const struct sample *x);
    unsigned of; /* enum shown_for */
} metrics[] = {
    {"harden_requests_total", "counter",
     "Requests that ended, by outcome; those that say nothing about the host are left out.",
     requests, HOSTS},
    {"harden_attempts_total", "counter", "Attempts made.", attempts, HOSTS},
    {"harden_retries_total", "counter", "Attempts that were made again, by reason.", retries,
     HOSTS},
    {"harden_rate_limited_total", "counter",
     "Requests that waited for a token or a server's hint, or were refused.", rate_limited, HOSTS},
    {"harden_rate_wait_seconds_total", "counter", "Time spent in those waits.", rate_wait, HOSTS},
    {"harden_rate_tokens_available", "gauge", "Tokens left in the bucket of the limit in force.",
     rate_tokens, HOSTS},
    {"harden_retry_budget_available", "gauge", "Tokens left in the retry budget, of 100.",
     budget_tokens, HOSTS},
    {"harden_retry_budget_denied_total", "counter", "Retries that the budget did not allow.",
     budget_denied, HOSTS},
    {"harden_breaker_open", "gauge", "1 while the circuit is open.", breaker_open, HOSTS | PROXIES},
    {"harden_breaker_rejected_total", "counter", "Requests refused by an open circuit.",
     breaker_rejected, HOSTS},
    {"harden_health_status", "gauge", "0 healthy, 1 degraded, 2 unhealthy.", status,
     HOSTS | PROXIES | CHECKS},
    {"harden_request_duration_seconds", "histogram", "Duration of the attempts.", durations, HOSTS},
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

static void read_durations(struct host *h, const struct slot *s)
{
    uint64_t counts[LATENCY_BUCKETS], n = 0;
    view_latency(s, counts);
    for (size_t i = 0, k = 0; i < array_size(bounds); i++) {
        for (size_t last = (size_t)latency_bucket(bounds[i].ns); k <= last; k++)
            n += counts[k];
        h->within[i] = n;
    }
    h->duration_ns = slot_counter(s, COUNT_DURATION_NS);
}

static void read_slot(struct host *h, const struct slot *s, const struct snapshot_context *c)
{
    struct rate r;
    int64_t tat;
    *h = (struct host){
        .successes = slot_counter(s, COUNT_SUCCESSES),
        .failures = slot_counter(s, COUNT_FAILURES),
        .failed_attempts = atomic_load_explicit(&s->failed_attempts, memory_order_relaxed),
        .waited = slot_counter(s, COUNT_WAITED),
        .waited_ns = slot_counter(s, COUNT_WAITED_NS),
        .rate_rejected = slot_counter(s, COUNT_RATE_REJECTED),
        .breaker_rejected = slot_counter(s, COUNT_BREAKER_REJECTED),
        .budget_denied = slot_counter(s, COUNT_BUDGET_DENIED),
        .rate_tokens_milli = view_rate(c->board, s, &r, &tat)
                                 ? (int64_t)(gcra_available(tat, c->now_ns, &r) * 1000)
                                 : -1,
        .budget_tokens_milli = (int64_t)(view_budget(s, c->now_ns) * 1000),
        .status = (uint8_t)view_status(s, c->now_ns),
        .is_open = breaker_state_at(&s->breaker, c->now_ns) == BREAKER_OPEN,
        .is = view_is_proxy(s) ? PROXIES : HOSTS,
    };
    for (int g = 0; g < REASON_GROUPS; g++)
        h->retries_by[g] = atomic_load_explicit(&s->retries_by[g], memory_order_relaxed);
    read_durations(h, s);
}

/* The entry after it. */
static struct host *put_labels(struct host *h, const char *service, const char *name)
{
    struct text l = {.p = h->labels, .cap = LABELS_SIZE};
    put_label(&l, "service", service);
    if (name) {
        text_put(&l, ",");
        put_label(&l, "host", name);
    }
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
    *count = 0;
    for (uint32_t i = 0, put = 0; i < board_size(c->board) && put < most; i++) {
        struct check_view check;
        const struct slot *s = view_host(c->board, i, name);
        if (s)
            read_slot(h, s, c);
        else if (view_check(c->board, i, c->now_ns, &check) && check.known)
            *h = (struct host){.status = (uint8_t)check.status, .is = CHECKS};
        else
            continue;
        *count += h->is == HOSTS;
        put++;
        h = put_labels(h, c->service, s ? name : check.name);
    }
    put_labels(h, c->service, NULL);
    h->size = 0;
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
    struct sample x = {.t = t};
    for (size_t i = 0; i < array_size(metrics); i++) {
        put_help(t, metrics[i].name, metrics[i].type, metrics[i].help);
        name_metric(&x, metrics[i].name);
        for (h = first; h->size; h = (const struct host *)((const char *)h + h->size)) {
            x.host = h;
            if (metrics[i].of & h->is)
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
