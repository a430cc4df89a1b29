/* SPDX-License-Identifier: MIT
 *
 * metrics.prom, in the Prometheus text format. The metrics are the rows of metrics_table.h; the rows of
 * board/counters.h say which counters are their samples. */
#include "engine/publish/metrics_host.h"
#include "engine/publish/metrics_table.h"

#include "base/compiler.h"

#include <string.h>

struct sample {
    struct text *t;
    const struct snapshot_context *context;
    uint64_t hosts; /* how many there are */
    enum metric metric;
    const char *name; /* of the metric */
    size_t name_length;
    const struct metrics_host *host;
};

#define ALWAYS_INLINE                                                                              \
    inline __attribute__((always_inline)) /* the lengths of literals are known then */

/* "NAME{labels,MORE} "; the caller appends the value and a newline. */
static ALWAYS_INLINE void begin_sample(const struct sample *x, const char *suffix, const char *more)
{
    text_putn(x->t, x->name, x->name_length);
    text_put(x->t, suffix);
    text_put(x->t, "{");
    text_putn(x->t, x->host->labels, x->host->labels_bytes);
    text_put(x->t, more);
    text_put(x->t, "} ");
}

static ALWAYS_INLINE void put_number(const struct sample *x, const char *more, uint64_t v)
{
    begin_sample(x, "", more);
    text_u64(x->t, v);
    text_put(x->t, "\n");
}

/* v / 10^decimals */
static void put_fixed(const struct sample *x, const char *suffix, int64_t v, int decimals)
{
    begin_sample(x, suffix, "");
    text_fixed(x->t, v, decimals);
    text_put(x->t, "\n");
}

/* How lines begin that differ only in the value of their last label. */
struct head {
    char text[METRICS_LABELS_SIZE + 64];
    size_t n;
};

