/* SPDX-License-Identifier: MIT
 *
 * The state of a multi handle and of the easy handles in it, its members, for the files of the
 * multi driver. Each of them may call those above it in this list:
 *
 *   park.c         parked members by the time at which they are due
 *   messages.c     results that the program has not read yet
 *   members.c      the list of members, parking, libcurl's own multi handle
 *   connections.c  the limits that the program sets for connections
 *   timer.c        the timeout for the program
 *   attempts.c     one member: its attempts, delivery, end
 *   turn.c         one turn of the program's event loop
 *   options.c      curl_multi_setopt and what a multi handle reports about itself
 *   multi.c        create, add, remove, clean up
 *
 * Invariants:
 *   - RUNNING and UNMANAGED members are in libcurl's multi handle, ADDED and PARKED ones are not;
 *     DELIVERING and DONE ones may still be in it, but have ended there.
 *   - The heap and both queues always have room for every member, so that parking a member and
 *     putting its message cannot fail.
 *   - depth > 0 iff libcurl is running on behalf of this multi handle. */
#ifndef CURL_MULTI_PRIVATE_H
#define CURL_MULTI_PRIVATE_H

#include "curl/multi/multi.h"
#include "curl/multi/park.h"
#include "curl/transfer.h"

#include <sys/types.h>

/* libcurl 8.16 and 8.17; the headers that we are built with may be older. */
#define MULTI_OPTION_NOTIFYFUNCTION ((CURLMoption)(CURLOPTTYPE_FUNCTIONPOINT + 18))
#define MULTI_OPTION_NOTIFYDATA     ((CURLMoption)(CURLOPTTYPE_OBJECTPOINT + 19))
/* libcurl's value for CURLMOPT_MAX_CONCURRENT_STREAMS when the given one is out of range. */
#define STREAMS_DEFAULT 100
enum multi_notification { NOTIFY_INFO_READ, NOTIFY_EASY_DONE };
typedef void notify_function(CURLM *m, unsigned notification, CURL *h, void *data);

enum member_state {
    MEMBER_ADDED,      /* parked until the next turn: the program may still set options */
    MEMBER_UNMANAGED,  /* in libcurl's multi handle, and left to libcurl */
    MEMBER_PARKED,     /* waits for its first attempt or for another one */
    MEMBER_RUNNING,    /* an attempt is under way in libcurl's multi handle */
    MEMBER_DELIVERING, /* parked: ended, but the program has paused the delivery of the response */
    MEMBER_DONE,       /* its message was put into the queue */
};

/* What a parked member awaits besides its time. */
enum member_queue {
    QUEUE_NONE,
    QUEUE_CONNECTION, /* all that the program allows are in use */
    QUEUE_PERMIT,     /* as many requests as the concurrency allows are in flight */
};

struct member {
    struct parked parked;
    struct multi *multi;
    CURL *handle;
    struct shadow *shadow; /* NULL: a handle without one */
    enum member_state state;
    bool in_libcurl;                    /* added to libcurl's multi handle */
    bool refused;                       /* RUNNING: the empty attempt of a refusal, see refusal.h */
    bool cancelled;                     /* by the progress callback */
    uint8_t queue;                      /* PARKED: what it awaits; enum member_queue */
    bool has_connection;                /* it counts as one that uses a connection */
    bool paused_past_due;               /* PARKED: its time came while the program had paused it */
    bool wants_progress;                /* parked, with a progress callback */
    const struct slot *connection_host; /* with has_connection; NULL: hosts are not counted */
    int connection_place;               /* with has_connection */
    struct admission refusal;           /* with refused */
    CURLcode result;                    /* of the last attempt */
    CURLMsg message;                    /* DONE */
    struct member *previous, *next;
};

struct queue {
    void **list;
    size_t begin, end, room;
};

/* How many transfers to one place of a host use a connection: libcurl counts by where it connects to. */
struct host_connections {
    const struct slot *host;
    int place; /* call_place */
    size_t used, reserved;
};

struct multi {
    CURLM *handle;
    const struct curl_api *api;
    struct park park;
    struct member *first, *last;
    size_t member_count;
    void (*member_lost)(struct member *x); /* for shadow->member_lost */

    struct queue messages; /* CURLMsg * that the program has not read */
    struct queue done;     /* CURL * whose end the program has not been notified of */
    bool first_message;    /* a message was put into the empty queue: notify the program */
    bool has_unread;       /* libcurl may have messages that there was no memory to keep */
    int unread;            /* with has_unread: how many, at least */
    int depth;             /* calls into libcurl */
    bool in_callback;      /* a callback of the program that we call is running */
    bool in_notify;        /* its notify callback is: only driving the handle is forbidden */
    const struct member *callback_member; /* with in_callback; NULL: it is for no member */
    pid_t pid;                            /* of the process that created the handle */

