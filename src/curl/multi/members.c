/* SPDX-License-Identifier: MIT
 *
 * The members of a multi handle: transfers that the program has added, in libcurl or parked. */
#include "curl/multi/private.h"

#include "base/precondition.h"
#include "curl/current_api.h"
#include "curl/handle_map.h"

#include <stdlib.h>

static struct handle_map without_shadow; /* members by their handles */

struct multi_call multi_enter(struct multi *m)
{
    m->depth++;
    return (struct multi_call){.multi = m, .outer = current_api_enter(m->api)};
}

void multi_leave(struct multi_call *c)
{
    c->multi->depth--;
    c->multi->mute_timer = false;
    current_api_leave(c->outer);
}

struct multi *multi_callback_enter(struct member *x)
{
    x->multi->in_callback = true;
    x->multi->callback_member = x;
    return x->multi;
}

void multi_callback_leave(struct multi **m)
{
    (*m)->in_callback = false;
    (*m)->callback_member = NULL;
}

/* Of the calls that libcurl forbids in callbacks, only curl_multi_timeout changes nothing. */
bool multi_forbids_calls(const struct multi *m)
{
    long ms;
    return m->in_callback ||
           (m->depth && m->api->multi_timeout(m->handle, &ms) == CURLM_RECURSIVE_API_CALL);
}

struct member *member_find(const CURL *h)
{
    const struct shadow *s = shadow_find(h);
    return s ? s->member : handle_map_find(&without_shadow, h);
}

struct member *member_of(const struct multi *m, const CURL *h)
{
    struct member *x = member_find(h);
    return x && x->multi == m ? x : NULL;
}

struct member *member_new(struct multi *m, CURL *h, struct shadow *s)
{
    if (!park_reserve(&m->park, m->member_count + 1) || !messages_reserve(m, m->member_count + 1))
        return NULL;
    struct member *x = calloc(1, sizeof *x);
    if (!x || (!s && !handle_map_put(&without_shadow, h, x))) {
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
    if (s) {
        s->member = x;
        s->member_lost = m->member_lost;
    }
    return x;
}

void member_delete(struct member *x)
{
    struct multi *m = x->multi;
    *(x->previous ? &x->previous->next : &m->first) = x->next;
    *(x->next ? &x->next->previous : &m->last) = x->previous;
    m->member_count--;
    if (x->shadow)
        x->shadow->member = NULL;
    else
        handle_map_take(&without_shadow, x->handle);
    free(x);
}

void member_adopt(struct multi *m, CURL *h)
{
    struct member *x = member_new(m, h, shadow_find(h));
    if (!x)
        return;
    x->state = MEMBER_UNMANAGED;
    x->in_libcurl = true;
}

CURLMcode member_add_to_libcurl(struct member *x)
{
    precondition(!x->in_libcurl);
    struct multi_call c __attribute__((cleanup(multi_leave), unused)) = multi_enter(x->multi);
    x->multi->mute_timer = true;
    CURLMcode r = x->multi->api->multi_add_handle(x->multi->handle, x->handle);
    x->in_libcurl = r == CURLM_OK;
    return multi_note_result(x->multi, r);
}

CURLMcode member_remove_from_libcurl(struct member *x, bool mute_timer)
{
    if (!x->in_libcurl)
        return CURLM_OK;
    struct multi_call c __attribute__((cleanup(multi_leave), unused)) = multi_enter(x->multi);
    x->multi->mute_timer = mute_timer;
    CURLMcode r = x->multi->api->multi_remove_handle(x->multi->handle, x->handle);
    x->in_libcurl = r && r != CURLM_ABORTED_BY_CALLBACK;
    return multi_note_result(x->multi, r);
}

void member_park(struct member *x, enum member_state state, int64_t due_ns)
{
    const struct shadow *s = x->shadow;
    member_unpark(x);
    x->state = state;
    x->wants_progress =
        state != MEMBER_ADDED && !s->noprogress && (s->xferinfo_fn || s->progress_fn);
    x->multi->progress_count += x->wants_progress;
    park_put(&x->multi->park, &x->parked, due_ns);
}

void member_unpark(struct member *x)
{
    if (!x->parked.place)
        return;
    park_take(&x->multi->park, &x->parked);
    x->multi->progress_count -= x->wants_progress;
    x->wants_progress = false;
    x->queue = QUEUE_NONE;
}