static void put_head(struct head *head, const struct sample *x, const char *suffix,
                     const char *label)
{
    struct text t = TEXT_OVER(head->text);
    text_putn(&t, x->name, x->name_length);
    text_put(&t, suffix);
    text_put(&t, "{");
    text_putn(&t, x->host->labels, x->host->labels_bytes);
    text_put(&t, ",");
    text_put(&t, label);
    text_put(&t, "=\"");
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

/* ---- the samples of one metric and host ------------------------------------------------------ */

static ALWAYS_INLINE void put_counter(const struct sample *x, enum metric metric,
                                      enum counter_unit unit, const char *label, uint64_t v)
{
    if (metric == METRIC_NONE || metric != x->metric)
        return;
    if (unit == UNIT_NS)
        put_fixed(x, "", (int64_t)v, 9);
    else
        put_number(x, label, v);
}

/* Every row of counters.h that names this metric. */
static void put_counters(const struct sample *x)
{
#define SAMPLE(NAME, UNIT, OBJECT, KEY, TOTAL, METRIC, LABEL)                                      \
    put_counter(x, METRIC_##METRIC, UNIT_##UNIT, LABEL, x->host->count[COUNT_##NAME]);
    COUNTERS(SAMPLE)
#undef SAMPLE
}

/* A successful attempt ends its request, so there are as many as successful requests. Failed ones have a
 * counter of their own, because the difference of two counters could decrease. */
static void put_attempts(const struct sample *x)
{
    put_number(x, LABEL("result", "success"), x->host->count[COUNT_SUCCESSES]);
    put_counters(x);
}

static void put_place_attempts(const struct sample *x)
{
    put_number(x, LABEL("result", "success"), x->host->count[COUNT_SUCCESSES]);
    put_number(x, LABEL("result", "failure"), x->host->count[COUNT_FAILED_ATTEMPTS]);
}

static void put_groups(const struct sample *x, const char *label,
                       const uint32_t count[REASON_GROUPS])
{
    struct head head;
    put_head(&head, x, "", label);
    for (int g = 0; g < REASON_GROUPS; g++)
        put_after(&head, x->t, reason_group_name(g), count[g]);
}

static void put_by_reason(const struct sample *x)
{
#define SAMPLES(WORDS, KEY, METRIC, LABEL)                                                         \
    if (METRIC_##METRIC == x->metric)                                                              \
        put_groups(x, LABEL, x->host->WORDS);
    COUNTERS_BY_REASON(SAMPLES)
#undef SAMPLES
}

static void put_header_counters(const struct sample *x)
{
    const struct board_header *header = x->context->board->header;
#define SAMPLE(WORD, KEY, METRIC)                                                                  \
    if (METRIC_##METRIC == x->metric)                                                              \
        put_number(x, "", atomic_load(&header->WORD));
    COUNTERS_OF_HEADER(SAMPLE)
#undef SAMPLE
}

static void put_rate_tokens(const struct sample *x)
{
    if (x->host->rate_tokens_milli >= 0)
        put_fixed(x, "", x->host->rate_tokens_milli, 3);
}

static void put_concurrency_limit(const struct sample *x)
{
    if (x->host->concurrency.limit)
        put_number(x, "", x->host->concurrency.limit);
}

static void put_in_flight(const struct sample *x)
{
    if (x->host->concurrency.limit)
        put_number(x, "", x->host->concurrency.in_flight);
}

static void put_waiting(const struct sample *x)
{
    if (x->host->concurrency.limit)
        put_number(x, "", x->host->concurrency.waiting);
}

static void put_budget_tokens(const struct sample *x)
{
    put_fixed(x, "", x->host->budget_tokens_milli, 3);
}

static void put_breaker(const struct sample *x)
{
    put_number(x, "", x->host->circuit_open);
}

static void put_paused(const struct sample *x)
{
    put_fixed(x, "", x->host->paused_ms, 3);
}

static void put_adaptive(const struct sample *x)
{
    if (x->host->adaptive_milli)
        put_fixed(x, "", x->host->adaptive_milli, 3);
}

static void put_observed_adaptive(const struct sample *x)
{
    if (x->host->observed_adaptive_milli)
        put_fixed(x, "", x->host->observed_adaptive_milli, 3);
}

static void put_observed(const struct sample *x)
{
    if (!x->host->is_observed)
        return;
    put_number(x, LABEL("action", "wait"), x->host->observed.waits);
    put_number(x, LABEL("action", "reject"), x->host->observed.rejected);
    put_number(x, LABEL("action", "retry"), x->host->observed.retries);
    put_number(x, LABEL("action", "fall_back"), x->host->observed.fallbacks);
}

static void put_observed_wait(const struct sample *x)
{
    if (x->host->is_observed)
        put_fixed(x, "", x->host->observed.waited_ns, 9);
}

/* ---- of a host with an objective ---- */

static void put_slo_objective(const struct sample *x)
{
    if (x->host->slo_ppm)
        put_fixed(x, "", x->host->slo_ppm, 6);
}

static void put_slo_requests(const struct sample *x)
{
    if (!x->host->slo_ppm)
        return;
    put_number(x, LABEL("outcome", "good"), x->host->slo_good);
    put_number(x, LABEL("outcome", "bad"), x->host->slo_bad);
}

static void put_windows(const struct sample *x, const enum slo_window *windows,
                        const int64_t *milli, int n)
{
    char label[32];
    for (int i = 0; x->host->slo_ppm && i < n; i++) {
        struct text l = TEXT_OVER(label);
        text_put(&l, ",");
        metrics_label(&l, "window", slo_window_name(windows[i]));
        begin_sample(x, "", label);
        text_fixed(x->t, milli[i], 3);
        text_put(x->t, "\n");
    }
}

static void put_slo_budget(const struct sample *x)
{
    put_windows(x, slo_budget_windows, x->host->slo_left_milli, SLO_BUDGET_WINDOWS);
}

static void put_slo_rate(const struct sample *x)
{
    put_windows(x, slo_rate_windows, x->host->slo_rate_milli, SLO_RATE_WINDOWS);
}

static void put_slo_burning(const struct sample *x)
{
    if (!x->host->slo_ppm)
        return;
    put_number(x, LABEL("pair", "fast"), x->host->slo_burns_fast);
    put_number(x, LABEL("pair", "slow"), x->host->slo_burns_slow);
}

static void put_writer(const struct sample *x)
{
    text_putn(x->t, x->name, x->name_length);
    text_put(x->t, "{");
    text_putn(x->t, x->host->labels, x->host->labels_bytes);
    text_put(x->t, ",");
    metrics_label(x->t, "service", x->context->service);
    text_put(x->t, x->context->mode == MODE_OBSERVE ? LABEL("mode", "observe")
                                                    : LABEL("mode", "enforce"));
    text_put(x->t, LABEL("version", HARDEN_VERSION) "} 1\n");
}

static void put_status(const struct sample *x)
{
    put_number(x, "", x->host->status);
}

static void put_durations(const struct sample *x)
{
    static const char *const labels[] = {
#define LABEL_OF(label, ns) label,
        METRICS_BUCKETS(LABEL_OF)
#undef LABEL_OF
    };
    const struct metrics_host *h = x->host;
    struct head head;
    put_head(&head, x, "_bucket", "le");
    for (size_t i = 0; i < array_size(labels); i++)
        put_after(&head, x->t, labels[i], h->within[i]);
    put_fixed(x, "_sum", (int64_t)h->count[COUNT_DURATION_NS], 9);
    begin_sample(x, "_count", "");
    text_u64(x->t, h->count[COUNT_ATTEMPTS]);
    text_put(x->t, "\n");
}

static void put_host_count(const struct sample *x)
{
    put_number(x, "", x->hosts);
}

static void put_timestamp(const struct sample *x)
{
    put_fixed(x, "", x->context->wall_ns / NS_PER_MS, 3);
}

/* ---- the document ------------------------------------------------------------------------------ */

/* Arrays, and apart from the functions: each pointer would cost a relocation at the start of every program. */
static const struct {
    char name[40], comment[216]; /* HELP and TYPE */
    unsigned of;
} metrics[] = {
#define ROW(NAME, name, type, of, samples, help)                                                   \
    {name, "# HELP " name " " help "\n# TYPE " name " " #type "\n", of},
    METRICS(ROW)
#undef ROW
};
static void (*const samples_of[])(const struct sample *x) = {
#define FUNCTION(NAME, name, type, of, samples, help) samples,
    METRICS(FUNCTION)
#undef FUNCTION
};

void metrics_render(struct text *t, const struct snapshot_context *c)
{
    size_t cap = t->cap;
    struct sample x = {.t = t, .context = c};
    const struct metrics_host *first = metrics_read(t, c, &x.hosts);
    if (!first) {
        t->full = true;
        return;
    }
    for (x.metric = 0; x.metric < METRIC_COUNT; x.metric++) {
        text_put(t, metrics[x.metric].comment);
        x.name = metrics[x.metric].name;
        x.name_length = strlen(x.name);
        for (x.host = first;; x.host = metrics_next(x.host)) {
            if (metrics[x.metric].of & x.host->kind)
                samples_of[x.metric](&x);
            if (!x.host->size)
                break;
        }
    }
    t->cap = cap;
}
