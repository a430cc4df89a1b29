/* SPDX-License-Identifier: MIT */
#include "cli/request_rate.h"

#include <stdlib.h>
#include <string.h>

#define SOON_NS     (NS_PER_S / 2)
#define MINUTE_NS   (60 * NS_PER_S)
#define SHORTEST_NS (5 * NS_PER_S)
#define OLDEST_NS   (300 * NS_PER_S) /* what is older says nothing about now */

static double per_s(uint64_t before, uint64_t now, int64_t ns)
{
    return ns > 0 && now >= before ? (double)(now - before) / ((double)ns / (double)NS_PER_S)
                                   : RATE_UNKNOWN;
}

static uint64_t kept_requests(const struct board *b)
{
    return atomic_load_explicit(&b->history->kept[SUM_REQUESTS], memory_order_relaxed);
}

static uint64_t sum_requests(const struct host *hosts, uint32_t n)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++)
        sum += host_is_counted_twice(&hosts[i]) ? 0 : hosts[i].count[COUNT_REQUESTS];
    return sum;
}

/* ---- between two readings -------------------------------------------------------------------- */

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static const struct request_count *last_of(const struct request_rates *r, uint64_t key)
{
    return r->n ? bsearch(&key, r->of, r->n, sizeof *r->of, by_key) : NULL;
}

static bool remember(struct request_rates *r, const struct board *b, const struct host *hosts,
                     uint32_t n, int64_t now_ns)
{
    struct request_count *of = reallocarray(r->of, n + 1, sizeof *of);
    if (!of)
        return false;
    for (uint32_t i = 0; i < n; i++)
        of[i] =
            (struct request_count){hosts[i].key, hosts[i].count[COUNT_REQUESTS], hosts[i].per_s};
    qsort(of, n, sizeof *of, by_key);
    r->of = of;
    r->n = n;
    r->at_ns = now_ns;
    r->kept = kept_requests(b);
    return true;
}

static void repeat(const struct request_rates *r, struct host *hosts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct request_count *last = last_of(r, hosts[i].key);
        hosts[i].per_s = last ? last->per_s : RATE_UNKNOWN;
    }
}

/* A host that was not there has begun since. */
static void compare(struct request_rates *r, struct host *hosts, uint32_t n, bool known)
{
    uint64_t before = 0;
    bool all_known = known;
    for (uint32_t i = 0; i < n; i++) {
        const struct request_count *last = last_of(r, hosts[i].key);
        uint64_t requests = last ? last->requests : 0;
        hosts[i].per_s =
            known ? per_s(requests, hosts[i].count[COUNT_REQUESTS], r->over_ns) : RATE_UNKNOWN;
        before += host_is_counted_twice(&hosts[i]) ? 0 : requests;
        all_known = all_known && hosts[i].per_s >= 0;
    }
    r->per_s = all_known ? per_s(before, sum_requests(hosts, n), r->over_ns) : RATE_UNKNOWN;
}

void request_rates_read(struct request_rates *r, const struct board *b, struct host *hosts,
                        uint32_t n, int64_t now_ns)
{
    int64_t over_ns = r->at_ns ? now_ns - r->at_ns : 0;
    if (r->at_ns && over_ns < SOON_NS) {
        repeat(r, hosts, n);
        return;
    }
    r->over_ns = over_ns;
    compare(r, hosts, n, over_ns > 0 && r->kept == kept_requests(b));
    if (!remember(r, b, hosts, n, now_ns))
        request_rates_free(r);
}

void request_rates_free(struct request_rates *r)
{
    free(r->of);
    *r = (struct request_rates){.per_s = RATE_UNKNOWN};
}

/* ---- of the history -------------------------------------------------------------------------- */

double request_rate_of_history(const struct board *b, const struct host *hosts, uint32_t n,
                               int64_t now_ns, int64_t *over_ns)
{
    struct history_sample samples[HISTORY_FINE];
    size_t count = history_samples(b->history, true, samples);
    const struct history_sample *from = NULL;
    for (size_t i = count; i-- > 0;) {
        int64_t age_ns = now_ns - samples[i].at_ns;
        if (age_ns < SHORTEST_NS)
            continue;
        if (age_ns > OLDEST_NS)
            break;
        from = &samples[i];
        if (age_ns >= MINUTE_NS)
            break;
    }
    if (!from)
        return RATE_UNKNOWN;
    *over_ns = now_ns - from->at_ns;
    return per_s(from->sum[SUM_REQUESTS], kept_requests(b) + sum_requests(hosts, n), *over_ns);
}
