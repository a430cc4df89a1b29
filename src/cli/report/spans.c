/* SPDX-License-Identifier: MIT */
#include "cli/report/spans.h"

#include <stdlib.h>

static uint32_t host_of(uint64_t key, const struct host *hosts, uint32_t n)
{
    uint32_t i = 0;
    while (i < n && hosts[i].key != key)
        i++;
    return i;
}

static int by_host_and_time(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->host != y->host)
        return (x->host > y->host) - (x->host < y->host);
    if (x->kind != y->kind)
        return (x->kind > y->kind) - (x->kind < y->kind);
    return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

static void end_with(struct span *s, const struct span *next, const struct host *h, int64_t now_ns)
{
    /* An open circuit becomes half-open when its time is up; the change is recorded only with the
     * next request. */
    bool still = s->kind == CHANGE_STATUS ? (int)h->status == s->state
                 : s->kind == CHANGE_SLO
                     ? h->slo_burns == s->state
                     : (int)h->breaker == s->state ||
                           (s->state == BREAKER_OPEN && h->breaker == BREAKER_HALF_OPEN);
    s->end = next ? SPAN_ENDED : still ? SPAN_CONTINUES : SPAN_UNKNOWN;
    s->to_ns = next ? next->from_ns : still ? now_ns : s->from_ns;
}

size_t spans_from_changes(const struct history_change *change, size_t count,
                          const struct host *hosts, uint32_t host_count, int64_t now_ns,
                          struct span *out, size_t *gone)
{
    size_t n = 0, kept = 0;
    *gone = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t host = host_of(change[i].key, hosts, host_count);
        if (change[i].at_ns > now_ns)
            continue; /* in the future: damaged */
        if (host == host_count)
            ++*gone;
        else
            out[n++] = (struct span){.host = host,
                                     .kind = change[i].kind,
                                     .state = change[i].state,
                                     .from_ns = change[i].at_ns};
    }
    if (n)
        qsort(out, n, sizeof *out, by_host_and_time);
    for (size_t i = 0; i < n; i++) {
        struct span *s = &out[i];
        bool last = i + 1 == n || s[1].host != s->host || s[1].kind != s->kind;
        end_with(s, last ? NULL : &s[1], &hosts[s->host], now_ns);
        if (s->state) /* neither closed, healthy nor over */
            out[kept++] = *s;
    }
    return kept;
}
