/* SPDX-License-Identifier: MIT
 *
 * The attempts of one member: starts them when they are due, judges their results, and delivers the
 * response. */
#include "curl/multi/private.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "curl/refusal.h"
#include "engine/publish/monitor.h"

#include <unistd.h>

/* ---- the end of a transfer ------------------------------------------------------------------ */

static void end_transfer(struct member *x, CURLcode r)
{
    struct transfer *t = x->shadow->transfer;
    int64_t now_ns = clock_now_ns();
    transfer_end(t, r, now_ns);
    transfer_leave(t);
    x->state = MEMBER_DONE;
    x->message =
        (CURLMsg){.msg = CURLMSG_DONE, .easy_handle = x->shadow->handle, .data = {.result = r}};
    messages_put(x->multi, &x->message);
    monitor_update(now_ns);
}

/* Gives the program what the gate still holds, now or once it has unpaused. */
static void deliver_and_end(struct member *x, CURLcode r)
{
    struct transfer *t = x->shadow->transfer;
    member_park(x, MEMBER_DELIVERING, t->app_deadline_ns); /* in case a callback throws */
    x->result = r;
    t->paused = true;
    size_t left;
    {
        struct multi *m __attribute__((cleanup(multi_callback_leave), unused)) =
            multi_callback_enter(x);
        left = gate_deliver(&t->gate);
    }
    if (left == CURL_WRITEFUNC_PAUSE) {
        if (!t->paused) /* it has unpaused already */
            member_park(x, MEMBER_DELIVERING, clock_now_ns());
        return;
    }
    member_unpark(x);
    if (left && r == CURLE_OK)
        r = transfer_write_failed(t);
    end_transfer(x, r);
}

static void discard_and_end(struct member *x, CURLcode r)
{
    gate_discard(&x->shadow->transfer->gate);
    end_transfer(x, r);
}

/* For a handle without a transfer of ours. */
static void end_unmanaged(struct member *x, CURLcode r)
{
    x->state = MEMBER_DONE;
    x->message = (CURLMsg){.msg = CURLMSG_DONE, .easy_handle = x->handle, .data = {.result = r}};
    messages_put(x->multi, &x->message);
}

static void end_refusal(struct member *x)
{
    x->refused = false;
    refusal_restore_url(x->shadow);
    end_transfer(x, x->cancelled ? transfer_aborted(x->shadow->transfer)
                                 : refusal_result(x->shadow, &x->refusal, clock_now_ns()));
}

void member_withdraw(struct member *x)
{
    struct transfer *t = x->shadow ? x->shadow->transfer : NULL;
    if (!t)
        return;
    connections_release(x);
    if (x->refused)
        refusal_restore_url(x->shadow);
    if (x->multi->pid != getpid()) { /* the parent process counts it */
        t->ended = true;
        transfer_leave(t);
        return;
    }
    if (!x->refused && x->state == MEMBER_RUNNING) {
        struct attempt a;
        int64_t at_ns;
        t->reset = true; /* no other attempt follows */
        CURLcode r = transfer_end_attempt(t, &a, CURLE_ABORTED_BY_CALLBACK);
        transfer_decide_retry(t, &a, &r, &at_ns);
    }
    x->state = MEMBER_DONE;
    transfer_end(t, CURLE_ABORTED_BY_CALLBACK, clock_now_ns());
    transfer_leave(t);
}

/* ---- the next step of a member that is due -------------------------------------------------- */

static CURLcode code_of(CURLMcode r)
{
    switch (r) {
    case CURLM_OUT_OF_MEMORY:
        return CURLE_OUT_OF_MEMORY;
    case CURLM_ABORTED_BY_CALLBACK:
        return CURLE_ABORTED_BY_CALLBACK;
    default:
        return CURLE_FAILED_INIT;
    }
}

/* libcurl did not accept the handle: the transfer ends with that error. */
static void end_not_added(struct member *x, CURLMcode code)
{
    struct transfer *t = x->shadow->transfer;
    struct attempt a;
    int64_t at_ns;
    connections_release(x);
    if (x->refused) {
        end_refusal(x);
        return;
    }
    t->reset = true; /* no other attempt follows */
    CURLcode r = transfer_end_attempt(t, &a, code_of(code));
    transfer_decide_retry(t, &a, &r, &at_ns);
    discard_and_end(x, r);
}

static void run_in_libcurl(struct member *x)
{
    x->state = MEMBER_RUNNING;
    connections_take(x);
    CURLMcode r = member_add_to_libcurl(x);
    if (unlikely(r))
        end_not_added(x, r);
}

