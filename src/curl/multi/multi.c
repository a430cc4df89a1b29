/* SPDX-License-Identifier: MIT */
#include "curl/multi/private.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/precondition.h"
#include "curl/current_api.h"
#include "curl/handle_map.h"

#include <stdlib.h>
#include <unistd.h>

static struct registry multis;
static struct registry strangers; /* members by their handles, for want of a shadow */

struct multi *multi_find(const CURLM *handle)
{
    return registry_find(&multis, handle);
}

const struct curl_api *multi_api(const struct multi *m)
{
    return m->api;
}

struct entry multi_enter(struct multi *m)
{
    m->depth++;
    return (struct entry){.multi = m, .outer = inside_enter(m->api)};
}

void multi_leave(struct entry *e)
{
    e->multi->depth--;
    e->multi->quiet = false;
    inside_leave(e->outer);
}

struct multi *multi_calls_out(struct member *x)
{
    x->multi->in_callback = true;
    x->multi->calling = x;
    return x->multi;
}

void multi_called_out(struct multi **m)
{
    (*m)->in_callback = false;
    (*m)->calling = NULL;
}

/* Of all that libcurl forbids in its callbacks, this question is the one that does nothing. */
bool multi_is_forbidden(const struct multi *m)
{
    long ms;
    return m->in_callback ||
           (m->depth && m->api->multi_timeout(m->handle, &ms) == CURLM_RECURSIVE_API_CALL);
}

/* ---- life ----------------------------------------------------------------------------------- */

struct multi *multi_new(CURLM *handle, const struct curl_api *api)
{
    struct multi *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->handle = handle;
    m->api = api;
    m->pid = getpid();
    m->libcurl_due_ns = m->told_ns = PARK_FOREVER;
    m->max_streams = STREAMS_DEFAULT;
    registry_take(&multis, handle); /* freed behind our back, and the address used again */
    if (registry_put(&multis, handle, m))
        return m;
    free(m);
    return NULL;
}

static void unlink_member(struct member *x)
{
    struct multi *m = x->multi;
    *(x->previous ? &x->previous->next : &m->first) = x->next;
    *(x->next ? &x->next->previous : &m->last) = x->previous;
    m->member_count--;
    if (x->shadow)
        x->shadow->member = NULL;
    else
        registry_take(&strangers, x->handle);
    free(x);
}

static void forget(struct member *x)
{
    struct multi *m = x->multi;
    multi_withdraw(x);
    multi_unpark(x);
    messages_drop(m, x->handle);
    unlink_member(x);
}

CURLMcode multi_cleanup(struct multi *m)
{
    if (m->in_callback || m->in_notice)
        return CURLM_RECURSIVE_API_CALL;
    if (m->depth)
        return m->api->multi_cleanup(m->handle);
    for (struct member *x = m->first, *next; x; x = next) {
        next = x->next;
        forget(x);
    }
    registry_take(&multis, m->handle); /* before the address can be somebody else's */
    CURLMcode r = m->api->multi_cleanup(m->handle);
    messages_free(m);
    park_free(&m->park);
    free(m->loads);
    free(m);
    return r;
}

/* ---- members -------------------------------------------------------------------------------- */

static struct member *member_of(const CURL *h)
{
    const struct shadow *s = shadow_find(h);
    return s ? s->member : registry_find(&strangers, h);
}

struct member *multi_member(const struct multi *m, const CURL *h)
{
    struct member *x = member_of(h);
    return x && x->multi == m ? x : NULL;
}

CURLMcode multi_put_in(struct member *x)
{
    precondition(!x->in_libcurl);
    struct entry e __attribute__((cleanup(multi_leave), unused)) = multi_enter(x->multi);
    x->multi->quiet = true;
    CURLMcode r = x->multi->api->multi_add_handle(x->multi->handle, x->handle);
    x->in_libcurl = r == CURLM_OK;
    return multi_heed(x->multi, r);
}

CURLMcode multi_take_out(struct member *x, bool quietly)
{
    if (!x->in_libcurl)
        return CURLM_OK;
    struct entry e __attribute__((cleanup(multi_leave), unused)) = multi_enter(x->multi);
    x->multi->quiet = quietly;
    CURLMcode r = x->multi->api->multi_remove_handle(x->multi->handle, x->handle);
    x->in_libcurl = r && r != CURLM_ABORTED_BY_CALLBACK;
    return multi_heed(x->multi, r);
}

void multi_park(struct member *x, enum member_state state, int64_t due_ns)
{
    const struct shadow *s = x->shadow;
    multi_unpark(x);
    x->state = state;
    x->watched = state != MEMBER_ADDED && !s->noprogress && (s->xferinfo_fn || s->progress_fn);
    x->multi->watched += x->watched;
    park_put(&x->multi->park, &x->parked, due_ns);
}

void multi_unpark(struct member *x)
{
    if (!x->parked.place)
        return;
    park_take(&x->multi->park, &x->parked);
    x->multi->watched -= x->watched;
    x->watched = x->queued = false;
}

/* NULL: no memory. */
static struct member *new_member(struct multi *m, CURL *h, struct shadow *s)
{
    if (!park_reserve(&m->park, m->member_count + 1) || !messages_reserve(m, m->member_count + 1))
        return NULL;
    struct member *x = calloc(1, sizeof *x);
    if (!x || (!s && !registry_put(&strangers, h, x))) {
        free(x);
        return NULL;
    }
    x->multi = m;
    x->handle = h;
    x->shadow = s;
    x->previous = m->last;
    *(m->last ? &m->last->next : &m->first) = x;
    m->last = x;
    m->member_count++;
    if (s)
        s->member = x;
    return x;
}

