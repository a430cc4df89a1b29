/* SPDX-License-Identifier: MIT
 *
 * A turn of the program's loop: what is due starts, libcurl works, and what it has to say is taken
 * before the program can see it. */
#include "curl/multi/private.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "curl/refusal.h"
#include "engine/publish/monitor.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

/* ---- the end of a transfer ------------------------------------------------------------------ */

static void over(struct member *x, CURLcode r)
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

/* What is still held goes to the program, now or when it has unpaused. */
static void deliver(struct member *x, CURLcode r)
{
    struct transfer *t = x->shadow->transfer;
    multi_park(x, MEMBER_HELD, t->app_deadline_ns); /* in case a callback throws */
    x->result = r;
    t->paused = true;
    size_t left;
    {
        struct multi *m __attribute__((cleanup(multi_called_out), unused)) = multi_calls_out(x);
        left = gate_deliver(&t->gate);
    }
    if (left == CURL_WRITEFUNC_PAUSE) {
        if (!t->paused) /* and has unpaused already */
            multi_park(x, MEMBER_HELD, clock_now_ns());
        return;
    }
    multi_unpark(x);
    if (left && r == CURLE_OK)
        r = transfer_refused(t);
    over(x, r);
}

static void discard(struct member *x, CURLcode r)
{
    gate_discard(&x->shadow->transfer->gate);
    over(x, r);
}

void multi_withdraw(struct member *x)
{
    struct transfer *t = x->shadow ? x->shadow->transfer : NULL;
    if (!t)
        return;
    room_leave(x);
    if (x->refused)
        refuse_restore(x->shadow);
    if (x->multi->pid != getpid()) { /* the parent counts it */
        t->ended = true;
        transfer_leave(t);
        return;
    }
    if (!x->refused && x->state == MEMBER_LIVE) {
        struct attempt a;
        int64_t at_ns;
        t->reset = true; /* no other attempt follows */
        CURLcode r = transfer_attempted(t, &a, CURLE_ABORTED_BY_CALLBACK);
        transfer_again(t, &a, &r, &at_ns);
    }
    x->state = MEMBER_DONE;
    transfer_end(t, CURLE_ABORTED_BY_CALLBACK, clock_now_ns());
    transfer_leave(t);
}

/* ---- what is due ---------------------------------------------------------------------------- */

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

static void end_refused(struct member *x)
{
    x->refused = false;
    refuse_restore(x->shadow);
    over(x, x->cancelled ? transfer_aborted(x->shadow->transfer)
                         : refuse_say(x->shadow, &x->refusal, clock_now_ns()));
}

/* libcurl would not have it: its refusal is the result. */
static void not_taken(struct member *x, CURLMcode code)
{
    struct transfer *t = x->shadow->transfer;
    struct attempt a;
    int64_t at_ns;
    room_leave(x);
    if (x->refused) {
        end_refused(x);
        return;
    }
    t->reset = true; /* no other attempt follows */
    CURLcode r = transfer_attempted(t, &a, code_of(code));
    transfer_again(t, &a, &r, &at_ns);
    discard(x, r);
}

static void enter_libcurl(struct member *x)
{
    x->state = MEMBER_LIVE;
    room_take(x);
    CURLMcode r = multi_put_in(x);
    if (unlikely(r))
        not_taken(x, r);
}

/* An answer without a transfer; see refuse.h. It takes one more turn. */
static void empty_attempt(struct member *x)
{
    x->refused = true;
    refuse_prepare(x->shadow);
    enter_libcurl(x);
}

static void cancel(struct member *x)
{
    x->cancelled = true;
    if (x->shadow->transfer->call.attempts)
        discard(x, transfer_aborted(x->shadow->transfer));
    else
        empty_attempt(x);
}

static void start(struct member *x, int64_t now_ns)
{
    struct transfer *t = x->shadow->transfer;
    if (now_ns < t->app_deadline_ns && !room_for(x)) {
        multi_park(x, MEMBER_PARKED, t->app_deadline_ns);
        x->queued = true;
        return;
    }
    struct admission ad = call_admit(&t->call, now_ns);
    if (ad.answer == ANSWER_WAIT) {
        multi_park(x, MEMBER_PARKED, ad.at_ns);
        x->multi->has_room = true; /* for another one, perhaps to another host */
    } else if (ad.answer == ANSWER_GO) {
        gate_set_aside(&t->gate);
        transfer_attempt(t, now_ns);
        enter_libcurl(x);
    } else if (t->call.attempts) {
        deliver(x, x->result);
    } else {
        x->refusal = ad;
        empty_attempt(x);
    }
}

