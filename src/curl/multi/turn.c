/* SPDX-License-Identifier: MIT
 *
 * One turn of the program's event loop: members that are due take their next step, libcurl works,
 * and its messages are taken before the program can see them. */
#include "curl/multi/private.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "curl/uncovered.h"

#include <errno.h>
#include <limits.h>

/* ---- members that are due ------------------------------------------------------------------- */

static struct member *parked_member(struct parked *p)
{
    return (struct member *)(void *)p; /* its first member */
}

static bool program_continues(struct member *x)
{
    struct multi *m __attribute__((cleanup(multi_callback_leave), unused)) =
        multi_callback_enter(x);
    return transfer_progress(x->shadow);
}

/* A member that the program cancels is due at once. */
static void call_progress(struct multi *m, int64_t now_ns)
{
    m->progress_at_ns = now_ns + PROGRESS_STEP_NS;
    for (struct member *x = m->first; x; x = x->next)
        if (x->wants_progress && !x->cancelled)
            x->cancelled = !program_continues(x);
    for (struct member *x = m->first; x; x = x->next)
        if (x->cancelled && x->parked.place)
            member_park(x, x->state, now_ns);
}

static void step_due_members(struct multi *m)
{
    struct parked *first = park_first(&m->park);
    if (likely(!first))
        return;
    int64_t now_ns = clock_now_ns();
    if (m->progress_count && !m->aborted && m->progress_at_ns <= now_ns)
        call_progress(m, now_ns);
    while ((first = park_first(&m->park)) && (first->due_ns <= now_ns || unlikely(m->aborted))) {
        member_unpark(parked_member(first));
        member_step(parked_member(first), now_ns);
    }
}

/* ---- libcurl's messages --------------------------------------------------------------------- */

/* Takes all messages: a program stops once nothing is running, so an attempt that is to be repeated
 * must be parked by then. */
static void take_messages(struct multi *m)
{
    CURLMsg *msg;
    while (!(m->has_unread = !messages_reserve(m, m->member_count + 1)) &&
           (msg = m->api->multi_info_read(m->handle, &m->unread))) {
        struct member *x = member_of(m, msg->easy_handle);
        if (x && x->state == MEMBER_RUNNING) {
            member_conclude(x, msg->data.result);
            continue;
        }
        if (x && x->state == MEMBER_UNMANAGED) {
            x->state = MEMBER_DONE;
            uncovered_ended(msg->data.result, 0);
        }
        messages_put(m, msg);
    }
}

/* Reads a message that could not be kept for lack of memory. The program may have seen already that
 * nothing is running any more, so no other attempt can follow. NULL: no message, or one of a member
 * with a transfer of ours: its own message is in the queue once the response is delivered. */
static CURLMsg *read_from_libcurl(struct multi *m)
{
    CURLMsg *msg = m->api->multi_info_read(m->handle, &m->unread);
    struct member *x = msg ? member_of(m, msg->easy_handle) : NULL;
    m->has_unread = msg != NULL;
    if (!x || x->state != MEMBER_RUNNING)
        return msg;
    x->shadow->transfer->reset = true; /* no other attempt follows */
    member_conclude(x, msg->data.result);
    return NULL;
}

CURLMsg *multi_info_read(struct multi *m, int *left)
{
    CURLMsg *msg;
    *left = 0;
    if (multi_forbids_calls(m))
        return NULL; /* like libcurl */
    while (!(msg = messages_take(m)) && unlikely(m->has_unread))
        if ((msg = read_from_libcurl(m)))
            break;
    *left = (int)messages_count(m) + (unlikely(m->has_unread) ? m->unread : 0);
    return msg;
}

/* ---- a turn --------------------------------------------------------------------------------- */

struct turn {
    enum { TURN_PERFORM, TURN_SOCKET, TURN_ALL } kind;
    curl_socket_t fd; /* TURN_SOCKET */
    int events;
};

static CURLMcode drive_libcurl(struct multi *m, const struct turn *turn, int *running)
{
    struct multi_call c __attribute__((cleanup(multi_leave), unused)) = multi_enter(m);
    const struct curl_api *api = m->api;
    switch (turn->kind) {
    case TURN_PERFORM:
        return api->multi_perform(m->handle, running);
    case TURN_SOCKET:
        return api->multi_socket_action(m->handle, turn->fd, turn->events, running);
    default:
        return api->multi_socket_all(m->handle, running);
    }
}

static CURLMcode take_turn(struct multi *m, const struct turn *turn, int *running)
{
    int in_libcurl = INT_MIN; /* libcurl does not always set it when it fails */
    if (m->in_callback || m->in_notify)
        return CURLM_RECURSIVE_API_CALL;
    if (m->depth)
        return drive_libcurl(m, turn, running); /* libcurl refuses it, or not */
    step_due_members(m);
    if (turn->kind == TURN_SOCKET && turn->fd == CURL_SOCKET_TIMEOUT)
        multi_timer_expired(m);
    CURLMcode r = multi_note_result(m, drive_libcurl(m, turn, &in_libcurl));
    int saved = errno;
    if (turn->kind == TURN_SOCKET && turn->fd == CURL_SOCKET_TIMEOUT)
        multi_timer_resync(m);
    take_messages(m);
    messages_notify(m);
    connections_start_queued(m);
    if (running && in_libcurl != INT_MIN)
        *running = in_libcurl + (int)m->park.count;
    CURLMcode timer = multi_timer_update(m);
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