void multi_adopt(struct multi *m, CURL *h)
{
    struct member *x = new_member(m, h, shadow_find(h));
    if (!x)
        return;
    x->state = MEMBER_ALONE;
    x->in_libcurl = true;
}

/* What is not ours to decide, or cannot be for lack of memory. */
static CURLMcode add_alone(struct multi *m, CURL *h)
{
    CURLMcode r;
    {
        struct entry e __attribute__((cleanup(multi_leave), unused)) = multi_enter(m);
        r = multi_heed(m, m->api->multi_add_handle(m->handle, h));
    }
    if (!r)
        multi_adopt(m, h);
    return r;
}

/* After a callback failed libcurl takes nothing before all that it has is over; then it starts over. */
static bool is_ending(struct multi *m)
{
    for (const struct member *x = m->first; x; x = x->next)
        if (x->state != MEMBER_DONE)
            return true;
    m->dead = false;
    m->libcurl_due_ns = m->told_ns = PARK_FOREVER;
    return false;
}

/* The program's timer callback failed over it, as it would have when libcurl had added it. libcurl is
 * to know that all ends: it calls its timer when a handle goes. Not when it comes: what 7.88 and 8.14
 * refuse for that, they keep half, and crash when it is freed. */
static CURLMcode refuse(struct member *x)
{
    x->multi->dead = false;
    multi_put_in(x);
    x->multi->dead = true;
    multi_take_out(x, true);
    forget(x);
    return CURLM_ABORTED_BY_CALLBACK;
}

/* Nothing is decided before the next turn: until then the program may set options, and bare libcurl
 * would not have looked at them either. */
CURLMcode multi_add(struct multi *m, CURL *h)
{
    struct shadow *s = shadow_find(h);
    if (s && s->member)
        return m->api->version_num >= VERSION_GUARDS_CALLS && multi_is_forbidden(m)
                   ? CURLM_RECURSIVE_API_CALL
                   : CURLM_ADDED_ALREADY;
    if (m->in_callback)
        return CURLM_RECURSIVE_API_CALL;
    if (unlikely(m->dead) && is_ending(m))
        return CURLM_ABORTED_BY_CALLBACK;
    struct member *x =
        s && !s->transfer && s->api == m->api && !m->depth ? new_member(m, h, s) : NULL;
    if (!x) {
        CURLMcode r = add_alone(m, h);
        if (r)
            return r;
        if (s)
            shadow_forget_last(s);
    } else if (s->error_buffer) {
        s->error_buffer[0] = '\0';
    }
    if (x)
        multi_park(x, MEMBER_ADDED, clock_now_ns());
    if (unlikely(multi_retime(m)) && x)
        return refuse(x);
    m->added++;
    return CURLM_OK;
}

CURLMcode multi_remove(struct multi *m, CURL *h)
{
    struct member *x = member_of(h);
    if (x && x->multi != m)
        return CURLM_BAD_EASY_HANDLE;
    CURLMcode r;
    if (x) {
        if (multi_is_forbidden(m))
            return CURLM_RECURSIVE_API_CALL;
        r = multi_take_out(x, false);
        if (r && r != CURLM_ABORTED_BY_CALLBACK)
            return r;
        forget(x);
        room_let_in(m);
    } else {
        struct entry e __attribute__((cleanup(multi_leave), unused)) = multi_enter(m);
        r = multi_heed(m, m->api->multi_remove_handle(m->handle, h));
        if (r && r != CURLM_ABORTED_BY_CALLBACK)
            return r;
        messages_drop(m, h);
    }
    CURLMcode timer = multi_retime(m);
    return r ? r : timer;
}

static void lose(struct member *x)
{
    struct transfer *t = x->shadow ? x->shadow->transfer : NULL;
    room_leave(x);
    if (t) {
        t->wrapped = false; /* there is no handle any more */
        transfer_leave(t);
    }
    multi_unpark(x);
    messages_drop(x->multi, x->handle);
    unlink_member(x);
}

void multi_lost(struct shadow *s)
{
    lose(s->member);
}

void multi_forget(const CURL *h)
{
    struct member *x = member_of(h);
    if (!x)
        return;
    struct multi *m = x->multi;
    if (m->depth) { /* libcurl takes it out by itself, if it lets go of it at all */
        lose(x);
        return;
    }
    if (m->calling == x)
        return; /* libcurl forbids it, and the program is lost without us too */
    multi_take_out(x, false);
    forget(x);
    room_let_in(m);
    multi_retime(m);
}

bool multi_keeps(const struct shadow *s)
{
    return s->member && !s->member->in_libcurl;
}

bool multi_calls(const struct shadow *s)
{
    const struct multi *m = s->member ? s->member->multi : NULL;
    return m && (m->depth || m->in_callback || m->in_notice);
}

bool multi_pause(struct shadow *s, int bitmask)
{
    struct member *x = s->member;
    struct transfer *t = s->transfer;
    if (!t || t->performing || (x->state == MEMBER_PARKED && !t->call.attempts))
        return false;
    t->paused = bitmask & CURLPAUSE_RECV;
    if (!t->paused && (x->state == MEMBER_HELD || x->stalled)) {
        x->stalled = false;
        multi_park(x, x->state, clock_now_ns());
        multi_retime(x->multi);
    }
    return true;
}