/* It is paused: nothing happens to it before its time is over. */
static void stall(struct member *x, int64_t now_ns)
{
    struct transfer *t = x->shadow->transfer;
    x->stalled = true;
    if (now_ns < t->app_deadline_ns)
        multi_park(x, x->state, t->app_deadline_ns);
    else
        discard(x,
                transfer_failed(t, CURLE_OPERATION_TIMEDOUT, "Operation timed out while paused"));
}

static void fail(struct member *x, CURLcode r)
{
    x->state = MEMBER_DONE;
    x->message = (CURLMsg){.msg = CURLMSG_DONE, .easy_handle = x->handle, .data = {.result = r}};
    messages_put(x->multi, &x->message);
}

static void begin(struct member *x, int64_t now_ns)
{
    if (transfer_begin(x->shadow, BY_MULTI, now_ns)) {
        x->state = MEMBER_PARKED;
        return;
    }
    x->state = MEMBER_ALONE;
    CURLMcode r = multi_put_in(x);
    if (unlikely(r))
        fail(x, code_of(r));
}

/* A callback of the multi handle failed. Without a word to the program, as libcurl does it. */
static void end_with_all(struct member *x)
{
    if (x->state == MEMBER_ADDED)
        fail(x, CURLE_ABORTED_BY_CALLBACK);
    else
        discard(x, CURLE_ABORTED_BY_CALLBACK);
}

/* For another attempt: its options are gone, or the loop turned so late that its time is over. */
static bool is_too_late(const struct transfer *t, int64_t now_ns)
{
    return t->call.attempts && (t->reset || now_ns > t->call.deadline_ns);
}

static void step(struct member *x, int64_t now_ns)
{
    if (unlikely(x->multi->dead)) {
        end_with_all(x);
        return;
    }
    if (x->state == MEMBER_ADDED)
        begin(x, now_ns);
    struct transfer *t = x->shadow->transfer;
    if (!t)
        return;
    if (unlikely(x->cancelled))
        cancel(x);
    else if (unlikely(t->paused))
        stall(x, now_ns);
    else if (x->state == MEMBER_HELD || is_too_late(t, now_ns))
        deliver(x, x->result);
    else
        start(x, now_ns);
}

static struct member *parked_member(struct parked *p)
{
    return (struct member *)(void *)p; /* its first member */
}

static bool wants_more(struct member *x)
{
    struct multi *m __attribute__((cleanup(multi_called_out), unused)) = multi_calls_out(x);
    return transfer_progress(x->shadow);
}

/* Those that want no more are due at once. */
static void show_progress(struct multi *m, int64_t now_ns)
{
    m->progress_at_ns = now_ns + PROGRESS_STEP_NS;
    for (struct member *x = m->first; x; x = x->next)
        if (x->watched && !x->cancelled)
            x->cancelled = !wants_more(x);
    for (struct member *x = m->first; x; x = x->next)
        if (x->cancelled && x->parked.place)
            multi_park(x, x->state, now_ns);
}

static void start_due(struct multi *m)
{
    struct parked *first = park_first(&m->park);
    if (likely(!first))
        return;
    int64_t now_ns = clock_now_ns();
    if (m->watched && !m->dead && m->progress_at_ns <= now_ns)
        show_progress(m, now_ns);
    while ((first = park_first(&m->park)) && (first->due_ns <= now_ns || unlikely(m->dead))) {
        multi_unpark(parked_member(first));
        step(parked_member(first), now_ns);
    }
}

/* ---- what libcurl has to say ---------------------------------------------------------------- */

/* Rewinding the body may call the program. */
static bool again(struct member *x, struct attempt *a, CURLcode *r, int64_t *at_ns)
{
    struct multi *m __attribute__((cleanup(multi_called_out), unused)) = multi_calls_out(x);
    return transfer_again(x->shadow->transfer, a, r, at_ns);
}

