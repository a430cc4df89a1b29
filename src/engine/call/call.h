/* SPDX-License-Identifier: MIT
 *
 * One request of the program, from its first attempt to its outcome.
 *
 *     struct call c;
 *     call_begin(&c, &binding, app_timeout_ns, now);         binding: see bind.h
 *     for (;;) {
 *         struct admission ad = call_admit(&c, now);         GO; WAIT until at_ns, then call it again;
 *         ...                                                REFUSE, and why
 *         make the attempt; fill struct attempt
 *         if (!call_report(&c, &attempt, now, wall, random, &at_ns))
 *             break;                                         deliver the result
 *         sleep until at_ns, then admit again: a retry needs a token, too
 *     }
 *     call_end(&c, now, wall);                               exactly once, or call_abandon
 *
 * The engine answers, it does not act: it never sleeps, never sees a CURL * or a socket, and never
 * reads a clock or a random number that was not passed to it. src/curl/easy sleeps,
 * src/curl/multi parks the transfer.
 *
 * Times are nanoseconds: now_ns and at_ns are monotonic, wall_ns counts from 1970. A first attempt
 * may wait up to max_wait, however short max_elapsed is; every later one starts before begun +
 * max_elapsed. None starts so close to the program's own deadline that it could not finish: a wait
 * by the library must not appear as a failure of the host. Callers waiting for a hint to expire each get a
 * different start shortly after it. In observe mode everything is decided and counted (on a slot of its
 * own: bind.h), but the answer is always GO and "deliver".
 *
 * A struct call belongs to one thread at a time; the board behind it is shared. No locks, no
 * allocation, no system call. */
#ifndef ENGINE_CALL_CALL_H
#define ENGINE_CALL_CALL_H

#include "base/events.h"
#include "engine/board/bulkhead.h"
#include "engine/board/pause.h"
#include "engine/call/bind.h"
#include "engine/policy/attempt.h"
#include "engine/policy/classify.h"

#include <stdbool.h>
#include <stdint.h>

enum answer { ANSWER_GO, ANSWER_WAIT, ANSWER_REFUSE };
enum refusal { REFUSED_NOTHING, REFUSED_RATE, REFUSED_PAUSE, REFUSED_BREAKER, REFUSED_CONCURRENCY };

/* Why a failed attempt was not followed by another one. tell.c has their names. */
enum stop {
    STOP_NOTHING,
    STOP_CLASS,  /* such a failure is not repeated, or not again */
    STOP_METHOD, /* such a request is not repeated after that */
    STOP_COMMITTED,
    STOP_HOLD_LIMIT,
    STOP_BODY,
    STOP_ATTEMPTS,
    STOP_HINT, /* longer than retry_after */
    STOP_DEADLINE,
    STOP_PROGRAM_TIMEOUT,
    STOP_BREAKER,
    STOP_BUDGET,
    STOP_RATE,  /* the retry was refused */
    STOP_PAUSE, /* the same */
    STOP_CONCURRENCY,
    STOP_OBSERVE,
    STOP_PROGRAM,     /* it has ended the request, or changed it */
    STOP_NONBLOCKING, /* a connect() that does not block is not repeated */
};

struct admission {
    enum answer answer;
    enum refusal why; /* of WAIT and REFUSE */
    bool by_proxy;    /* REFUSED_BREAKER: by the proxy's breaker, not by the host's */
    int64_t at_ns;    /* WAIT: call again then; REFUSE: when a new request may succeed */
};

