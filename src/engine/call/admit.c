/* SPDX-License-Identifier: MIT
 *
 * Whether an attempt may start now, later, or not at all: pause, circuit, and a token of each bucket. */
#include "engine/call/private.h"

#include "base/minmax.h"
#include "base/precondition.h"
#include "base/sizes.h"
#include "engine/board/gcra.h"

/* When to try again if other processes keep changing the same buckets. */
#define CROWDED_NS NS_PER_MS
static int64_t latest_wait(const struct call *c)
{
    int64_t latest = later_by(c->wait_from_ns, c->policy->max_wait_ns);
    int64_t deadline = c->attempts ? c->deadline_ns : c->app_deadline_ns;
    return smaller(latest, later_by(deadline - CALL_ROOM_NS, c->lag_ns));
}

static int64_t latest_start(const struct call *c, int64_t now_ns)
{
    if (c->policy->on_limit == ON_LIMIT_FAIL)
        return now_ns;
    return c->cannot_wait ? INT64_MAX : latest_wait(c);
}

/* Of a wait for a token or a pause, and of one for a permit. */
static enum counter waited_ns_of(enum refusal why)
{
    return why == REFUSED_CONCURRENCY ? COUNT_CONCURRENCY_WAITED_NS : COUNT_WAITED_NS;
}

static enum counter rejected_of(enum refusal why)
{
    return why == REFUSED_BREAKER       ? COUNT_BREAKER_REJECTED
           : why == REFUSED_CONCURRENCY ? COUNT_CONCURRENCY_REJECTED
                                        : COUNT_RATE_REJECTED;
}

static void count_wait(struct call *c, struct slot *s, int64_t now_ns)
{
    if (now_ns > c->counted_ns) {
        slot_count(s, waited_ns_of(c->waited_for), (uint64_t)(now_ns - c->counted_ns));
        c->waited_ns += c->observe ? 0 : now_ns - c->counted_ns;
        c->counted_ns = now_ns;
    }
}

void call_wait_over(struct call *c, struct slot *s, int64_t now_ns)
{
    count_wait(c, s, now_ns);
    c->waiting = false;
    if (c->turn_at)
        call_leave_turn(c, now_ns);
}

static struct admission admit_now(struct call *c, struct slot *s, int64_t now_ns)
{
    if (unlikely(c->waiting))
        call_wait_over(c, s, now_ns);
    if (unlikely(c->retry_planned)) {
        call_retry_made(c, s);
        call_count_unjudged(c, s);
    }
    return (struct admission){.answer = ANSWER_GO};
}

static void note_refusal(const struct call *c, struct slot *s, const char *by, enum refusal why,
                         int64_t at_ns, int64_t now_ns, bool observed)
{
    slot_count(s, rejected_of(why), 1);
    if (call_tells(EVENT_REJECT))
        call_tell_delay(c, &(struct delay){EVENT_REJECT, by, why, at_ns, now_ns, observed});
}

static struct admission refusal(enum refusal why, int64_t at_ns)
{
    return (struct admission){.answer = ANSWER_REFUSE, .why = why, .at_ns = at_ns};
}

/* What a refusal means, once it is decided. Deciding needs stack, and so does the event: not both at
 * once, because a coroutine or a signal handler of the program has little. A refusal by the proxy's
 * breaker is counted as a rejected request of the host; the proxy's own counter shows why. */
static __attribute__((noinline)) void refuse_start(struct call *c, struct slot *s,
                                                   struct admission *ad, int64_t now_ns)
{
    const struct binding *b = c->binding;
    c->by_proxy = ad->by_proxy;
    note_refusal(c, s, ad->by_proxy ? b->proxy_name : b->name, ad->why, ad->at_ns, now_ns,
                 c->observe);
    if (c->waiting)
        call_wait_over(c, s, now_ns);
    if (c->observe) {
        *ad = (struct admission){.answer = ANSWER_GO};
        return;
    }
    if (c->retry_planned)
        call_retry_dropped(c, s);
    c->reserved_ns = 0;
    if (!c->attempts)
        c->refused = ad->why;
    else
        c->stop = ad->why == REFUSED_BREAKER       ? STOP_BREAKER
                  : ad->why == REFUSED_PAUSE       ? STOP_PAUSE
                  : ad->why == REFUSED_CONCURRENCY ? STOP_CONCURRENCY
                                                   : STOP_RATE;
}

