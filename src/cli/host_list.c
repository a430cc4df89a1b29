/* SPDX-License-Identifier: MIT */
#include "cli/host_list.h"

#include "base/clock.h"
#include "engine/board/gcra.h"
#include "engine/board/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_host(struct host *h, const struct board *b, const struct slot *s, int64_t now_ns)
{
    struct rate rate;
    int64_t tat_ns;
    h->key = atomic_load(&s->key);
    h->per_s = -1;
    h->place = view_is_place(s);
    h->proxy = !h->place && view_is_counted_twice(s);
    struct view_state state = view_state(b, s, now_ns);
    h->status = state.status;
    h->breaker = state.breaker;
    h->slo_burns = state.slo_burns;
    slo_slot_view(b, s, now_ns, &h->slo);
    h->since_ms = view_since_ms(b, s, h->status, now_ns, clock_wall_ns());
    if (h->status != STATUS_HEALTHY) /* otherwise it began after that */
        pause_show(s, PAUSE_OF_ALL, now_ns, &h->paused);
    pause_show(s, PAUSE_OF_PART, now_ns, &h->part_paused);
    h->failures_in_row = status_failures_in_row(s);
    h->error = view_error(s);
    h->error_ms = h->error.class == CLASS_SUCCESS ? 0 : atomic_load(&s->last_failure_ms);
    uint64_t attempts = view_latency(s, h->latency);
    counters_read(s, attempts, h->count);
    h->p50_ns = view_quantile_ns(s, h->latency, attempts, .50);
    h->p95_ns = view_quantile_ns(s, h->latency, attempts, .95);
    h->p99_ns = view_quantile_ns(s, h->latency, attempts, .99);
    h->limited = view_rate(b, s, &rate, &tat_ns);
    h->available = h->limited ? gcra_available(tat_ns, now_ns, &rate) : 0;
    h->burst = h->limited ? rate.burst : 0;
    view_concurrency(b, s, now_ns, &h->concurrency);
    h->is_observed = view_observed(b, s, &h->observed);
    view_adaptive(b, s, false, now_ns, &h->adaptive);
    view_adaptive(b, s, true, now_ns, &h->would_adapt);
}

uint64_t host_rejected(const struct host *h)
{
    return h->count[COUNT_RATE_REJECTED] + h->count[COUNT_BREAKER_REJECTED] +
           h->count[COUNT_CONCURRENCY_REJECTED];
}

/* A request whose retry was refused is a failure and also rejected, but it is one request. What a proxy
 * refuses is not among its requests. */
static uint64_t ended(const struct host *h)
{
    uint64_t tried = h->count[COUNT_SUCCESSES] + h->count[COUNT_FAILURES];
    uint64_t most = tried + host_rejected(h), begun = h->count[COUNT_REQUESTS];
    return !host_is_counted_twice(h) && begun >= tried && begun < most ? begun : most;
}

/* In tenths of a percent, as it is shown. */
static int failing_share(const struct host *h)
{
    uint64_t all = ended(h), successes = h->count[COUNT_SUCCESSES];
    return all > successes ? 1 + (int)(1000 * ((double)(all - successes) / (double)all)) : 0;
}

/* The more urgent, the larger. */
static int urgency(const struct host *h)
{
    static const int of_breaker[] = {
        [BREAKER_CLOSED] = 0, [BREAKER_HALF_OPEN] = 4, [BREAKER_OPEN] = 6};
    return (h->status == STATUS_UNHEALTHY) * 16 + of_breaker[h->breaker] +
           (h->paused.until_ns != 0) * 2 + (h->status != STATUS_HEALTHY);
}

static int by_urgency(const void *a, const void *b)
{
    const struct host *x = a, *y = b;
    if (urgency(x) != urgency(y))
        return urgency(y) - urgency(x);
    if (failing_share(x) != failing_share(y))
        return failing_share(y) - failing_share(x);
    uint64_t of_x = x->count[COUNT_REQUESTS], of_y = y->count[COUNT_REQUESTS];
    if (of_x != of_y)
        return (of_x < of_y) - (of_x > of_y);
    return strcmp(x->name, y->name);
}

struct host *host_list_read(const struct board *b, int64_t now_ns, uint32_t *n)
{
    uint32_t room = view_count(b) + 1;
    struct host *hosts = calloc(room, sizeof *hosts);
    *n = 0;
    for (uint32_t i = 0; hosts && i < board_size(b) && *n < room; i++) {
        const struct slot *s = view_host(b, i, hosts[*n].name);
        if (s)
            read_host(&hosts[(*n)++], b, s, now_ns);
    }
    if (hosts)
        qsort(hosts, *n, sizeof *hosts, by_urgency);
    return hosts;
}

int64_t host_waited_ns(const struct host *h)
{
    uint64_t ns = h->count[COUNT_WAITED_NS] + h->count[COUNT_CONCURRENCY_WAITED_NS];
    return ns < INT64_MAX ? (int64_t)ns : INT64_MAX;
}

const char *host_success(const struct host *h, char out[16])
{
    uint64_t successes = h->count[COUNT_SUCCESSES], all = ended(h);
    if (!all)
        return "-";
    double percent = 100.0 * (double)successes / (double)all;
    snprintf(out, 16, "%.1f %%", all > successes && percent > 99.9 ? 99.9 : percent);
    return out;
}

const char *host_time(int64_t ns, char out[16])
{
    double ms = (double)ns / (double)NS_PER_MS;
    if (ns <= 0)
        return "-";
    if (ms < 10)
        snprintf(out, 16, "%.1f ms", ms);
    else if (ms < 10000)
        snprintf(out, 16, "%.0f ms", ms);
    else
        snprintf(out, 16, "%.1f s", ms / 1000);
    return out;
}