    curl_multi_timer_callback timer_fn;
    void *timer_data;
    int64_t libcurl_due_ns; /* as libcurl last set it */
    int64_t program_due_ns; /* as last passed to the program's callback; PARK_FOREVER: none */
    bool libcurl_set_timer; /* in this turn */
    bool aborted;    /* a callback of the multi handle failed: all members end without callbacks */
    bool mute_timer; /* we add or remove a handle: the program's timer is updated afterwards */

    size_t progress_count; /* members with wants_progress */
    int64_t progress_at_ns;

    curl_push_callback push_fn;
    void *push_data;
    notify_function *notify_fn;
    void *notify_data;
    unsigned notify_mask; /* bits by enum multi_notification */

    long max_total, max_host, max_streams; /* connections, and streams of one; 0: no limit */
    bool multiplexes;                      /* a response came by HTTP/2 or later */
    uint8_t may_have_room;                 /* bits: 1 << what may be free, of enum member_queue */
    size_t used, reserved;                 /* connections in use, and promised to queued members */
    struct host_connections *hosts;        /* while max_host is set */
    size_t host_count, host_room;
    curl_off_t added; /* handles that the program has added so far */
};

/* ---- messages.c ---- */
/* Room for n more messages. False: no memory. */
bool messages_reserve(struct multi *m, size_t n);
void messages_put(struct multi *m, CURLMsg *msg);
/* The oldest message, which leaves the queue; NULL: none. */
CURLMsg *messages_take(struct multi *m);
size_t messages_count(const struct multi *m);
/* Forgets the message of a handle. */
void messages_drop(struct multi *m, const CURL *h);
/* Calls the program's notify callback for all that was put since the last time. */
void messages_notify(struct multi *m);
void messages_free(struct multi *m);

/* ---- members.c ---- */
/* Encloses each call into libcurl, also when it is left by an exception:
 *
 *     struct multi_call c __attribute__((cleanup(multi_leave), unused)) = multi_enter(m);      */
struct multi_call {
    struct multi *multi;
    const struct curl_api *outer;
};
struct multi_call multi_enter(struct multi *m);
void multi_leave(struct multi_call *c);
/* The same for a callback of the program that we call in libcurl's place:
 *
 *     struct multi *m __attribute__((cleanup(multi_callback_leave), unused)) =
 *         multi_callback_enter(x);      */
struct multi *multi_callback_enter(struct member *x);
void multi_callback_leave(struct multi **m);
/* Returns libcurl's result r, and notes CURLM_ABORTED_BY_CALLBACK. */
static inline CURLMcode multi_note_result(struct multi *m, CURLMcode r)
{
    m->aborted |= r == CURLM_ABORTED_BY_CALLBACK;
    return r;
}
/* Whether a callback is running in which libcurl forbids calls with this multi handle. */
bool multi_forbids_calls(const struct multi *m);

/* Of any multi handle; NULL: of none. */
struct member *member_find(const CURL *h);
/* Of this multi handle; NULL: it is not. */
struct member *member_of(const struct multi *m, const CURL *h);
/* NULL: no memory. */
struct member *member_new(struct multi *m, CURL *h, struct shadow *s);
/* Takes it off the list and frees it. */
void member_delete(struct member *x);
/* A member for a handle that libcurl drives without us: added unmanaged, or pushed by a server. */
void member_adopt(struct multi *m, CURL *h);
CURLMcode member_add_to_libcurl(struct member *x);
/* CURLM_ABORTED_BY_CALLBACK: it is removed, and all members end. */
CURLMcode member_remove_from_libcurl(struct member *x, bool mute_timer);
void member_park(struct member *x, enum member_state state, int64_t due_ns);
void member_unpark(struct member *x);

/* ---- connections.c ---- */
/* False: all connections that the program allows are in use. */
bool connections_has_room(struct member *x, int64_t now_ns);
void connections_take(struct member *x);
void connections_release(struct member *x);
/* Makes as many queued members due as there are free connections and, if a request has ended, those whose turn to
 * get a permit may have come. */
void connections_start_queued(struct multi *m);
/* The limits have changed. */
void connections_recount(struct multi *m);
/* Notes whether the response came by a protocol that multiplexes. */
void connections_note_version(struct member *x);

/* ---- timer.c ---- */
/* libcurl's CURLMOPT_TIMERFUNCTION. */
int multi_timer_callback(CURLM *handle, long timeout_ms, void *multi);
/* Before and after curl_multi_socket_action with an expired timer of the program. */
void multi_timer_expired(struct multi *m);
void multi_timer_resync(struct multi *m);
/* Calls the program's timer callback if the timeout has changed. */
CURLMcode multi_timer_update(struct multi *m);

/* ---- attempts.c ---- */
/* The next step of a member that was due: it is no longer parked. */
void member_step(struct member *x, int64_t now_ns);
/* libcurl reports that the attempt has ended. */
void member_conclude(struct member *x, CURLcode r);
/* Ends the transfer of a member that the program removes, whatever its state. */
void member_withdraw(struct member *x);

#endif
