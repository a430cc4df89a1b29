/* SPDX-License-Identifier: MIT */
#include "curl/multi/private.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "curl/handle_map.h"

#include <stdlib.h>
#include <unistd.h>

static struct handle_map multis;

struct multi *multi_find(const CURLM *handle)
{
    return handle_map_find(&multis, handle);
}

const struct curl_api *multi_api(const struct multi *m)
{
    return m->api;
}

/* ---- life ----------------------------------------------------------------------------------- */

/* The handle was freed without our knowing, or inside a callback. */
static void lose_member(struct member *x)
{
    struct transfer *t = x->shadow ? x->shadow->transfer : NULL;
    connections_release(x);
    if (t) {
        t->wrapped = false; /* the handle is gone */
        transfer_leave(t);
    }
    member_unpark(x);
    messages_drop(x->multi, x->handle);
    member_delete(x);
}

struct multi *multi_new(CURLM *handle, const struct curl_api *api)
{
    struct multi *m = calloc(1, sizeof *m);
    if (!m)
        return NULL;
    m->handle = handle;
    m->api = api;
    m->pid = getpid();
    m->libcurl_due_ns = m->program_due_ns = PARK_FOREVER;
    m->max_streams = STREAMS_DEFAULT;
    m->member_lost = lose_member;
    handle_map_take(&multis, handle); /* freed without our knowing, and the address reused */
    if (handle_map_put(&multis, handle, m))
        return m;
    free(m);
    return NULL;
}

static void end_member(struct member *x)
{
    struct multi *m = x->multi;
    member_withdraw(x);
    member_unpark(x);
    messages_drop(m, x->handle);
    member_delete(x);
}

CURLMcode multi_cleanup(struct multi *m)
{
    if (m->in_callback || m->in_notify)
        return CURLM_RECURSIVE_API_CALL;
    if (m->depth)
        return m->api->multi_cleanup(m->handle);
    for (struct member *x = m->first, *next; x; x = next) {
        next = x->next;
        end_member(x);
    }
    handle_map_take(&multis, m->handle); /* before the address can be reused */
    CURLMcode r = m->api->multi_cleanup(m->handle);
    messages_free(m);
    park_free(&m->park);
    free(m->hosts);
    free(m);
    return r;
}

/* A handle without a shadow or of another libcurl; one that is in use; or there is no memory. */
static CURLMcode add_unmanaged(struct multi *m, CURL *h)
{
    CURLMcode r;
    {
        struct multi_call c __attribute__((cleanup(multi_leave), unused)) = multi_enter(m);
        r = multi_note_result(m, m->api->multi_add_handle(m->handle, h));
    }
    if (!r)
        member_adopt(m, h);
    return r;
}

/* After a callback failed, libcurl accepts no handle until all that it has are done. */
static bool is_aborting(struct multi *m)
{
    for (const struct member *x = m->first; x; x = x->next)
        if (x->state != MEMBER_DONE)
            return true;
    m->aborted = false;
    m->libcurl_due_ns = m->program_due_ns = PARK_FOREVER;
    return false;
}

/* The program's timer callback failed for the addition of this handle, as it would have if libcurl
 * had added the handle. So all transfers must end in libcurl too: libcurl calls its timer callback,
 * ours, when a handle is removed, and gets -1. Ours must not fail when a handle is added: libcurl
 * 7.88 and 8.14 keep a part of the handle that they refuse, and crash when it is freed. */
static CURLMcode undo_add(struct member *x)
{
    x->multi->aborted = false;
    member_add_to_libcurl(x);
    x->multi->aborted = true;
    member_remove_from_libcurl(x, true);
    end_member(x);
    return CURLM_ABORTED_BY_CALLBACK;
}

/* Nothing is decided before the next turn: until then the program may set options, which libcurl
 * would not have read yet either. */
CURLMcode multi_add(struct multi *m, CURL *h)
{
    struct shadow *s = shadow_find(h);
    if (s && s->member)
        return m->api->version_num >= VERSION_GUARDS_CALLS && multi_forbids_calls(m)
                   ? CURLM_RECURSIVE_API_CALL
                   : CURLM_ADDED_ALREADY;
    if (m->in_callback)
        return CURLM_RECURSIVE_API_CALL;
    if (unlikely(m->aborted) && is_aborting(m))
        return CURLM_ABORTED_BY_CALLBACK;
    struct member *x =
        s && !s->transfer && s->api == m->api && !m->depth ? member_new(m, h, s) : NULL;
    if (!x) {
        CURLMcode r = add_unmanaged(m, h);
        if (r)
            return r;
        if (s)
            shadow_clear_last_result(s);
    } else if (s->error_buffer) {
        s->error_buffer[0] = '\0';
    }
    if (x)
        member_park(x, MEMBER_ADDED, clock_now_ns());
    if (unlikely(multi_timer_update(m)) && x)
        return undo_add(x);
    m->added++;
    return CURLM_OK;
}

CURLMcode multi_remove(struct multi *m, CURL *h)
{
    struct member *x = member_find(h);
    if (x && x->multi != m)
        return CURLM_BAD_EASY_HANDLE;
    CURLMcode r;
    if (x) {
        if (multi_forbids_calls(m))
            return CURLM_RECURSIVE_API_CALL;
        r = member_remove_from_libcurl(x, false);
        if (r && r != CURLM_ABORTED_BY_CALLBACK)
            return r;
        end_member(x);
        connections_start_queued(m);
    } else {
        struct multi_call c __attribute__((cleanup(multi_leave), unused)) = multi_enter(m);
        r = multi_note_result(m, m->api->multi_remove_handle(m->handle, h));
        if (r && r != CURLM_ABORTED_BY_CALLBACK)
            return r;
        messages_drop(m, h);
    }
    CURLMcode timer = multi_timer_update(m);
    return r ? r : timer;
}

void multi_remove_freed(const CURL *h)
{
    struct member *x = member_find(h);
    if (!x)
        return;
    struct multi *m = x->multi;
    if (m->depth) { /* libcurl removes it by itself, or refuses to */
        lose_member(x);
        return;
    }
    if (m->callback_member == x)
        return; /* libcurl forbids it: the program would crash without us too */
    member_remove_from_libcurl(x, false);
    end_member(x);
    connections_start_queued(m);
    multi_timer_update(m);
}

bool multi_is_detached(const struct shadow *s)
{
    return s->member && !s->member->in_libcurl;
}

bool multi_is_calling(const struct shadow *s)
{
    const struct multi *m = s->member ? s->member->multi : NULL;
    return m && (m->depth || m->in_callback || m->in_notify);
}

bool multi_pause(struct shadow *s, int bitmask)
{
    struct member *x = s->member;
    struct transfer *t = s->transfer;
    if (!t || t->performing || (x->state == MEMBER_PARKED && !t->call.attempts))
        return false;
    t->paused = bitmask & CURLPAUSE_RECV;
    if (!t->paused && (x->state == MEMBER_DELIVERING || x->paused_past_due)) {
        x->paused_past_due = false;
        member_park(x, x->state, clock_now_ns());
        multi_timer_update(x->multi);
    }
    return true;
}