/* In observe mode the whole wait is counted, but not made: the program runs ahead of the time at which it
 * would be. */
static struct admission wait_until(struct call *c, struct slot *s, enum refusal why, int64_t t_ns,
                                   int64_t now_ns)
{
    if (c->cannot_wait) {
        c->reserved_ns = 0;
        return admit_now(c, s, now_ns);
    }
    bool is_other = c->waiting && waited_ns_of(why) != waited_ns_of(c->waited_for);
    if (is_other)
        count_wait(c, s, now_ns);
    if (!c->waiting || is_other) {
        if (!c->waiting)
            c->wait_from_ns = now_ns;
        c->waiting = true;
        c->counted_ns = now_ns;
        slot_count(s, why == REFUSED_CONCURRENCY ? COUNT_CONCURRENCY_WAITED : COUNT_WAITED, 1);
        c->waited_for = why;
        if (call_tells(EVENT_WAIT))
            call_tell_delay(
                c, &(struct delay){EVENT_WAIT, c->binding->name, why, t_ns, now_ns, c->observe});
    }
    if (c->observe) {
        c->reserved_ns = 0;
        call_add_lag(c, t_ns - now_ns);
        return admit_now(c, s, t_ns);
    }
    return (struct admission){.answer = ANSWER_WAIT, .why = why, .at_ns = t_ns};
}

/* The cases that take_start does not handle itself: a pause, a reserved start, several rates, or
 * no token. */
static __attribute__((noinline)) struct admission decide_start(struct call *c, struct slot *s,
                                                               bool paused, int64_t now_ns)
{
    if (!c->waiting)
        c->wait_from_ns = now_ns;
    int64_t latest = latest_start(c, now_ns);
    bool may_reserve = true;
    int64_t pause_ns = 0;
    if (paused &&
        (pause_ns = call_paused_until(c, s, latest - c->lag_ns, now_ns - c->lag_ns, &may_reserve)))
        pause_ns += c->lag_ns;
    if (c->reserved_ns) {
        if (pause_ns <= c->reserved_ns && now_ns < c->reserved_ns)
            return wait_until(c, s, REFUSED_RATE, c->reserved_ns, now_ns);
        bool late = call_missed_start(c, now_ns);
        if (!pause_ns && !late && call_pace_reserved(c, CALL_LATE_NS, now_ns)) {
            if (unlikely(c->reserved_ns > now_ns))
                return wait_until(c, s, REFUSED_RATE, c->reserved_ns, now_ns);
            c->reserved_ns = 0;
            return admit_now(c, s, now_ns);
        }
        c->reserved_ns = 0;
        c->missed_starts += late;
        /* A pause began in the meantime, after which this call gets a new start, like all others.
         * Or the reserved start was missed, and its tokens are lost. */
    }
    if (!may_reserve && c->cannot_wait)
        pause_ns = 0;
    if (!may_reserve && pause_ns > now_ns && pause_ns <= latest)
        return wait_until(c, s, REFUSED_PAUSE, pause_ns, now_ns);
    int64_t from = larger(pause_ns, now_ns), t = from, again_ns;
    for (int round = 0, paced = c->paced; round < ADMIT_ROUNDS; round++) {
        c->paced = paced;
        t = call_earliest_start(c, now_ns, from);
        enum refusal why = t > from ? REFUSED_RATE : REFUSED_PAUSE;
        if (t > now_ns && t > latest)
            return refusal(from > latest ? REFUSED_PAUSE : why, t);
        if (t > now_ns && c->missed_starts > 1)
            return wait_until(c, s, why, t, now_ns);
        if (unlikely(c->paced) && (again_ns = call_pace_again_ns(c, from, t, now_ns)))
            return wait_until(c, s, why, smaller(again_ns, latest), now_ns);
        if (!call_take_tokens(c, now_ns, t))
            continue;
        c->paced_start = c->paced;
        if (t <= now_ns)
            return admit_now(c, s, now_ns);
        c->reserved_ns = t;
        return wait_until(c, s, why, t, now_ns);
    }
    t = t > now_ns ? t : now_ns + CROWDED_NS;
    return t > latest ? refusal(REFUSED_RATE, t) : wait_until(c, s, REFUSED_RATE, t, now_ns);
}

