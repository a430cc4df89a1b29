/* SPDX-License-Identifier: MIT
 *
 * What the files of the multi driver share: multi.c (life), multi_options.c, multi_turn.c (what
 * becomes of a transfer), multi_room.c (connections), multi_messages.c (results), multi_time.c
 * (timeouts). */
#ifndef CURL_MULTI_PARTS_H
#define CURL_MULTI_PARTS_H

#include "curl/multi/multi.h"
#include "curl/multi/park.h"
#include "curl/transfer.h"

#include <sys/types.h>

/* Newer than the headers that we are built with: libcurl 8.16 and 8.17. */
#define MULTI_OPTION_NOTIFYFUNCTION ((CURLMoption)(CURLOPTTYPE_FUNCTIONPOINT + 18))
#define MULTI_OPTION_NOTIFYDATA     ((CURLMoption)(CURLOPTTYPE_OBJECTPOINT + 19))
/* What libcurl takes for a number of streams that it does not like. */
#define STREAMS_DEFAULT 100
enum multi_notice { NOTICE_INFO_READ, NOTICE_EASY_DONE };
typedef void notify_function(CURLM *m, unsigned notice, CURL *h, void *data);

enum member_state {
    MEMBER_ADDED,  /* parked: the program may still set options */
    MEMBER_ALONE,  /* libcurl's: we have no part in it */
    MEMBER_PARKED, /* waits for its first attempt, or another */
    MEMBER_LIVE,   /* an attempt is under way */
    MEMBER_HELD,   /* parked: over, but the program has paused what is being delivered */
    MEMBER_DONE,   /* its message waits, or was read */
};

/* An easy handle in a multi handle. */
struct member {
    struct parked parked;
    struct multi *multi;
    CURL *handle;
    struct shadow *shadow; /* NULL: a stranger, that was not seen born */
    enum member_state state;
    bool in_libcurl; /* added to libcurl's own */
    bool refused;    /* LIVE: only the empty attempt that makes libcurl forget the last one */
    bool cancelled;  /* by the progress callback */
    bool queued;     /* PARKED: all connections that the program allows are in use */
    bool counted;    /* as one that uses a connection */
    const struct slot *counted_for; /* its host; NULL: for none */
    bool stalled;                   /* PARKED: it was due, but is paused */
    bool watched;                   /* parked, with a progress callback */
    struct admission refusal;       /* with refused */
    CURLcode result;                /* of the last attempt */
    CURLMsg message;                /* with DONE */
    struct member *previous, *next;
};

struct queue {
    void **list;
    size_t begin, end, room;
};

/* A host, and how many of its transfers use a connection. */
struct load {
    const struct slot *host;
    size_t live, let_in;
};

struct multi {
    CURLM *handle;
    const struct curl_api *api;
    struct park park;
    struct member *first, *last;
    size_t member_count;
    /* There is always room for one of each member. */
    struct queue messages;        /* CURLMsg * that the program has not read */
    struct queue done;            /* CURL * of which it is to be notified */
    bool news;                    /* there was no message, and now there is */
    bool starved;                 /* there may be more in libcurl, that no memory was there for */
    int unread;                   /* with starved: that many at least */
    int depth;                    /* calls into libcurl */
    bool in_callback;             /* we called the program */
    bool in_notice;               /* to notify it: it may do all but drive */
    const struct member *calling; /* in_callback: of this one; NULL: of none */
    pid_t pid;                    /* that made it */

    curl_multi_timer_callback timer_fn;
    void *timer_data;
    int64_t libcurl_due_ns; /* what libcurl last told its timer */
    int64_t told_ns;        /* what the program's timer was told; PARK_FOREVER: nothing */
    bool libcurl_spoke;     /* to its timer, in this turn */
    bool dead;              /* a callback of the multi handle failed: all ends, none is called */
    bool quiet;             /* handles come and go by our doing: its timer is told afterwards */

    size_t watched; /* parked with a progress callback */
    int64_t progress_at_ns;

    curl_push_callback push_fn;
    void *push_data;
    notify_function *notify_fn;
    void *notify_data;
    unsigned notices; /* bits by enum multi_notice */

    long max_total, max_host, max_streams; /* connections, and streams of one; 0: no bound */
    bool multiplexes;                      /* an answer came by HTTP/2 or later */
    bool has_room;                         /* perhaps, for those that are queued */
    size_t live, let_in;                   /* that use a connection, and will */
    struct load *loads;                    /* by host, while max_host is set */
    size_t load_count, load_room;
    curl_off_t added; /* so far, by the program */
};

/* Around each call into libcurl. Left however that ends:
 *
 *     struct entry e __attribute__((cleanup(multi_leave), unused)) = multi_enter(m);      */
struct entry {
    struct multi *multi;
    const struct curl_api *outer;
};
struct entry multi_enter(struct multi *m);
void multi_leave(struct entry *e);
/* The same around a callback of the program that libcurl would have called for this member. */
struct multi *multi_calls_out(struct member *x);
void multi_called_out(struct multi **m);

/* ---- multi.c ---- */
/* What libcurl answered: this, only when a callback of the multi handle has failed. */
static inline CURLMcode multi_heed(struct multi *m, CURLMcode r)
{
    m->dead |= r == CURLM_ABORTED_BY_CALLBACK;
    return r;
}
/* In this callback the program must leave the multi handle alone. */
bool multi_is_forbidden(const struct multi *m);
/* NULL: none of this one. */
struct member *multi_member(const struct multi *m, const CURL *h);
/* One that libcurl has added, or is about to add, by itself. */
void multi_adopt(struct multi *m, CURL *h);
CURLMcode multi_put_in(struct member *x);
/* CURLM_ABORTED_BY_CALLBACK: it is out, and all ends. */
CURLMcode multi_take_out(struct member *x, bool quietly);
void multi_park(struct member *x, enum member_state state, int64_t due_ns);
void multi_unpark(struct member *x);

/* ---- multi_turn.c ---- */
/* The program takes it away, in whatever state it is. */
void multi_withdraw(struct member *x);
/* A message that there was no memory to keep. NULL: none. */
CURLMsg *multi_unkept(struct multi *m);

/* ---- multi_room.c ---- */
/* False: all connections that the program allows are in use. */
bool room_for(struct member *x);
void room_take(struct member *x);
void room_leave(struct member *x);
/* Those that are queued, as many as there is room for. */
void room_let_in(struct multi *m);
/* The bounds have changed. */
void room_recount(struct multi *m);
void room_note_version(struct member *x);

/* ---- multi_messages.c ---- */
/* Room for n more. False: no memory. */
bool messages_reserve(struct multi *m, size_t n);
void messages_put(struct multi *m, CURLMsg *msg);
void messages_drop(struct multi *m, const CURL *h);
void messages_notify(struct multi *m);
void messages_free(struct multi *m);

/* ---- multi_time.c ---- */
int multi_on_timer(CURLM *handle, long timeout_ms, void *multi);
/* libcurl is about to hear that the program's timer has come, and has heard. */
void multi_timer_spent(struct multi *m);
void multi_timer_passed(struct multi *m);
/* Tells the program's timer what it does not know yet. */
CURLMcode multi_retime(struct multi *m);

#endif
