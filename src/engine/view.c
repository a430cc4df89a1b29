/* SPDX-License-Identifier: MIT */
#include "engine/view.h"

const struct slot *view_host(const struct board *b, uint32_t i, char name[SLOT_NAME_SIZE])
{
    const struct slot *s = board_nth(b, i, name);
    return s && atomic_load_explicit(&s->kind, memory_order_relaxed) == SLOT_HOST ? s : NULL;
}

struct last_error view_error(const struct slot *s)
{
    struct last_error e =
        last_error_unpack(atomic_load_explicit(&s->last_error, memory_order_relaxed));
    e.class = e.class <= CLASS_E ? e.class : CLASS_E;
    e.reason = e.reason < REASON_COUNT ? e.reason : REASON_OTHER;
    return e;
}

bool view_rate(const struct board *b, const struct slot *s, struct rate *r, int64_t *tat_ns)
{
    uint64_t shown = atomic_load_explicit(&s->shown_rate, memory_order_relaxed);
    int64_t window = atomic_load_explicit(&s->shown_window_ns, memory_order_relaxed);
    uint32_t tokens = (uint32_t)(shown >> 32), burst = (uint32_t)shown;
    if (!tokens || !burst || window <= 0)
        return false;
    *r = (struct rate){.tokens = tokens,
                       .burst = burst,
                       .window_ns = window,
                       .interval_ns = window / tokens + (window % tokens != 0)};
    uint32_t bucket = atomic_load_explicit(&s->bucket_index, memory_order_relaxed);
    if (bucket && bucket <= board_size(b)) {
        s = &b->slots[bucket - 1];
        if (atomic_load_explicit(&s->kind, memory_order_relaxed) != SLOT_BUCKET)
            s = NULL; /* given to a host; that happens to idle buckets, which are full */
    }
    *tat_ns = s ? atomic_load_explicit(&s->tat_ns[0], memory_order_relaxed) : 0;
    return true;
}

uint64_t view_latency(const struct slot *s, uint64_t counts[LATENCY_BUCKETS])
{
    uint64_t n = 0;
    for (int i = 0; i < LATENCY_BUCKETS; i++)
        n += counts[i] = slot_latency(s, i);
    return n;
}
