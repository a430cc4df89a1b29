/* SPDX-License-Identifier: MIT
 *
 * Counts the requests of a host with an objective as good or bad, once each, with what the program got in the
 * end. An objective is a promise to the user of the program: a request that was refused is bad, too. What
 * says nothing about the host (an error of the program, a transfer that it ended) is not counted. */
#include "engine/call/private.h"

#include "base/minmax.h"
#include "engine/board/alert.h"
#include "engine/board/slo_slot.h"

bool call_slo_burns(const struct call *c, int64_t now_ns)
{
    return slo_burns_fast(c->binding->board, call_facts(c, call_slot(c)), now_ns);
}

/* answered_ms is rounded up; an answer in time must not be called late. */
#define ROUNDED_UP_NS (NS_PER_MS - 1)

void call_note_answer(struct call *c, const struct attempt *a, int64_t now_ns)
{
    int64_t begun_ns = now_ns - larger(a->duration_ns, 0);
    int64_t took_ns = begun_ns + attempt_answered_ns(a) - c->begun_ns;
    if (a->answered_ms)
        took_ns -= ROUNDED_UP_NS;
    c->late = c->policy->slo_latency_ns && took_ns > c->policy->slo_latency_ns;
}

/* False: it is not counted. A look-up that succeeds is followed by the request itself. */
static bool is_counted(const struct call *c, bool *bad)
{
    *bad = true;
    if (!c->attempts)
        return c->refused != REFUSED_NOTHING;
    if (!call_is_success(&c->last))
        return call_is_failure(&c->last);
    *bad = c->late;
    return !c->lookup_only;
}

static void show(_Atomic uint32_t *word, uint32_t value)
{
    if (unlikely(atomic_load_explicit(word, memory_order_relaxed) != value))
        atomic_store_explicit(word, value, memory_order_relaxed);
}

/* The objective of enforcing programs takes precedence over that of observing ones. */
static void show_objective(const struct call *c, struct slot *facts)
{
    const struct policy *p = c->policy;
    if (c->observe && atomic_load_explicit(&facts->shown_slo_ppm, memory_order_relaxed))
        return;
    show(&facts->shown_slo_ppm, p->slo_ppm);
    show(&facts->shown_slo_latency_ms, (uint32_t)(p->slo_latency_ns / NS_PER_MS));
}

void call_count_slo(const struct call *c, struct slot *s, int64_t now_ns, int64_t wall_ns)
{
    const struct binding *b = c->binding;
    struct slot *facts = call_facts(c, s);
    struct slo *words;
    bool bad;
    if (call_is_overflow(c, facts) || !is_counted(c, &bad) ||
        !(words = slo_slot_claim(b->board, b->facts ? b->facts_key : b->key, b->name, now_ns)))
        return;
    show_objective(c, facts);
    slo_count(words, bad, now_ns);
    if (slo_slot_notice(b->board, facts, b->name, c->id, now_ns, wall_ns))
        board_alert(b->board);
    int64_t next_ns = slo_next_ns(words, now_ns);
    if (unlikely(next_ns != INT64_MAX))
        board_expect_end(b->board, next_ns);
}