static void conclude(struct member *x, CURLcode r)
{
    struct transfer *t = x->shadow->transfer;
    struct attempt a;
    int64_t at_ns = 0;
    room_leave(x);
    if (unlikely(x->refused)) {
        end_refused(x);
        return;
    }
    t->reset |= x->multi->dead; /* no other attempt follows */
    r = transfer_attempted(t, &a, r);
    room_note_version(x);
    if (again(x, &a, &r, &at_ns)) {
        x->result = r;
        multi_take_out(x, true);
        multi_park(x, MEMBER_PARKED, at_ns);
    } else {
        deliver(x, r);
    }
}

/* Shown as it is: nothing runs any more that the program has not been told of. */
CURLMsg *multi_unkept(struct multi *m)
{
    int left;
    CURLMsg *msg = m->api->multi_info_read(m->handle, &m->unread);
    struct member *x = msg ? multi_member(m, msg->easy_handle) : NULL;
    m->starved = msg != NULL;
    if (!x || x->state != MEMBER_LIVE)
        return msg;
    x->shadow->transfer->reset = true; /* no other attempt follows */
    conclude(x, msg->data.result);
    return multi_info_read(m, &left);
}

/* All messages: a program stops when nothing runs any more, so what is to be repeated must be parked
 * by then. */
static void harvest(struct multi *m)
{
    CURLMsg *msg;
    while (!(m->starved = !messages_reserve(m, m->member_count + 1)) &&
           (msg = m->api->multi_info_read(m->handle, &m->unread))) {
        struct member *x = multi_member(m, msg->easy_handle);
        if (x && x->state == MEMBER_LIVE) {
            conclude(x, msg->data.result);
            continue;
        }
        if (x && x->state == MEMBER_ALONE)
            x->state = MEMBER_DONE;
        messages_put(m, msg);
    }
}

/* ---- a turn --------------------------------------------------------------------------------- */

struct turn {
    enum { TURN_PERFORM, TURN_SOCKET, TURN_ALL } kind;
    curl_socket_t fd; /* TURN_SOCKET */
    int events;
};

static CURLMcode work(struct multi *m, const struct turn *turn, int *alive)
{
    struct entry e __attribute__((cleanup(multi_leave), unused)) = multi_enter(m);
    const struct curl_api *api = m->api;
    switch (turn->kind) {
    case TURN_PERFORM:
        return api->multi_perform(m->handle, alive);
    case TURN_SOCKET:
        return api->multi_socket_action(m->handle, turn->fd, turn->events, alive);
    default:
        return api->multi_socket_all(m->handle, alive);
    }
}

static CURLMcode take_turn(struct multi *m, const struct turn *turn, int *running)
{
    int alive = INT_MIN; /* not always said when it fails */
    if (m->in_callback || m->in_notice)
        return CURLM_RECURSIVE_API_CALL;
    if (m->depth)
        return work(m, turn, running); /* libcurl's to refuse */
    start_due(m);
    if (turn->kind == TURN_SOCKET && turn->fd == CURL_SOCKET_TIMEOUT)
        multi_timer_spent(m);
    CURLMcode r = multi_heed(m, work(m, turn, &alive));
    int saved = errno;
    if (turn->kind == TURN_SOCKET && turn->fd == CURL_SOCKET_TIMEOUT)
        multi_timer_passed(m);
    harvest(m);
    messages_notify(m);
    room_let_in(m);
    if (running && alive != INT_MIN)
        *running = alive + (int)m->park.count;
    CURLMcode timer = multi_retime(m);
    errno = saved;
    return r ? r : timer;
}

CURLMcode multi_perform(struct multi *m, int *running)
{
    return take_turn(m, &(struct turn){.kind = TURN_PERFORM}, running);
}

CURLMcode multi_socket_action(struct multi *m, curl_socket_t fd, int events, int *running)
{
    return take_turn(m, &(struct turn){.kind = TURN_SOCKET, .fd = fd, .events = events}, running);
}

CURLMcode multi_socket_all(struct multi *m, int *running)
{
    return take_turn(m, &(struct turn){.kind = TURN_ALL}, running);
}
