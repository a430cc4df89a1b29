/* SPDX-License-Identifier: MIT */
#include "engine/board/history.h"

#include "engine/board/breaker.h"
#include "engine/board/status.h"

static uint64_t read_word(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* ---- adding --------------------------------------------------------------------------------- */

void history_keep(struct history *h, const uint64_t sum[HISTORY_COUNTED])
{
    for (int i = 0; i < HISTORY_COUNTED; i++)
        if (sum[i])
            atomic_fetch_add_explicit(&h->kept[i], sum[i], memory_order_relaxed);
}

/* A time in the future is damage, and must not stop the history. */
bool history_is_due(const struct history *h, bool fine, int64_t now_ns)
{
    const struct history_place *ring = fine ? h->fine : h->coarse;
    uint64_t next = read_word(fine ? &h->fine_next : &h->coarse_next);
    size_t room = fine ? HISTORY_FINE : HISTORY_COARSE;
    /* A little early counts as due: a writer with an interval of ten seconds is not exact to the
     * millisecond. */
    int64_t step_ns = fine ? HISTORY_STEP_NS * 9 / 10 : HISTORY_LONG_NS;
    if (!next)
        return true;
    int64_t last = atomic_load_explicit(&ring[(next - 1) % room].at_ns, memory_order_acquire);
    return !last || now_ns < last || now_ns - last >= step_ns;
}

void history_add(struct history *h, bool fine, const uint64_t sum[HISTORY_SUMS], int64_t at_ns)
{
    struct history_place *p =
        fine ? &h->fine[atomic_fetch_add(&h->fine_next, 1) % HISTORY_FINE]
             : &h->coarse[atomic_fetch_add(&h->coarse_next, 1) % HISTORY_COARSE];
    atomic_store(&p->at_ns, 0);
    atomic_thread_fence(memory_order_release); /* no word before it */
    for (int i = 0; i < HISTORY_SUMS; i++)
        atomic_store_explicit(&p->word[i], sum[i], memory_order_relaxed);
    atomic_store_explicit(&p->at_ns, at_ns, memory_order_release);
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
    uint64_t next = read_word(fine ? &h->fine_next : &h->coarse_next);
    for (size_t i = 0; i < room; i++) {
        const struct history_place *p = &ring[(next + i) % room];
        int64_t before = atomic_load_explicit(&p->at_ns, memory_order_acquire);
        for (int k = 0; k < HISTORY_SUMS; k++)
            out[n].sum[k] = read_word(&p->word[k]);
        atomic_thread_fence(memory_order_acquire);
        out[n].at_ns = before;
        n += before > 0 && before == atomic_load_explicit(&p->at_ns, memory_order_relaxed);
    }
    return n;
}

static bool is_possible(const struct history_change *c)
{
    static const int last_state[] = {
        [CHANGE_BREAKER] = BREAKER_HALF_OPEN, [CHANGE_STATUS] = STATUS_UNHEALTHY, [CHANGE_SLO] = 1};
    return c->kind <= CHANGE_SLO && c->state <= last_state[c->kind];
}

size_t history_changes(const struct history *h, struct history_change *out)
{
    uint64_t next = read_word(&h->change_next);
    size_t n = 0;
    for (size_t i = 0; i < HISTORY_CHANGES; i++) {
        const struct history_note *p = &h->change[(next + i) % HISTORY_CHANGES];
        int64_t before = atomic_load_explicit(&p->at_ns, memory_order_acquire);
        uint64_t key = read_word(&p->key), what = read_word(&p->what);
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