static inline struct admission take_start_slowly(struct call *c, struct slot *s, bool paused,
                                                 int64_t now_ns)
{
    struct admission ad = decide_start(c, s, paused, now_ns);
    if (ad.answer == ANSWER_REFUSE)
        refuse_start(c, s, &ad, now_ns);
    if (unlikely(c->mark) && ad.answer != ANSWER_GO)
        call_give_back_permits(c, now_ns);
    return ad;
}

/* No permit: it waits for one, or is refused. */
static __attribute__((noinline)) struct admission wait_for_permit(struct call *c, struct slot *s,
                                                                  int64_t now_ns)
{
    if (!c->waiting)
        c->wait_from_ns = now_ns;
    int64_t latest = c->policy->on_concurrency == ON_LIMIT_FAIL ? now_ns : latest_wait(c);
    if (now_ns >= latest) {
        struct admission ad = refusal(REFUSED_CONCURRENCY, now_ns);
        refuse_start(c, s, &ad, now_ns);
        return ad;
    }
    struct admission ad = wait_until(c, s, REFUSED_CONCURRENCY, latest, now_ns);
    ad.at_ns = smaller(call_next_look(c, now_ns), latest);
    return ad;
}

/* A permit before the tokens: a call that waits for a permit would else pay for starts that it does not make. A
 * call that has paid for its start keeps that while it waits, as long as others do. True: it has its permits, or
 * needs none. */
static __attribute__((noinline)) bool pass_bulkheads(struct call *c, struct slot *s, int64_t now_ns,
                                                     struct admission *ad)
{
    bool fails = c->policy->on_concurrency == ON_LIMIT_FAIL;
    if (c->reserved_ns > now_ns || (c->cannot_wait && !fails))
        return true;
    if (call_take_permits(c, !fails, now_ns)) {
        if (c->cannot_wait) /* it is not known when its connection ends */
            call_give_back_permits(c, now_ns);
        return true;
    }
    *ad = wait_for_permit(c, s, now_ns);
    if (ad->answer == ANSWER_REFUSE && !c->observe)
        call_give_back_permits(c, now_ns); /* its turn */
    return false;
}

static inline __attribute__((always_inline)) struct admission
take_start(struct call *c, struct slot *s, unsigned special, int64_t now_ns)
{
    const struct binding *b = c->binding;
    bool paused = call_may_be_paused(c, s, special, now_ns);
    if (likely(!paused && !c->reserved_ns && !(special && c->paced))) {
        if (!b->lane_count)
            return admit_now(c, s, now_ns);
        if (b->lane_count == 1) {
            int64_t before, after;
            if (gcra_take(b->lane[0].tat, now_ns, now_ns, &b->lane[0].rate, c->policy->cost,
                          &before, &after) == now_ns)
                return admit_now(c, s, now_ns);
        }
    }
    return take_start_slowly(c, s, paused, now_ns);
}

/* breaker = observe. What is not refused is not counted as refused, but with what mode = observe counts,
 * whose slot an enforcing program has not bound. */
static __attribute__((noinline)) void note_unenforced(const struct call *c, struct slot *s,
                                                      const struct party *party, int64_t at_ns,
                                                      int64_t now_ns)
{
    struct board *b = c->binding->board;
    uint64_t key = atomic_load_explicit(&s->key, memory_order_relaxed);
    struct slot *o =
        c->observe || call_is_overflow(c, s)
            ? s
            : board_slot(b, board_observed_key(key), c->binding->name, SLOT_OBSERVED, now_ns);
    if (o != board_overflow(b))
        slot_count(o, COUNT_BREAKER_REJECTED, 1);
    if (call_tells(EVENT_REJECT))
        call_tell_delay(
            c, &(struct delay){EVENT_REJECT, party->name, REFUSED_BREAKER, at_ns, now_ns, true});
}