/* Resets every CURLINFO before a refusal, see refusal.h. Takes one more turn. */
static void run_empty_attempt(struct member *x)
{
    x->refused = true;
    refusal_set_empty_url(x->shadow);
    run_in_libcurl(x);
}

static void end_cancelled(struct member *x)
{
    x->cancelled = true;
    if (x->shadow->transfer->call.attempts)
        discard_and_end(x, transfer_aborted(x->shadow->transfer));
    else
        run_empty_attempt(x);
}

static void try_attempt(struct member *x, int64_t now_ns)
{
    struct transfer *t = x->shadow->transfer;
    if (now_ns < t->app_deadline_ns && !connections_has_room(x, now_ns)) {
        member_park(x, MEMBER_PARKED, t->app_deadline_ns);
        x->queue = QUEUE_CONNECTION;
        return;
    }
    struct admission ad = call_admit(&t->call, now_ns);
    if (ad.answer == ANSWER_WAIT) {
        member_park(x, MEMBER_PARKED, ad.at_ns);
        x->queue = ad.why == REFUSED_CONCURRENCY ? QUEUE_PERMIT : QUEUE_NONE;
        x->multi->may_have_room |= 1 << QUEUE_CONNECTION; /* for a member to another host */
    } else if (ad.answer == ANSWER_GO) {
        gate_keep_attempt(&t->gate);
        transfer_begin_attempt(t, now_ns);
        run_in_libcurl(x);
    } else if (t->call.attempts) {
        deliver_and_end(x, x->result);
    } else {
        x->refusal = ad;
        run_empty_attempt(x);
    }
}

/* The program has paused it: nothing happens before it unpauses or its timeout expires. */
static void wait_while_paused(struct member *x, int64_t now_ns)
{
    struct transfer *t = x->shadow->transfer;
    x->paused_past_due = true;
    if (now_ns < t->app_deadline_ns)
        member_park(x, x->state, t->app_deadline_ns);
    else
        discard_and_end(
            x, transfer_failed(t, CURLE_OPERATION_TIMEDOUT, "Operation timed out while paused"));
}

static void begin_transfer(struct member *x, int64_t now_ns)
{
    if (transfer_begin(x->shadow, BY_MULTI, now_ns)) {
        x->state = MEMBER_PARKED;
        return;
    }
    x->state = MEMBER_UNMANAGED;
    CURLMcode r = member_add_to_libcurl(x);
    if (unlikely(r))
        end_unmanaged(x, code_of(r));
}

/* A callback of the multi handle failed. libcurl does not call the program after that either. */
static void end_aborted(struct member *x)
{
    if (x->state == MEMBER_ADDED)
        end_unmanaged(x, CURLE_ABORTED_BY_CALLBACK);
    else
        discard_and_end(x, CURLE_ABORTED_BY_CALLBACK);
}

/* No further attempt: its options were reset, or the loop turned only after the deadline. */
static bool is_too_late(const struct transfer *t, int64_t now_ns)
{
    return t->call.attempts && (t->reset || now_ns > t->call.deadline_ns);
}

void member_step(struct member *x, int64_t now_ns)
{
    if (unlikely(x->multi->aborted)) {
        end_aborted(x);
        return;
    }
    if (x->state == MEMBER_ADDED)
        begin_transfer(x, now_ns);
    struct transfer *t = x->shadow->transfer;
    if (!t)
        return;
    if (unlikely(x->cancelled))
        end_cancelled(x);
    else if (unlikely(t->paused))
        wait_while_paused(x, now_ns);
    else if (x->state == MEMBER_DELIVERING || is_too_late(t, now_ns))
        deliver_and_end(x, x->result);
    else
        try_attempt(x, now_ns);
}

/* ---- the end of an attempt ------------------------------------------------------------------ */

/* Rewinding the request body may call the program. */
static bool decide_retry(struct member *x, struct attempt *a, CURLcode *r, int64_t *at_ns)
{
    struct multi *m __attribute__((cleanup(multi_callback_leave), unused)) =
        multi_callback_enter(x);
    return transfer_decide_retry(x->shadow->transfer, a, r, at_ns);
}

void member_conclude(struct member *x, CURLcode r)
{
    struct transfer *t = x->shadow->transfer;
    struct attempt a;
    int64_t at_ns = 0;
    connections_release(x);
    if (unlikely(x->refused)) {
        end_refusal(x);
        return;
    }
    t->reset |= x->multi->aborted; /* no other attempt follows */
    r = transfer_end_attempt(t, &a, r);
    connections_note_version(x);
    if (decide_retry(x, &a, &r, &at_ns)) {
        x->result = r;
        member_remove_from_libcurl(x, true);
        member_park(x, MEMBER_PARKED, at_ns);
    } else {
        deliver_and_end(x, r);
    }
}
