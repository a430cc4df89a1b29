/* SPDX-License-Identifier: MIT
 *
 * What metrics.prom shows of each host, proxy and check. The format requires all samples of a metric
 * to be together, so metrics.c visits every host once for each metric. Each slot is read only once, into an
 * entry of this type: slots are far apart, and the numbers of one document agree with each other. The
 * entries follow each other at the end of the buffer that the text is written to.
 *
 *     const struct metrics_host *first = metrics_read(t, context, &hosts);    NULL: no room
 *     for (h = first; h->size; h = metrics_next(h)) ...              the last, of size 0, is BOARD */
#ifndef ENGINE_PUBLISH_METRICS_HOST_H
#define ENGINE_PUBLISH_METRICS_HOST_H

#include "base/clock.h"
#include "engine/board/slo.h"
#include "engine/board/view.h"
#include "engine/publish/snapshot.h"

/* user="...",board="...",host="..." */
#define METRICS_LABELS_SIZE (2 * VIEW_NAME_SIZE + 48)

/* Buckets of the histogram: the longest duration, in seconds as a label and in ns. Each is also the end of
 * a bucket of the board. */
#define METRICS_BUCKETS(X)                                                                         \
    X("0.005", 5 * NS_PER_MS)                                                                      \
    X("0.01", 10 * NS_PER_MS)                                                                      \
    X("0.025", 25 * NS_PER_MS)                                                                     \
    X("0.05", 50 * NS_PER_MS)                                                                      \
    X("0.075", 75 * NS_PER_MS)                                                                     \
    X("0.1", 100 * NS_PER_MS)                                                                      \
    X("0.25", 250 * NS_PER_MS)                                                                     \
    X("0.5", 500 * NS_PER_MS)                                                                      \
    X("0.75", 750 * NS_PER_MS)                                                                     \
    X("1", 1000 * NS_PER_MS)                                                                       \
    X("2.5", 2500 * NS_PER_MS)                                                                     \
    X("5", 5000 * NS_PER_MS)                                                                       \
    X("7.5", 7500 * NS_PER_MS)                                                                     \
    X("10", 10000 * NS_PER_MS)                                                                     \
    X("+Inf", INT64_MAX)
#define METRICS_BUCKET_ONE(...) +1
enum { METRICS_BUCKET_COUNT = 0 METRICS_BUCKETS(METRICS_BUCKET_ONE) };

/* What an entry is of; a set of them says which entries have samples of a metric. */
enum { HOSTS = 1, PROXIES = 2, CHECKS = 4, BOARD = 8, PLACES = 16 };

struct metrics_host {
    uint64_t count[COUNTERS_READ];
    uint64_t within[METRICS_BUCKET_COUNT]; /* attempts in each bucket or a shorter one */
    int64_t rate_tokens_milli;             /* -1: no limit */
    int64_t budget_tokens_milli;
    struct concurrency_view concurrency; /* limit 0: none */
    int64_t paused_ms;                   /* 0: it is not paused, at least not as a whole */
#define BY_REASON(member, ...) uint32_t member[REASON_GROUPS];
    COUNTERS_BY_REASON(BY_REASON)
#undef BY_REASON
    struct observed_view observed;
    int64_t adaptive_milli, observed_adaptive_milli; /* 0: off */
    uint64_t slo_good, slo_bad;
    int64_t slo_rate_milli[SLO_RATE_WINDOWS], slo_left_milli[SLO_BUDGET_WINDOWS];
    uint32_t slo_ppm; /* 0: no objective */
    bool slo_burns_fast, slo_burns_slow;
    uint32_t size;         /* of this entry; 0: the last, which is the board's */
    uint32_t labels_bytes; /* of labels, without a NUL */
    uint8_t status;
    uint8_t kind; /* one of HOSTS, PROXIES, PLACES, CHECKS, BOARD */
    bool circuit_open;
    bool is_observed;
    char labels[];
};

static inline const struct metrics_host *metrics_next(const struct metrics_host *h)
{
    return (const struct metrics_host *)((const char *)h + h->size);
}

/* Reserves the end of t for the entries, by lowering t->cap. *hosts: how many of them are HOSTS. */
const struct metrics_host *metrics_read(struct text *t, const struct snapshot_context *c,
                                        uint64_t *hosts);

/* NAME="VALUE", escaped. The value is cut at VIEW_NAME_SIZE, between two characters. */
void metrics_label(struct text *t, const char *name, const char *value);

#endif
