/* SPDX-License-Identifier: MIT */
#include "curl/multi_parts.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "curl/inside.h"
#include "curl/registry.h"

#include <stdlib.h>
#include <string.h>

static struct registry multis;

struct multi *multi_find(const CURLM *handle)
{
    return registry_find(&multis, handle);
}

const struct curl_api *multi_api(const struct multi *m)
{
    return m->api;
}

bool multi_is_busy(const struct multi *m)
{
    return m->depth > 0;
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

struct multi *multi_calls_out(struct multi *m)
{
    m->in_callback = true;
    return m;
}

void multi_called_out(struct multi **m)
{
    (*m)->in_callback = false;
}

/* ---- life ----------------------------------------------------------------------------------- */

struct multi *multi_new(CURLM *handle, const struct curl_api *api)
{
    struct multi *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->handle = handle;
    m->api = api;
    m->libcurl_due_ns = m->told_ns = PARK_FOREVER;
    m->max_streams = 100;           /* libcurl's default */
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
    x->shadow->member = NULL;
    free(x);
}

static void forget(struct member *x)
{
    struct multi *m = x->multi;
    multi_withdraw(x);
    multi_unpark(x);
    messages_drop(m, x->shadow->handle);
    unlink_member(x);
}

CURLMcode multi_cleanup(struct multi *m)
{
    if (m->in_callback)
        return CURLM_RECURSIVE_API_CALL;
    for (struct member *x = m->first, *next; x; x = next) {
        next = x->next;
        forget(x);
    }
    registry_take(&multis, m->handle); /* before the address can be somebody else's */
    CURLMcode r = m->api->multi_cleanup(m->handle);
    messages_free(m);
    park_free(&m->park);
    free(m);
    return r;
}

/* ---- members -------------------------------------------------------------------------------- */

struct member *multi_member(const struct multi *m, const struct shadow *s)
{
    return s && s->member && s->member->multi == m ? s->member : NULL;
}

CURLMcode multi_put_in(struct member *x)
{
    struct entry e __attribute__((cleanup(multi_leave), unused)) = multi_enter(x->multi);
    x->multi->quiet = true;
    CURLMcode r = x->multi->api->multi_add_handle(x->multi->handle, x->shadow->handle);
    x->in_libcurl = r == CURLM_OK;
    return r;
}

CURLMcode multi_take_out(struct member *x)
{
    if (!x->in_libcurl)
        return CURLM_OK;
    struct entry e __attribute__((cleanup(multi_leave), unused)) = multi_enter(x->multi);
    x->multi->quiet = true;
    CURLMcode r = x->multi->api->multi_remove_handle(x->multi->handle, x->shadow->handle);
    x->in_libcurl = r != CURLM_OK;
    return r;
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
    x->watched = false;
}

static struct member *new_member(struct multi *m, struct shadow *s)
{
    if (!park_reserve(&m->park, m->member_count + 1) || !messages_reserve(m, m->member_count + 1))
        return NULL;
    struct member *x = calloc(1, sizeof *x);
    if (!x)
        return NULL;
    x->multi = m;
    x->shadow = s;
    x->previous = m->last;
    *(m->last ? &m->last->next : &m->first) = x;
    m->last = x;
    m->member_count++;
    s->member = x;
    return x;
}

static CURLMcode add_alone(struct multi *m, CURL *h)
{
    struct entry e __attribute__((cleanup(multi_leave), unused)) = multi_enter(m);
    return m->api->multi_add_handle(m->handle, h);
}

/* Nothing is decided before the next turn: until then the program may set options, and bare libcurl
 * would not have looked at them either. */
CURLMcode multi_add(struct multi *m, CURL *h, struct shadow *s)
{
    if (s && s->member)
        return CURLM_ADDED_ALREADY;
    if (m->in_callback)
        return CURLM_RECURSIVE_API_CALL;
    struct member *x = s && !s->transfer && s->api == m->api ? new_member(m, s) : NULL;
    CURLMcode r = CURLM_OK;
    if (!x)
        r = add_alone(m, h);
    else if (s->error_buffer)
        s->error_buffer[0] = '\0';
    if (r)
        return r;
    m->added++;
    if (x)
        multi_park(x, MEMBER_ADDED, clock_now_ns());
    return multi_retime(m);
}

CURLMcode multi_remove(struct multi *m, CURL *h, struct shadow *s)
{
    struct member *x = multi_member(m, s);
    if (!x && s && s->member)
        return CURLM_BAD_EASY_HANDLE;
    if (m->in_callback)
        return CURLM_RECURSIVE_API_CALL;
    CURLMcode r;
    if (x) {
        if ((r = multi_take_out(x)))
            return r;
        forget(x);
    } else {
        struct entry e __attribute__((cleanup(multi_leave), unused)) = multi_enter(m);
        if ((r = m->api->multi_remove_handle(m->handle, h)))
            return r;
        messages_drop(m, h);
    }
    return multi_retime(m);
}

void multi_forget(struct shadow *s)
{
    struct member *x = s->member;
    if (!x || x->multi->depth || x->multi->in_callback)
        return;
    struct multi *m = x->multi;
    multi_take_out(x);
    forget(x);
    multi_retime(m);
}

void multi_lost(struct shadow *s)
{
    struct member *x = s->member;
    struct transfer *t = s->transfer;
    if (t) {
        t->wrapped = false; /* there is no handle any more */
        transfer_leave(t);
    }
    multi_unpark(x);
    messages_drop(x->multi, s->handle);
    unlink_member(x);
}

bool multi_keeps(const struct shadow *s)
{
    return s->member && !s->member->in_libcurl;
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
