/* SPDX-License-Identifier: MIT */
#include "engine/board/slo_slot.h"

#include "base/events.h"
#include "base/hash.h"
#include "engine/board/pause.h"
#include "engine/board/status.h"

#define SEED_SLO 0x736c6fULL

_Static_assert(sizeof(struct slo) <= OWN_WORDS * sizeof(uint64_t), "it fits the words of its slot");

uint64_t slo_slot_key(uint64_t host_key)
{
    return board_key(hash_bytes(&host_key, sizeof host_key, SEED_SLO));
}

static struct slo *words_of(struct slot *s)
{
    return (struct slo *)(void *)s->own;
}

struct slo *slo_slot_claim(struct board *b, uint64_t host_key, const char *name, int64_t now_ns)
{
    struct slot *s = board_slot(b, slo_slot_key(host_key), name, SLOT_SLO, now_ns);
    return s == board_overflow(b) ? NULL : words_of(s);
}

struct slo *slo_slot_find(const struct board *b, const struct slot *host, uint32_t *ppm)
{
    *ppm = atomic_load_explicit(&host->shown_slo_ppm, memory_order_relaxed);
    if (likely(*ppm < SLO_PPM_MIN || *ppm > SLO_PPM_MAX))
        return NULL;
    uint64_t key = atomic_load_explicit(&host->key, memory_order_relaxed);
    struct slot *s = board_find(b, slo_slot_key(key));
    bool own = s && atomic_load_explicit(&s->kind, memory_order_relaxed) == SLOT_SLO;
    return own ? words_of(s) : NULL;
}

bool slo_slot_burns(const struct board *b, const struct slot *host, int64_t now_ns)
{
    uint32_t ppm;
    const struct slo *s = slo_slot_find(b, host, &ppm);
    return unlikely(s) && slo_burns(s, ppm, now_ns);
}

bool slo_burns_fast(const struct board *b, const struct slot *host, int64_t now_ns)
{
    uint32_t ppm;
    const struct slo *s = slo_slot_find(b, host, &ppm);
    return s && slo_sum(s, SLO_5MIN, now_ns).bad >= SLO_BAD_TO_STEER && slo_burns(s, ppm, now_ns);
}

/* Whether the objective alone decides between healthy and degraded. */
static bool decides_status(const struct slot *host, int64_t now_ns)
{
    return status_of(host) == STATUS_HEALTHY && !pause_is_on(host, now_ns) &&
           breaker_state_at(&host->breaker, now_ns) == BREAKER_CLOSED;
}

/* Out of line: an event needs stack, and there is seldom one. */
static __attribute__((noinline)) void note(struct board *b, struct slot *host, const char *name,
                                           uint32_t id, bool burns, int64_t at_ns, int64_t now_ns,
                                           int64_t wall_ns)
{
    int64_t at_wall_ns = wall_ns - (now_ns - at_ns);
    if (decides_status(host, now_ns))
        atomic_store_explicit(&host->status_since_ms, at_wall_ns / NS_PER_MS, memory_order_relaxed);
    events_emit(&(struct event){.kind = EVENT_SLO,
                                .id = id,
                                .host = name,
                                .state = burns ? "burning" : "over",
                                .ended_ns = burns ? 0 : at_wall_ns,
                                .wait_ns = -1});
    history_change(b->history, atomic_load_explicit(&host->key, memory_order_relaxed), CHANGE_SLO,
                   burns, at_ns);
}

bool slo_slot_notice(struct board *b, struct slot *host, const char *name, uint32_t id,
                     int64_t now_ns, int64_t wall_ns)
{
    uint32_t ppm;
    int64_t at_ns = now_ns;
    enum slo_news news = SLO_NOTHING;
    struct slo *s = slo_slot_find(b, host, &ppm);
    bool changed = false;
    for (int i = 0; s && i < 2; i++) { /* it may have ended long ago, and begun again now */
        if (!(news = slo_notice(s, ppm, now_ns, &at_ns)))
            break;
        note(b, host, name, id, news == SLO_BEGINS, at_ns, now_ns, wall_ns);
        changed = true;
    }
    return changed;
}

int64_t slo_slot_next_ns(const struct board *b, const struct slot *host, int64_t now_ns)
{
    uint32_t ppm;
    const struct slo *s = slo_slot_find(b, host, &ppm);
    return s ? slo_next_ns(s, now_ns) : INT64_MAX;
}

int64_t slo_slot_unnoticed_ns(const struct board *b, const struct slot *host, int64_t now_ns)
{
    uint32_t ppm;
    const struct slo *s = slo_slot_find(b, host, &ppm);
    return s && decides_status(host, now_ns) ? slo_unnoticed_ns(s, ppm, now_ns) : 0;
}

bool slo_slot_view(const struct board *b, const struct slot *host, int64_t now_ns,
                   struct slo_view *v)
{
    uint32_t ppm;
    const struct slo *cells = slo_slot_find(b, host, &ppm);
    *v = (struct slo_view){.ppm = 0};
    if (!cells)
        return false;
    if (!slo_sum(cells, SLO_24H, now_ns).total)
        return false;
    v->ppm = ppm;
    v->cells = cells;
    v->latency_ns = NS_PER_MS * (int64_t)atomic_load_explicit(&host->shown_slo_latency_ms,
                                                              memory_order_relaxed);
    v->good = atomic_load_explicit(&v->cells->good, memory_order_relaxed);
    v->bad = atomic_load_explicit(&v->cells->bad, memory_order_relaxed);
    for (int w = 0; w < SLO_WINDOWS; w++) {
        v->sum[w] = slo_sum(v->cells, (enum slo_window)w, now_ns);
        v->burn_rate[w] = slo_burn_rate(v->sum[w], v->ppm);
        v->budget_left[w] = slo_budget_left(v->sum[w], v->ppm);
    }
    v->slow_burns = slo_pair_burns(v->cells, SLO_SLOW, v->ppm, now_ns);
    return true;
}
