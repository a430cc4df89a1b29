/* SPDX-License-Identifier: MIT
 *
 * What the files of this folder share. No other folder includes it. Each file may call those before
 * it: bind_permits, bind, lag, judge, proxy, slo, place, pause, tell, adaptive, retry, tokens, bulkhead, admit,
 * call. fast_path calls judge only. */
#ifndef ENGINE_CALL_PRIVATE_H
#define ENGINE_CALL_PRIVATE_H

#include "base/minmax.h"
#include "base/process.h"
#include "engine/board/holder.h"
#include "engine/call/call.h"

/* An attempt that starts closer to a deadline than this could not finish. */
#define CALL_ROOM_NS (50 * NS_PER_MS)

/* The host's slot; if that was given to another host in the meantime, the overflow slot, so that
 * a very long request is not counted for the wrong host. */
static inline struct slot *call_slot(const struct call *c)
{
    uint64_t key = atomic_load_explicit(&c->slot->key, memory_order_relaxed);
    return likely(key == c->binding->key) ? c->slot : board_overflow(c->binding->board);
}

/* Many hosts share the overflow slot: what one of them did must not lock out the others. */
static inline bool call_is_overflow(const struct call *c, const struct slot *s)
{
    return s == board_overflow(c->binding->board);
}

/* The slot that shows what happened, to everybody: in observe mode it is not the one that decides. */
static inline struct slot *call_facts(const struct call *c, struct slot *s)
{
    const struct binding *b = c->binding;
    if (likely(!b->facts) || call_is_overflow(c, s))
        return s;
    uint64_t key = atomic_load_explicit(&b->facts->key, memory_order_relaxed);
    return key == b->facts_key ? b->facts : board_overflow(b->board);
}

/* In observe mode, with the board full: what others enforce must not change, and there is no slot for what
 * would be done. */
static inline bool call_observes_nothing(const struct call *c, const struct slot *s)
{
    return c->observe && call_is_overflow(c, s);
}

/* A participant that a request depends on: the host, the proxy in front of it, or one of its places. */
struct party {
    struct slot *slot;  /* decides */
    struct slot *facts; /* shows what happened */
    const struct policy *policy;
    const char *name;
    unsigned operation; /* what its breaker distinguishes */
    bool is_proxy, is_place;
};

static inline struct party call_host_party(const struct call *c, struct slot *s)
{
    return (struct party){.slot = s,
                          .facts = call_facts(c, s),
                          .policy = c->policy,
                          .name = c->binding->name,
                          .operation = c->binding->operation};
}

/* False if there is no proxy, or its slot was given to another key. */
static inline bool call_proxy_party(const struct call *c, struct party *party)
{
    const struct proxy_binding *proxy = &c->binding->proxy;
    if (likely(!proxy->slot))
        return false;
    *party = (struct party){.slot = proxy->slot,
                            .facts = proxy->facts ? proxy->facts : proxy->slot,
                            .policy = proxy->policy,
                            .name = c->binding->proxy_name,
                            .operation = c->binding->key % BREAKER_OPERATIONS,
                            .is_proxy = true};
    return atomic_load_explicit(&proxy->slot->key, memory_order_relaxed) == proxy->key &&
           (!proxy->facts ||
            atomic_load_explicit(&proxy->facts->key, memory_order_relaxed) == proxy->facts_key);
}

/* The errno that the result of the attempt is about; 0: none. libcurl may still have that of an address that
 * refused the connection before another one accepted it. */
int call_errno(const struct attempt *a);

/* Maps 64 random bits to [0, span), for span >= 0. */
static inline int64_t call_random_below(int64_t span, uint64_t random)
{
    return (int64_t)(((unsigned __int128)(uint64_t)span * random) >> 64);
}

/* Raises the word to v. True if it was lower. */
static inline bool call_raise(_Atomic int64_t *word, int64_t v)
{
    int64_t seen = atomic_load_explicit(word, memory_order_relaxed);
    while (seen < v && !atomic_compare_exchange_weak_explicit(word, &seen, v, memory_order_relaxed,
                                                              memory_order_relaxed))
        ;
    return seen < v;
}

/* Counts an attempt and its duration. */
static inline void call_count_attempt(struct slot *s, int64_t duration_ns)
{
    slot_attempt(s, duration_ns);
    call_raise(&s->max_ns, duration_ns);
}