/* True: admitted by this breaker. False: refused until *retry_at_ns. */
static __attribute__((noinline)) bool pass_breaker(struct call *c, struct slot *s,
                                                   const struct party *party, int64_t now_ns,
                                                   int64_t *retry_at_ns)
{
    if (likely(breaker_is_calm(&party->slot->breaker)) || !call_breaker_used(c, party)) {
        *call_probe_lease(c, party) = 0;
        return true;
    }
    struct breaker_answer a = breaker_admit(&party->slot->breaker, party->policy, party->operation,
                                            *call_probe_lease(c, party), now_ns);
    if (unlikely(a.changed))
        call_announce_breaker(c, party, now_ns);
    *call_probe_lease(c, party) = a.lease_ns;
    if (likely(a.admit))
        return true;
    bool enforced = party->policy->breaker == BREAKER_ON;
    if (party->is_proxy && enforced)
        slot_count(party->slot, COUNT_BREAKER_REJECTED, 1);
    if (!enforced && !c->waiting)
        note_unenforced(c, s, party, a.retry_at_ns, now_ns);
    *retry_at_ns = a.retry_at_ns;
    return !enforced;
}

/* The breakers of the host and its proxy. False: *ad is the refusal. */
static __attribute__((noinline)) bool ask_breakers(struct call *c, struct slot *s, int64_t now_ns,
                                                   struct admission *ad)
{
    struct party party = call_host_party(c, s);
    int64_t retry_at_ns;
    if (pass_breaker(c, s, &party, now_ns, &retry_at_ns) &&
        (!call_proxy_party(c, &party) || pass_breaker(c, s, &party, now_ns, &retry_at_ns)))
        return true;
    *ad = refusal(REFUSED_BREAKER, retry_at_ns);
    ad->by_proxy = party.is_proxy;
    return false;
}

static inline bool pass_breakers(struct call *c, struct slot *s, int64_t now_ns,
                                 struct admission *ad)
{
    bool pass = ask_breakers(c, s, now_ns, ad);
    if (!pass)
        refuse_start(c, s, ad, now_ns);
    return pass;
}

/* How long the wait would be is not known: until some other request ends. */
static struct admission observe_crowd(struct call *c, struct slot *s, int64_t now_ns)
{
    struct admission ad = refusal(REFUSED_CONCURRENCY, now_ns);
    if (c->policy->on_concurrency == ON_LIMIT_WAIT)
        return wait_until(c, s, REFUSED_CONCURRENCY, now_ns, now_ns);
    refuse_start(c, s, &ad, now_ns);
    return ad;
}

/* Limits and pauses are decided at the time at which the program would be. */
static __attribute__((noinline)) struct admission admit_observed(struct call *c, struct slot *s,
                                                                 int64_t now_ns)
{
    struct admission ad = {.answer = ANSWER_GO};
    if (call_observes_nothing(c, s) || !pass_breakers(c, s, now_ns, &ad))
        return ad;
    ad = take_start_slowly(c, s, call_may_be_paused(c, s, true, now_ns),
                           later_by(now_ns, c->lag_ns));
    if (c->binding->bulkheads && !call_take_permits(c, false, now_ns))
        ad = observe_crowd(c, s, now_ns);
    if (c->places)
        call_take_place(c, now_ns);
    return ad;
}

HOT struct admission call_admit(struct call *c, int64_t now_ns)
{
    precondition(c->binding);
    struct slot *s = call_slot(c);
    if (unlikely(c->attempts)) { /* the previous attempt may have taken long */
        binding_refresh(c->binding, now_ns);
        call_back_off_over(c, now_ns);
    }
    const unsigned special = c->binding->special;
    if (likely(breaker_is_calm(&s->breaker))) {
        if (likely(!special) ||
            (likely(special == SPECIAL_BULKHEAD) && likely(call_take_permit_at_once(c)))) {
            c->lease_ns = 0;
            return take_start(c, s, false, now_ns);
        }
    }
    struct admission ad;
    if (special & SPECIAL_ADAPTIVE)
        call_use_adaptive_rate(c, s, now_ns);
    if (c->observe)
        return admit_observed(c, s, now_ns);
    if (pass_breakers(c, s, now_ns, &ad) &&
        (!c->binding->bulkheads || pass_bulkheads(c, s, now_ns, &ad))) {
        ad = take_start(c, s, true, now_ns);
    }
    if (c->places && ad.answer == ANSWER_GO)
        call_take_place(c, now_ns);
    /* A caller that waits or is refused must not keep others from probing. If a failed probe's
     * retry is refused, call_end reports the failure to the breaker. */
    if (ad.answer == ANSWER_WAIT || (ad.answer == ANSWER_REFUSE && !c->breakers_pending))
        call_release_leases(c, s, now_ns);
    return ad;
}
