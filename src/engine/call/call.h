/* SPDX-License-Identifier: MIT
 *
 * One request of the program, from its first attempt to its outcome. The engine answers, it does
 * not act: it never sleeps, never sees a CURL * or a socket, never reads a clock or a random number
 * that was not handed to it. The easy driver sleeps what it says, the multi driver parks it.
 *
 *     struct binding b = {0};                      kept per handle, bound again when stale
 *     call_bind(&b, config, board, &target, &parts, now);
 *     struct call c;
 *     call_begin(&c, &b, app_timeout_ns, now);
 *     for (;;) {
 *         struct admission ad = call_admit(&c, now);     GO, WAIT until at_ns (then ask again),
 *         ...                                            REFUSE why
 *         make the attempt; fill struct attempt
 *         if (!call_report(&c, &attempt, now, wall, random, &at_ns))
 *             break;                                     deliver
 *         sleep until at_ns, then admit again: a retry pays too
 *     }
 *     call_end(&c, now, wall);                           exactly once
 *
 * Who waits for the end of a server's hint is told a start some way after it, each another one.
 *
 * A first attempt may wait up to max_wait, however short max_elapsed is; whatever comes later begins
 * before begun + max_elapsed. Neither begins so close to the program's own bound that it could not
 * end well: a wait of ours must not become the host's failure.
 *
 * In observe mode everything is decided and counted, but the answer is GO and "deliver".
 * A struct call belongs to one thread at a time; the board behind it is shared. No locks, no
 * allocation, no system call. */
#ifndef ENGINE_CALL_CALL_H
#define ENGINE_CALL_CALL_H

#include "engine/call/bind.h"
#include "engine/policy/attempt.h"
#include "engine/policy/classify.h"

#include <stdbool.h>
#include <stdint.h>

enum answer { ANSWER_GO, ANSWER_WAIT, ANSWER_REFUSE };
enum refusal { REFUSED_NOTHING, REFUSED_RATE, REFUSED_PAUSE, REFUSED_BREAKER };

struct admission {
    enum answer answer;
    enum refusal why; /* of WAIT and REFUSE */
    bool by_proxy;    /* REFUSED_BREAKER: the proxy's circuit, not the host's */
    int64_t at_ns;    /* WAIT: until then; REFUSE: when it may be worth a try */
};

struct call {
    struct binding *binding;
    const struct policy *policy;
    struct slot *slot;
    int64_t begun_ns;
    int64_t deadline_ns;     /* no retry and no wait before one ends after it */
    int64_t app_deadline_ns; /* the program's own bound; INT64_MAX: none */
    int64_t asked_ns;        /* while waiting: when this attempt first asked */
    int64_t reserved_ns;     /* start that was reserved by a WAIT; 0: none */
    int64_t previous_delay_ns;
    int attempts; /* made so far */
    bool observe;
    bool cannot_wait; /* set after call_begin: tokens are taken, and no wait is ever asked for */
    bool
        lookup_only; /* set after call_begin: its name is looked up, which is no proof of the host */
    bool waiting;
    int missed_starts;         /* came too late for a start that was reserved */
    int denied;                /* the attempt after which the budget allowed no retry; 0: none */
    bool planned;              /* a retry was decided and paid for, but not admitted yet */
    int64_t lease_ns;          /* of the breaker's probe that this attempt is; 0: it is none */
    int64_t proxy_lease_ns;    /* the same, of the proxy's breaker */
    bool breakers_pending;     /* no breaker has been told of the last attempt, as it is not the
                                     last one of the request if its retry is made */
    enum reason outage;        /* what the last attempt tells them, if it failed: call_outage */
    enum reason proxy_outage;  /* the same, of the proxy */
    uint64_t random;           /* of it */
    struct verdict last;       /* of the last attempt */
    struct verdict proxy_last; /* what it says about the proxy */
    uint64_t last_error;       /* of it, as on the board: last_error_pack */
};

/* app_timeout_ns: the program's own bound over the whole request; 0: none. Binds again what was
 * given to another key since binding_is_current. */
void call_begin(struct call *c, struct binding *b, int64_t app_timeout_ns, int64_t now_ns);
/* The program's own bound, where asking for it costs something and is done only now. As in
 * call_begin. */
void call_set_timeout(struct call *c, int64_t app_timeout_ns);
/* Asked early, it says WAIT again; asked at the reserved time, GO at no further cost. Whoever comes
 * much later than that (stopped, frozen), and later than the burst covers, has lost its place and
 * gets a new one, or is refused: all that were stopped together would else start together. Who loses
 * its place a second time (a loop that seldom turns) reserves no more: it gets what is free when it
 * comes. */
struct admission call_admit(struct call *c, int64_t now_ns);
/* At the end of a header block: would an attempt that ends like this be made again? Takes nothing,
 * and counts only what the budget denies. attempt->replayable here means "as far as is known". */
bool call_would_retry(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns);
/* Whether a good attempt now would change nothing but counters: no state, so nothing to be told. */
bool call_expects_success(const struct call *c, int64_t now_ns);
/* An attempt ended. True: again at *at_ns; the retry's budget is taken, and given back if it is not
 * admitted then. False: deliver. */
bool call_report(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns,
                 uint64_t random, int64_t *at_ns);
/* The same of an attempt that a bound of ours cut short: the program gets what the attempt before it
 * brought, and that stays what the request is judged by. */
bool call_report_cut(struct call *c, const struct attempt *a, int64_t now_ns, int64_t wall_ns,
                     uint64_t random, int64_t *at_ns);
/* The request is over: by its last attempt, or by a refusal or an abort of the program. */
void call_end(struct call *c, int64_t now_ns, int64_t wall_ns);
/* The request vanished under us (exception, thread cancelled): give back what was leased. */
void call_abandon(struct call *c, int64_t now_ns);

#endif