/* Lease of the probe that the attempt is for the party's breaker; 0: it is none. */
static inline int64_t *call_probe_lease(struct call *c, const struct party *party)
{
    return party->is_proxy   ? &c->proxy_lease_ns
           : party->is_place ? &c->place_lease_ns
                             : &c->lease_ns;
}

static inline bool call_breaker_used(const struct call *c, const struct party *party)
{
    return party->policy->breaker != BREAKER_OFF && !call_is_overflow(c, party->slot);
}

static inline bool call_breaker_enforced(const struct call *c, const struct party *party)
{
    return !c->observe && party->policy->breaker == BREAKER_ON && !call_is_overflow(c, party->slot);
}

/* ---- lag.c ---- */
/* In observe mode, how late the call would begin. */
void call_begin_lag(struct call *c, int64_t now_ns);
/* It would be so much later. */
static inline void call_add_lag(struct call *c, int64_t wait_ns)
{
    if (wait_ns > 0)
        c->lag_ns = later_by(c->lag_ns, wait_ns);
}
/* Whatever the program does from now on may be a consequence of this call. */
void call_end_lag(const struct call *c, struct slot *s, int64_t now_ns);

/* No retry starts after the deadline: whose it is. */
static inline enum stop call_deadline_stop(const struct call *c)
{
    return c->deadline_ns == c->app_deadline_ns ? STOP_PROGRAM_TIMEOUT : STOP_DEADLINE;
}

/* ---- tokens.c ---- */
/* A caller that is this late for its reserved start may come together with many others. */
#define CALL_LATE_NS (100 * NS_PER_MS)
/* The earliest start at or after t_ns that every rate of every bucket allows; sets c->lane. */
int64_t call_earliest_start(struct call *c, int64_t now_ns, int64_t t_ns);
/* Takes the cost from every rate of every bucket for a start at t_ns, or from none. */
bool call_take_tokens(const struct call *c, int64_t now_ns, int64_t t_ns);
/* It comes so late for the start that it has paid for that its tokens are lost. */
bool call_missed_start(const struct call *c, int64_t now_ns);

/* ---- admit.c ---- */
/* The wait before a retry is over, or the request is. */
static inline void call_back_off_over(struct call *c, int64_t now_ns)
{
    if (c->retry_planned && !c->waiting && now_ns > c->wait_from_ns) {
        c->waited_ns += now_ns - c->wait_from_ns;
        c->wait_from_ns = now_ns;
    }
}
/* Ends a wait, whether the attempt is admitted then or not. */
void call_wait_over(struct call *c, struct slot *s, int64_t now_ns);

/* ---- retry.c ---- */
/* Decides whether the attempt that ended is retried, and charges the budget. True: at *at_ns. */
bool call_plan_retry(struct call *c, struct slot *s, const struct attempt *a, int64_t now_ns,
                     uint64_t random, int64_t *at_ns);
/* The planned retry was admitted, or it was not. */
void call_retry_made(struct call *c, struct slot *s);
void call_retry_dropped(struct call *c, struct slot *s);

/* ---- pause.c ---- */
/* How long the server asked to wait; 0: it sent no hint, or hints are off. */
int64_t call_hint_ns(const struct call *c, const struct attempt *a);
/* Pauses the host, the proxy, or the part of the host that the policy tells apart, for as long as the
 * attempt's hint says, for all callers. */
void call_set_pause(const struct call *c, struct slot *s, const struct attempt *a, int64_t now_ns,
                    int64_t wall_ns);
static inline bool call_is_slot_paused(const struct slot *s, int64_t now_ns)
{
    return atomic_load_explicit(&s->pause_until_ns, memory_order_relaxed) > now_ns;
}
/* Whether some pause may concern this call. special: binding->special, or a constant to save the test. */
static inline bool call_may_be_paused(const struct call *c, const struct slot *s, unsigned special,
                                      int64_t now_ns)
{
    const struct binding *b = c->binding;
    const struct proxy_binding *proxy = &b->proxy;
    return unlikely(call_is_slot_paused(special && b->facts ? b->facts : s, now_ns)) ||
           (unlikely(b->scope) && call_is_slot_paused(b->scope, now_ns)) ||
           (unlikely(special) && proxy->slot &&
            call_is_slot_paused(proxy->facts ? proxy->facts : proxy->slot, now_ns));
}
/* When this call may start; 0: it is not paused. latest_ns: the latest start that it accepts; the answer
 * is later only if the server refuses until then. *may_reserve: nobody else needs tokens of its buckets
 * before then; otherwise they would have to wait for the start that it reserves. */
