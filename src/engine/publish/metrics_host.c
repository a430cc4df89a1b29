/* SPDX-License-Identifier: MIT */
#include "engine/publish/metrics_host.h"

#include "base/compiler.h"
#include "base/hash.h"
#include "engine/board/gcra.h"
#include "engine/board/pause.h"
#include "engine/board/slo_slot.h"

#include <stdalign.h>
#include <string.h>

static const char *escaped(char c)
{
    return c == '\n' ? "\\n" : c == '"' ? "\\\"" : c == '\\' ? "\\\\" : NULL;
}

void metrics_label(struct text *t, const char *name, const char *value)
{
    text_put(t, name);
    text_put(t, "=\"");
    size_t end = t->n + VIEW_NAME_SIZE;
    while (*value) {
        const char *part = escaped(*value);
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

static void read_durations(struct metrics_host *h, const struct slot *s)
{
    static const int64_t max_ns[] = {
#define MAX_NS(label, ns) ns,
        METRICS_BUCKETS(MAX_NS)
#undef MAX_NS
    };
    uint64_t latency[LATENCY_BUCKETS], n = 0;
    counters_read(s, view_latency(s, latency), h->count);
    for (size_t i = 0, k = 0; i < array_size(max_ns); i++) {
        for (size_t last = (size_t)latency_bucket(max_ns[i]); k <= last; k++)
            n += latency[k];
        h->within[i] = n;
    }
}

static void read_groups(uint32_t out[REASON_GROUPS], const _Atomic uint32_t words[REASON_GROUPS])
{
    for (int g = 0; g < REASON_GROUPS; g++)
        out[g] = atomic_load_explicit(&words[g], memory_order_relaxed);
}

static void read_slo(struct metrics_host *h, const struct slot *s, const struct snapshot_context *c,
                     bool burns)
{
    struct slo_view v;
    if (!slo_slot_view(c->board, s, c->now_ns, &v))
        return;
    h->slo_ppm = v.ppm;
    h->slo_good = v.good;
    h->slo_bad = v.bad;
    for (int i = 0; i < SLO_RATE_WINDOWS; i++)
        h->slo_rate_milli[i] = slo_milli(v.burn_rate[slo_rate_windows[i]]);
    for (int i = 0; i < SLO_BUDGET_WINDOWS; i++)
        h->slo_left_milli[i] = slo_milli(v.budget_left[slo_budget_windows[i]]);
    h->slo_burns_fast = burns;
    h->slo_burns_slow = v.slow_burns;
}

static int64_t adaptive_milli(const struct slot *s, bool observed, const struct snapshot_context *c)
{
    struct adaptive_view v;
    return view_adaptive(c->board, s, observed, c->now_ns, &v) ? (int64_t)v.rate_milli : 0;
}

static void read_slot(struct metrics_host *h, const struct slot *s,
                      const struct snapshot_context *c)
{
    struct rate r;
    int64_t tat;
    struct view_state state = view_state(c->board, s, c->now_ns);
    *h = (struct metrics_host){
        .rate_tokens_milli = view_rate(c->board, s, &r, &tat)
                                 ? (int64_t)(gcra_available(tat, c->now_ns, &r) * 1000)
                                 : -1,
        .budget_tokens_milli = (int64_t)(view_budget(s, c->now_ns) * 1000),
        .status = (uint8_t)state.status,
        .circuit_open = state.breaker == BREAKER_OPEN,
        .kind = view_is_place(s)           ? PLACES
                : view_is_counted_twice(s) ? PROXIES
                                           : HOSTS,
    };
    struct pause_shown pause;
    if (h->status != STATUS_HEALTHY && pause_show(s, PAUSE_OF_ALL, c->now_ns, &pause))
        h->paused_ms = (pause.until_ns - c->now_ns + NS_PER_MS - 1) / NS_PER_MS;
    read_slo(h, s, c, state.slo_burns);
    h->adaptive_milli = adaptive_milli(s, false, c);
    h->observed_adaptive_milli = adaptive_milli(s, true, c);
    view_concurrency(c->board, s, c->now_ns, &h->concurrency);
    h->is_observed = view_observed(c->board, s, &h->observed);
    read_durations(h, s);
#define BY_REASON(member, ...) read_groups(h->member, s->member);
    COUNTERS_BY_REASON(BY_REASON)
#undef BY_REASON
}

/* The end of a long path may be all that tells two boards apart, so what is cut is kept as a hash. */
static void put_place(struct text *t, const char *place)
{
    char cut[VIEW_NAME_SIZE];
    struct text c = TEXT_OVER(cut);
    size_t n = strlen(place);
    text_put(t, ",");
    if (n >= sizeof cut) {
        text_putn(&c, place, sizeof cut - 20);
        text_fmt(&c, "~%016llx", (unsigned long long)hash_bytes(place, n, 0));
    }
    metrics_label(t, "board", n >= sizeof cut ? cut : place);
}

/* Returns the place of the next entry. */
static struct metrics_host *put_labels(struct metrics_host *h, const struct snapshot_context *c,
                                       const char *name)
{
    size_t align = alignof(struct metrics_host);
    struct text l = {.p = h->labels, .cap = METRICS_LABELS_SIZE};
    text_put(&l, "user=\"");
    text_u64(&l, c->user);
    text_put(&l, "\"");
    if (c->place)
        put_place(&l, c->place);
    if (name) {
        text_put(&l, ",");
        metrics_label(&l, "host", name);
    }
    h->labels_bytes = (uint32_t)l.n;
    h->size = (uint32_t)((sizeof *h + l.n + align) & ~(align - 1));
    return (struct metrics_host *)((char *)h + h->size);
}

const struct metrics_host *metrics_read(struct text *t, const struct snapshot_context *c,
                                        uint64_t *hosts)
{
    char name[VIEW_NAME_SIZE];
    size_t align = alignof(struct metrics_host);
    uint32_t most = view_count(c->board);
    size_t room = (most + 2) * (sizeof(struct metrics_host) + METRICS_LABELS_SIZE + align);
    if (t->cap <= room)
        return NULL;
    t->cap -= room;
    uintptr_t end = (uintptr_t)t->p + t->cap;
    struct metrics_host *first = (struct metrics_host *)((end | (align - 1)) + 1), *h = first;
    *hosts = 0;
    for (uint32_t i = 0, put = 0; i < board_size(c->board) && put < most; i++) {
        struct check_view check;
        const struct slot *s = view_host(c->board, i, name);
        if (s)
            read_slot(h, s, c);
        else if (view_check(c->board, i, c->now_ns, &check) && check.known)
            *h = (struct metrics_host){.status = (uint8_t)check.status, .kind = CHECKS};
        else
            continue;
        *hosts += h->kind == HOSTS;
        put++;
        h = put_labels(h, c, s ? name : check.name);
    }
    *h = (struct metrics_host){.kind = BOARD};
    put_labels(h, c, NULL);
    h->size = 0;
    return first;
}
