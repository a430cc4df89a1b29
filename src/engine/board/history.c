/* SPDX-License-Identifier: MIT */
#include "engine/board/history.h"

#include "base/clock.h"
#include "engine/board/board.h"
#include "engine/board/status.h"
#include "engine/board/view.h"

static uint64_t load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* ---- adding --------------------------------------------------------------------------------- */

static void add_counts(uint64_t sum[SUM_UNHEALTHY], const struct slot *s)
{
    if (view_is_proxy(s)) /* its requests are counted for the hosts behind it */
        return;
    sum[SUM_REQUESTS] += slot_counter(s, COUNT_REQUESTS);
    sum[SUM_ATTEMPTS] += slot_counter(s, COUNT_ATTEMPTS);
    sum[SUM_RETRIES] += slot_counter(s, COUNT_RETRIES);
    sum[SUM_SUCCESSES] += slot_counter(s, COUNT_SUCCESSES);
    sum[SUM_FAILURES] += slot_counter(s, COUNT_FAILURES);
    sum[SUM_REJECTED] +=
        slot_counter(s, COUNT_RATE_REJECTED) + slot_counter(s, COUNT_BREAKER_REJECTED);
    sum[SUM_WAITED_MS] += slot_counter(s, COUNT_WAITED_NS) / NS_PER_MS;
}

void history_keep(struct history *h, const struct slot *s)
{
    uint64_t sum[SUM_UNHEALTHY] = {0};
    if (atomic_load_explicit(&s->kind, memory_order_relaxed) == SLOT_HOST)
        add_counts(sum, s);
    for (int i = 0; i < SUM_UNHEALTHY; i++)
        if (sum[i])
            atomic_fetch_add_explicit(&h->gone[i], sum[i], memory_order_relaxed);
}

static void add_all(uint64_t sum[HISTORY_SUMS], const struct board *b, int64_t now_ns)
{
    char name[VIEW_NAME_SIZE];
    for (int i = 0; i < SUM_UNHEALTHY; i++)
        sum[i] += load(&b->history->gone[i]);
    for (uint32_t i = 0; i < board_size(b); i++) {
        const struct slot *s = view_host(b, i, name);
        if (!s)
            continue;
        add_counts(sum, s);
        sum[SUM_UNHEALTHY] += status_of(s) == STATUS_UNHEALTHY;
        sum[SUM_OPEN] += breaker_state_at(&s->breaker, now_ns) != BREAKER_CLOSED;
    }
}

/* A time that is yet to come is damage, and must not stop the history. */
static bool is_due(const struct history_place *ring, size_t room, uint64_t next, int64_t step_ns,
                   int64_t now_ns)
{
    if (!next)
        return true;
    int64_t last = atomic_load_explicit(&ring[(next - 1) % room].at_ns, memory_order_acquire);
    return !last || now_ns < last || now_ns - last >= step_ns;
}

static void put(struct history_place *ring, size_t room, _Atomic uint64_t *next,
                const uint64_t sum[HISTORY_SUMS], int64_t at_ns)
{
    struct history_place *p = &ring[atomic_fetch_add(next, 1) % room];
    atomic_store(&p->at_ns, 0);
    atomic_thread_fence(memory_order_release); /* no word before it */
    for (int i = 0; i < HISTORY_SUMS; i++)
        atomic_store_explicit(&p->word[i], sum[i], memory_order_relaxed);
    atomic_store_explicit(&p->at_ns, at_ns, memory_order_release);
}

void history_sample(struct history *h, const struct board *b, int64_t now_ns)
{
    /* A little early is on time: who writes every ten seconds does not do so to the millisecond. */
    bool fine =
        is_due(h->fine, HISTORY_FINE, load(&h->fine_next), HISTORY_STEP_NS * 9 / 10, now_ns);
    bool coarse = is_due(h->coarse, HISTORY_COARSE, load(&h->coarse_next), HISTORY_LONG_NS, now_ns);
    uint64_t sum[HISTORY_SUMS] = {0};
    if (fine || coarse)
        add_all(sum, b, now_ns);
    if (fine)
        put(h->fine, HISTORY_FINE, &h->fine_next, sum, now_ns);
    if (coarse)
        put(h->coarse, HISTORY_COARSE, &h->coarse_next, sum, now_ns);
}

void history_change(struct history *h, uint64_t key, enum history_kind kind, int state,
                    int64_t at_ns)
{
    struct history_note *n = &h->change[atomic_fetch_add(&h->change_next, 1) % HISTORY_CHANGES];
    atomic_store(&n->at_ns, 0);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&n->key, key, memory_order_relaxed);
    atomic_store_explicit(&n->what, (uint64_t)kind << 8 | (uint64_t)(state & 0xff),
                          memory_order_relaxed);
    atomic_store_explicit(&n->at_ns, at_ns, memory_order_release);
}

/* ---- reading -------------------------------------------------------------------------------- */

size_t history_samples(const struct history *h, bool fine, struct history_sample *out)
{
    const struct history_place *ring = fine ? h->fine : h->coarse;
    size_t room = fine ? HISTORY_FINE : HISTORY_COARSE, n = 0;
    uint64_t next = load(fine ? &h->fine_next : &h->coarse_next);
    for (size_t i = 0; i < room; i++) {
        const struct history_place *p = &ring[(next + i) % room];
        int64_t before = atomic_load_explicit(&p->at_ns, memory_order_acquire);
        for (int k = 0; k < HISTORY_SUMS; k++)
            out[n].sum[k] = load(&p->word[k]);
        atomic_thread_fence(memory_order_acquire);
        out[n].at_ns = before;
        n += before > 0 && before == atomic_load_explicit(&p->at_ns, memory_order_relaxed);
    }
    return n;
}

static bool is_possible(const struct history_change *c)
{
    return c->kind == CHANGE_BREAKER ? c->state <= BREAKER_HALF_OPEN
                                     : c->kind == CHANGE_STATUS && c->state <= STATUS_UNHEALTHY;
}

size_t history_changes(const struct history *h, struct history_change *out)
{
    uint64_t next = load(&h->change_next);
    size_t n = 0;
    for (size_t i = 0; i < HISTORY_CHANGES; i++) {
        const struct history_note *p = &h->change[(next + i) % HISTORY_CHANGES];
        int64_t before = atomic_load_explicit(&p->at_ns, memory_order_acquire);
        uint64_t key = load(&p->key), what = load(&p->what);
        atomic_thread_fence(memory_order_acquire);
        out[n] = (struct history_change){.at_ns = before,
                                         .key = key,
                                         .kind = (enum history_kind)(what >> 8 & 0xff),
                                         .state = (int)(what & 0xff)};
        n += before > 0 && is_possible(&out[n]) &&
             before == atomic_load_explicit(&p->at_ns, memory_order_relaxed);
    }
    return n;
}

void history_clear(struct history *h)
{
    for (size_t i = 0; i < HISTORY_FINE; i++)
        atomic_store(&h->fine[i].at_ns, 0);
    for (size_t i = 0; i < HISTORY_COARSE; i++)
        atomic_store(&h->coarse[i].at_ns, 0);
    for (size_t i = 0; i < HISTORY_CHANGES; i++)
        atomic_store(&h->change[i].at_ns, 0);
}
