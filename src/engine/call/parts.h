/* SPDX-License-Identifier: MIT
 *
 * What the parts of call.h share among themselves: call.c (begin, report, end), call_admit.c,
 * call_bind.c, call_update_status.c, call_proxy_party.c. Nobody else includes it. */
#ifndef ENGINE_CALL_PARTS_H
#define ENGINE_CALL_PARTS_H

#include "base/events.h"
#include "base/numbers.h"
#include "engine/call/call.h"

/* What begins so close to a deadline could not end well. */
#define CALL_ROOM_NS (50 * NS_PER_MS)

/* The host's slot, or the overflow slot when it was given to another host meanwhile: a request that
 * took very long must not be counted for a stranger. */
static inline struct slot *call_slot(const struct call *c)
{
    uint64_t key = atomic_load_explicit(&c->slot->key, memory_order_relaxed);
    return likely(key == c->binding->key) ? c->slot : board_overflow(c->binding->board);
}

/* Many hosts share the overflow slot, so what one of them did must not shut out the others. */
static inline bool call_is_overflow(const struct call *c, const struct slot *s)
{
    return s == board_overflow(c->binding->board);
}

/* One of those that a request depends on: the host, or the proxy before it. */
struct party {
    struct slot *slot;
    const struct policy *policy;
    const char *name;
    unsigned operation; /* what its breaker tells apart */
    bool is_proxy;
};

static inline struct party call_host_party(const struct call *c, struct slot *s)
{
    return (struct party){.slot = s,
                          .policy = c->policy,
                          .name = c->binding->name,
                          .operation = c->binding->operation};
}

/* False when there is none, or its slot was given to another key. */
static inline bool call_proxy_party(const struct call *c, struct party *who)
{
    const struct proxy_binding *proxy = &c->binding->proxy;
    if (likely(!proxy->slot))
        return false;
    *who = (struct party){.slot = proxy->slot,
                          .policy = proxy->policy,
                          .name = c->binding->proxy_name,
                          .operation = c->binding->key % BREAKER_OPERATIONS,
                          .is_proxy = true};
    return atomic_load_explicit(&proxy->slot->key, memory_order_relaxed) == proxy->key;
}

/* To v, if it is lower: then true. */
static inline bool call_raise(_Atomic int64_t *word, int64_t v)
{
    int64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    while (seen < v && !atomic_compare_exchange_weak_explicit(word, &seen, v, memory_order_relaxed,
                                                              memory_order_relaxed))
        ;
    return seen < v;
}

/* An attempt was made that took so long. */
static inline void call_count_attempt(struct slot *s, int64_t duration_ns)
{
    slot_attempt(s, duration_ns);
    call_raise(&s->max_ns, duration_ns);
}

/* Of the probe that the attempt is at the party's breaker; 0: it is none. */
static inline int64_t *call_probe_lease(struct call *c, const struct party *who)
{
    return who->is_proxy ? &c->proxy_lease_ns : &c->lease_ns;
}

static inline bool call_breaker_used(const struct call *c, const struct party *who)
{
    return who->policy->breaker != BREAKER_OFF && !call_is_overflow(c, who->slot);
}

static inline bool call_breaker_enforced(const struct call *c, const struct party *who)
{
    return !c->observe && who->policy->breaker == BREAKER_ON && !call_is_overflow(c, who->slot);
}

/* ---- admit.c ---- */
/* The wait that call_admit answered is over, however it ended. */
void call_wait_over(struct call *c, struct slot *s, int64_t now_ns);

/* ---- retry.c ---- */
/* Decides and pays for a retry of the attempt that ended; true: at *at_ns. */
bool call_plan_retry(struct call *c, struct slot *s, const struct attempt *a, int64_t now_ns,
                     int64_t wall_ns, uint64_t random, int64_t *at_ns);
/* A retry that was decided is made after all, or is not. */
void call_retry_made(struct call *c, struct slot *s);
void call_retry_dropped(struct call *c, struct slot *s);

/* ---- pause.c ---- */
/* How long the server asked to wait; -1: it did not, or hints are off. */
int64_t call_hint_ns(const struct call *c, const struct attempt *a, const struct hints *h,
                     int64_t wall_ns);
/* Makes all callers of the host wait as long as the server's hint asks for. */
void call_set_pause(const struct call *c, struct slot *s, const struct attempt *a, int64_t now_ns,
                    int64_t wall_ns);
int64_t call_pause_end_slowly(const struct call *c, const struct slot *s, int64_t pause_ns,
                              int64_t now_ns);
/* Until when the server asked for silence; 0 when it did not. */
static inline int64_t call_pause_end(const struct call *c, const struct slot *s, int64_t now_ns)
{
    int64_t pause_ns = atomic_load_explicit(&s->pause_until_ns, memory_order_relaxed);
    return likely(pause_ns <= now_ns) ? 0 : call_pause_end_slowly(c, s, pause_ns, now_ns);
}
/* When this call starts after a pause that ends at pause_ns. */
int64_t call_after_pause(const struct call *c, const struct slot *s, int64_t pause_ns,
                         int64_t latest_ns);

/* ---- judge.c: what verdicts mean, and who learns from them ---- */
/* Says that the circuit changed, and has it seen at once. */
void call_announce_breaker(const struct call *c, const struct party *who, int64_t now_ns);
/* Probes of both that were leased and come to nothing. */
void call_release_probes(struct call *c, struct slot *s);
bool call_is_success(const struct verdict *v);
/* Why, of a failure that may be one of the whole party, and not of one of its pages; of any other
 * attempt REASON_NONE. */
enum reason call_outage(const struct verdict *v, const struct attempt *a);
/* An attempt that a bound of ours cut short says nothing; what the one before said holds then. */
static inline bool call_is_inconclusive(const struct attempt *a, const struct verdict *v)
{
    return a->shortened && v->reason == REASON_TIMEOUT && !v->counted;
}
/* The status learns from every attempt that says something about the party. */
void call_update_status(const struct call *c, const struct party *who, const struct verdict *v,
                        int64_t now_ns, int64_t wall_ns);
/* The breakers learn from the last attempt of a request: it is that now. */
void call_update_breakers(struct call *c, struct slot *s, int64_t now_ns, int64_t wall_ns,
                          uint64_t random);
/* It was not, or nobody will know. */
void call_count_unjudged(struct call *c, struct slot *s);
/* Of a request. */
void call_count_success(struct slot *s, int64_t wall_ns);
void call_count_outcome(const struct call *c, struct slot *s, const struct verdict *v,
                        int64_t wall_ns);

/* ---- proxy.c ---- */
/* Of an attempt, once c->last is known. */
void call_proxy_report(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns);
void call_proxy_end(struct call *c, int64_t wall_ns);

#endif