int64_t call_paused_until(const struct call *c, struct slot *s, int64_t latest_ns, int64_t now_ns,
                          bool *may_reserve);

/* ---- adaptive.c ---- */
/* Before tokens are taken: if the adaptive rate is in force, it becomes one more lane, after the others of
 * the binding, and c->paced is set. */
void call_use_adaptive_rate(struct call *c, struct slot *s, int64_t now_ns);
/* The earliest start at or after from_ns by all lanes is start_ns. Not 0: it is too far ahead to be reserved
 * at the rate of now; ask again then. Otherwise it may be reserved, without a token of the adaptive rate if
 * c->paced is cleared. */
int64_t call_pace_again_ns(struct call *c, int64_t from_ns, int64_t start_ns, int64_t now_ns);
/* At a reserved start: takes a token of the adaptive rate if it has none, for at most late_ns later. False: the
 * start is lost. */
bool call_pace_reserved(struct call *c, int64_t late_ns, int64_t now_ns);
/* What an attempt says about the rate. */
void call_adapt(struct call *c, struct slot *s, const struct attempt *a, int64_t now_ns);

/* ---- bulkhead.c ---- */
/* A permit of each limit that has a concurrency, or of none. False: of c->crowded, there is none for this call,
 * and it waits for it if `enters`. */
bool call_take_permits(struct call *c, bool enters, int64_t now_ns);
/* It waits no more, but may have permits. */
void call_leave_turn(struct call *c, int64_t now_ns);
/* When a call that waits for a permit looks again. */
int64_t call_next_look(const struct call *c, int64_t now_ns);

/* The usual case: only the first limit has a concurrency (special == SPECIAL_BULKHEAD), a permit is free, and
 * nobody waits. */
static inline bool call_take_permit_at_once(struct call *c)
{
    const struct binding *b = c->binding;
    const struct bulkhead_binding *own = &b->bulkhead;
    struct slot *s = own->slot;
    struct process_permits *p = atomic_load_explicit(&process_permits, memory_order_relaxed);
    if (unlikely(atomic_load_explicit(&p->board, memory_order_acquire) != b->board))
        return false;
    uint64_t mark = atomic_fetch_add_explicit(&p->mark, BULKHEAD_NEXT, memory_order_relaxed);
    _Atomic uint64_t *permit = own->last;
    if (unlikely(!bulkhead_take(bulkhead_page(s), permit, mark)))
        return false;
    c->mark = mark;
    if (likely(atomic_load(&s->key) == own->key))
        return true;
    bulkhead_give_back(permit, mark); /* the slot was given to another key meanwhile */
    c->mark = 0;
    return false;
}
/* The same for the way back. */
static inline void call_give_back_permit(struct call *c, int64_t now_ns)
{
    const struct bulkhead_binding *own = &c->binding->bulkhead;
    const struct process_permits *p = atomic_load_explicit(&process_permits, memory_order_relaxed);
    uint64_t mark = c->mark, next = atomic_load_explicit(&p->mark, memory_order_relaxed);
    if (unlikely(!bulkhead_same_holder(next, mark)) || /* none, or, after a fork, the parent's */
        unlikely(!bulkhead_give_back(own->last, mark)) ||
        unlikely(bulkhead_page(own->slot)->waiting))
        call_give_back_permits(c, now_ns);
    c->mark = 0;
}
/* Gives them back, and returns what else is special. */
static inline unsigned call_special_but_permits(struct call *c, unsigned special, int64_t now_ns)
{
    if (likely(special == SPECIAL_BULKHEAD)) {
        call_give_back_permit(c, now_ns);
        return 0;
    }
    if (c->mark)
        call_give_back_permits(c, now_ns);
    return special & ~SPECIAL_PERMITS;
}

/* ---- slo.c ---- */
/* The name loses its error budget so fast that requests begin at its second place. */
bool call_slo_burns(const struct call *c, int64_t now_ns);
/* After an attempt: whether its response came too late for the objective. */
void call_note_answer(struct call *c, const struct attempt *a, int64_t now_ns);
/* At the end of a request, also of one that was refused. */
void call_count_slo(const struct call *c, struct slot *s, int64_t now_ns, int64_t wall_ns);