struct call {
    struct binding *binding;
    const struct policy *policy;
    struct slot *slot;
    int64_t begun_ns;
    int64_t deadline_ns;     /* no retry and no wait before a retry ends after it */
    int64_t app_deadline_ns; /* the program's own; INT64_MAX: none */
    /* While waiting: when this attempt was first to be admitted. After a retry was decided: when. */
    int64_t wait_from_ns;
    int64_t reserved_ns; /* the start that a WAIT reserved; 0: none */
    int64_t previous_delay_ns;
    int64_t lag_ns; /* observe mode: how far behind the program would be, had it made its waits */
    int64_t waited_ns;  /* so far, for tokens, pauses and back-off */
    int attempts;       /* made so far */
    int missed_starts;  /* reserved starts that the caller came too late for */
    int denied_attempt; /* the attempt after which the budget denied a retry; 0: none */
    uint32_t id;        /* in events; 0: none are wanted */
    bool observe;
    bool cannot_wait; /* set after call_begin: takes tokens, but the answer is never WAIT */
    bool in_loop; /* set after call_begin: it waits in an event loop, where nobody can wake it */
    bool lookup_only; /* set after call_begin: a name look-up, whose success proves no host alive */
    bool slow;        /* the last attempt was a success, but later than slow_after */
    bool late;        /* the last response came too late for the objective of the host */
    bool waiting;
    bool paced;         /* the adaptive rate applies: its lane follows the binding's others */
    bool paced_start;   /* the start that was taken or reserved last has a token of it */
    bool retry_planned; /* a retry was decided and paid for, but is not admitted yet */
    /* The last attempt is not reported to the breakers yet: only if its retry is not made. */
    bool breakers_pending;
    enum reason outage : 8;       /* call_outage of the last attempt, for the breaker */
    enum reason proxy_outage : 8; /* the same for the proxy's */
    /* From here to `result_errno` for events only. */
    enum stop stop : 5; /* after the last attempt */
    enum stop
        stop_at_headers : 5;  /* why call_would_retry() said no: the response is committed then */
    enum refusal refused : 3; /* of the request, not of a retry */
    enum refusal waited_for : 3; /* the last wait */
    bool by_proxy : 1;           /* its circuit has refused */
    uint8_t lane;                /* of the binding, that gave the latest start */
    uint8_t crowded;             /* the limit that has no permit for it */
    uint8_t result_curl;         /* what the program gets, as far as known */
    uint16_t result_http, result_errno;
    /* Of a fallback: bit n stands for place n. 0: the name itself, n: policy->fallback.at[n - 1]. */
    uint8_t places; /* call_begin: all; to be reduced after it to those that can be reached */
    uint8_t tried_places;
    uint8_t barred_places;        /* of these: call_place_is_barred */
    uint8_t place;                /* of this attempt, after GO */
    enum reason place_outage : 8; /* as `outage`, at this place */
    bool place_pending : 1;       /* the result of this place is not counted yet */
    bool falls_back : 1;       /* an attempt went to another place; in observe mode: would have */
    bool spares_host : 1;      /* the failure is that of a place, while others are not tried */
    struct verdict place_last; /* the last attempt's, as far as it concerns the place */
    int64_t place_lease_ns;    /* of the probe of its breaker */
    int64_t wall_ns;           /* of the last attempt's report */
    uint8_t turn_at;           /* the limit at which it has its turn, + 1; 0: at none */
    uint64_t mark;             /* of its permits (bulkhead.h); 0: it has neither these nor a turn */
    int64_t lease_ns;          /* of the breaker's probe, if the attempt is one; 0: it is not */
    int64_t proxy_lease_ns;    /* the same for the proxy's breaker */
    uint64_t random;           /* of the last attempt's report */
    struct verdict last;       /* of the last attempt */
    struct verdict proxy_last; /* the same, as far as it concerns the proxy */
    uint64_t last_error;       /* the last attempt's, as last_error_pack returns it */
    const char *method;        /* set after call_begin if `id` is set; NULL: not known */
    int64_t counted_ns;        /* while waiting: until when that is in the counters */
    struct bulkhead_turn turn; /* with turn_at */
};

/* app_timeout_ns: the program's timeout for the whole request; 0: none. Refreshes the binding. */
void call_begin(struct call *c, struct binding *b, int64_t app_timeout_ns, int64_t now_ns);
/* Sets the program's timeout later, if it is expensive to find out. 0: none. */
void call_set_timeout(struct call *c, int64_t app_timeout_ns);
/* If the caller comes too early, the answer is WAIT again; at the reserved time it is GO at no
 * further cost. A caller that comes later than the burst covers (it was stopped or frozen) has
 * lost its start and gets a new one, or is refused; otherwise all callers that were stopped
 * together would start together. A caller that loses its start a second time (an event loop
 * that seldom runs) reserves no more and gets what is free when it calls. */
struct admission call_admit(struct call *c, int64_t now_ns);
/* At the end of a header block: would an attempt that ends like this be retried? Takes nothing,
 * and counts only a denial by the budget. attempt->replayable means "as far as known". */
bool call_would_retry(struct call *c, const struct attempt *a, int64_t now_ns);
/* Whether a success now would change nothing but counters: no status, no breaker, no event. */
bool call_expects_success(const struct call *c, int64_t now_ns);
/* An attempt ended. True: retry at *at_ns; the budget is charged, and refunded if the retry is
 * not admitted. False: deliver. */
bool call_report(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns,
                 uint64_t random, int64_t *at_ns);
/* The same for an attempt that a timeout of the library cut short: the program gets the result of the
 * attempt before it, and the request is judged by that one. */
bool call_report_cut(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns,
                     uint64_t random, int64_t *at_ns);
/* With ANSWER_GO, and later in events: where the attempt goes. 0: to the name's own address, n:
 * policy->fallback.at[n - 1]. */
static inline int call_place(const struct call *c)
{
    return c->place;
}
/* The attempt, admitted to another place, goes to the name's own after all. */
void call_stay(struct call *c, int64_t now_ns);
/* Whether an attempt that started now would take something that others may wait for: a token of a rate or of
 * the adaptive one while it is in force, or a permit. */
bool call_is_limited(const struct call *c, int64_t now_ns);
/* Whether an attempt at another place failed because this machine or the proxy lets nothing through to that
 * place. The program has not asked for it: it gets the result of the attempt before. */
bool call_place_is_barred(const struct call *c, const struct attempt *a);
/* Where the next attempt would go if it was admitted now. */
int call_next_place(struct call *c, int64_t now_ns);
/* "backup.example.com:443", "[2001:db8::7]"; for 0 "itself". Like snprintf(). */
int call_put_place(const struct call *c, int place, char *out, size_t size);
/* The result that the program gets, if it is not that of the last attempt. Needed if `id` is set. */
static inline void call_set_result(struct call *c, int curl, int os_errno)
{
    c->result_curl = (uint8_t)curl;
    c->result_errno = (uint16_t)os_errno;
}
/* The request is over: after its last attempt, a refusal, or an abort by the program. */
void call_end(struct call *c, int64_t now_ns, int64_t wall_ns);
/* The longest pause that makes the call wait or be refused, and who asked for it: the name of the host or
 * the proxy. cause->line "": not known, or no pause. */
const char *call_pause_cause(const struct call *c, int64_t now_ns, struct pause_shown *cause);
/* After WAIT because of REFUSED_CONCURRENCY: what the caller may sleep on until at_ns (bell.h). */
_Atomic uint32_t *call_bell(const struct call *c, uint32_t *value);
/* The permit of the first limit, for whoever must give it back without the call. */
struct call_permit {
    struct slot *slot; /* with key: where it is */
    uint64_t key;
    _Atomic uint64_t *permit;
    uint64_t mark; /* 0: there is none */
};
struct call_permit call_permit(const struct call *c);
void call_permit_give_back(const struct call_permit *p, int64_t now_ns);
/* The setting that made call_admit() refuse it, for texts; false: none, it was the program's timeout. */
bool call_refusal_setting(const struct call *c, enum refusal why, struct event_setting *s);
/* The permits of a call whose frame is gone: it waits for none any more. No effect if it has none, or in the child
 * of a fork. */
void call_give_back_permits(struct call *c, int64_t now_ns);
/* The request vanished (exception, cancelled thread): gives back what was taken and leased. */
void call_abandon(struct call *c, int64_t now_ns);

#endif