/* ---- tell.c: the events of a request ---- */
/* A wait or a refusal, until at_ns. */
struct delay {
    enum event_kind kind;
    const char *by; /* the host or the proxy */
    enum refusal why;
    int64_t at_ns, now_ns;
    bool observed;
};
/* These take little stack. call_tell_delay is called only if call_tells(), which is cheap. */
bool call_tells(enum event_kind kind);
void call_tell_delay(const struct call *c, const struct delay *d);
/* Only if c->id is set. */
void call_tell_attempt(struct call *c, const struct attempt *a);
void call_tell_end(struct call *c, int64_t now_ns);

/* ---- judge.c: what verdicts mean for status, breaker and counters ---- */
/* The circuit changed: emits the event and wakes the background thread. */
void call_announce_breaker(const struct call *c, const struct party *party, int64_t now_ns);
/* Gives back the leases of probes that are not made. */
void call_release_probes(struct call *c, struct slot *s);
bool call_is_success(const struct verdict *v);
/* With slow_after: whether the attempt was a success but slow, in c->slow. Counts it. */
void call_judge_speed(struct call *c, struct slot *s, const struct attempt *a);
bool call_is_failure(const struct verdict *v); /* a local error is neither */
/* The reason of a failure that may concern the whole party and not only one of its pages;
 * otherwise REASON_NONE. */
enum reason call_outage(const struct verdict *v, const struct attempt *a);
/* An attempt that a timeout of the library cut short proves nothing; the result of the previous one
 * still counts. */
static inline bool call_is_inconclusive(const struct attempt *a, const struct verdict *v)
{
    return a->shortened && v->reason == REASON_TIMEOUT && !v->counted;
}
/* Updates the status, after every attempt whose result says something about the party. */
void call_update_status(const struct call *c, const struct party *party, const struct verdict *v,
                        int64_t now_ns, int64_t wall_ns);
/* Reports a result to the party's breaker; outage: call_outage of it. */
void call_update_breaker(struct call *c, const struct party *party, const struct verdict *v,
                         enum reason outage, int64_t now_ns, int64_t wall_ns, uint64_t random);
/* Reports the last attempt of a request to the breakers: c->last. With c->spares_host, not to the host's. */
void call_update_breakers(struct call *c, struct slot *s, int64_t now_ns, int64_t wall_ns,
                          uint64_t random);
/* The attempt was not the last one, or its result is unknown: it is not reported to the breakers. */
void call_count_unjudged(struct call *c, struct slot *s);
/* Both for a whole request. */
void call_count_success(struct slot *s, int64_t wall_ns);
void call_count_outcome(const struct call *c, struct slot *s, const struct verdict *v,
                        int64_t wall_ns);
/* In observe mode, what happened, on a slot that does not decide. The requests of a host are counted when
 * they begin, those of a proxy here. */
void call_show_attempt(const struct call *c, const struct party *party, const struct verdict *v,
                       int64_t duration_ns);
void call_show_outcome(const struct call *c, struct slot *facts, const struct verdict *v,
                       int64_t wall_ns);

/* ---- proxy.c ---- */
/* For an attempt, once c->last is known; and for the request. */
void call_proxy_report(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns);
void call_proxy_end(struct call *c, int64_t wall_ns);

/* ---- place.c: only if c->places is set ---- */
/* The attempt is admitted: c->place, and what the place before it has brought is counted. */
void call_take_place(struct call *c, int64_t now_ns);
/* What the outcome of an attempt at another place means for the request. */
struct verdict call_classify_place(const struct call *c, const struct attempt *a);
/* For an attempt, once c->last is known. */
void call_place_report(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns);
/* No attempt at this place follows. */
void call_judge_place(struct call *c, int64_t now_ns, int64_t wall_ns, uint64_t random);
/* The same, but the result is not known. */
void call_leave_place(struct call *c, int64_t now_ns);
/* call_release_probes, and that of the place. */
void call_release_leases(struct call *c, struct slot *s, int64_t now_ns);
/* For events: its name; NULL: the name's own place. */
static inline const char *call_place_text(const struct call *c, int place,
                                          char name[SLOT_NAME_SIZE])
{
    if (likely(!place))
        return NULL;
    call_put_place(c, place, name, SLOT_NAME_SIZE);
    return name;
}
static inline struct verdict call_classify(const struct call *c, const struct attempt *a)
{
    return unlikely(c->place) ? call_classify_place(c, a) : classify(a, c->policy);
}
/* A place other than this one that would get an attempt now and has had none of this request; -1: none. */
int call_untried_place(struct call *c, int64_t now_ns);

#endif
