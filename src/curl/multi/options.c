/* SPDX-License-Identifier: MIT
 *
 * curl_multi_setopt, and what a multi handle reports about itself. */
#include "curl/multi/private.h"

#include <limits.h>
#include <string.h>

/* A pushed handle is a copy of its parent, which has our callbacks on it. */
static int on_push(CURL *parent, CURL *easy, size_t n, struct curl_pushheaders *headers,
                   void *multi)
{
    struct multi *m = multi;
    const struct shadow *s = shadow_find(parent);
    if (s && s->transfer)
        transfer_unwrap_copy(s->transfer, easy);
    int answer = m->push_fn(parent, easy, n, headers, m->push_data);
    if (answer == CURL_PUSH_OK)
        member_adopt(m, easy);
    else if (answer == CURL_PUSH_ERROROUT && s && s->transfer)
        s->transfer->is_last = true;
    return answer;
}

/* libcurl's notifications are dropped: another attempt may follow a result that it reports.
 * messages_notify calls the program instead. */
static void on_notify(CURLM *handle, unsigned notification, CURL *h, void *data)
{
    (void)handle;
    (void)notification;
    (void)h;
    (void)data;
}

CURLMcode multi_forward_setopt(const struct curl_api *api, CURLM *handle, CURLMoption option,
                               union option_argument v)
{
    if ((int)option < CURLOPTTYPE_OBJECTPOINT)
        return api->multi_setopt(handle, option, v.number);
    if ((int)option >= CURLOPTTYPE_OFF_T)
        return api->multi_setopt(handle, option, v.offset);
    return api->multi_setopt(handle, option, v.pointer);
}

/* Sets our function in place of the program's. */
static CURLMcode replace_function(struct multi *m, CURLMoption option, union option_argument v,
                                  void (*ours)(void), CURLMoption data_option)
{
    union option_argument self = {.pointer = m}, function = {.function = v.pointer ? ours : NULL};
    CURLMcode r = multi_forward_setopt(m->api, m->handle, option, function);
    return r ? r : multi_forward_setopt(m->api, m->handle, data_option, self);
}

/* Sets our pointer again, because libcurl may refuse the option, as it does in callbacks. */
static CURLMcode replace_data(struct multi *m, CURLMoption option, union option_argument v,
                              void **kept)
{
    union option_argument self = {.pointer = m};
    CURLMcode r = multi_forward_setopt(m->api, m->handle, option, self);
    if (!r)
        *kept = v.pointer;
    return r;
}

CURLMcode multi_setopt(struct multi *m, CURLMoption option, union option_argument v)
{
    CURLMcode r;
    switch ((int)option) {
    case CURLMOPT_TIMERFUNCTION:
        r = replace_function(m, option, v, (void (*)(void))multi_timer_callback,
                             CURLMOPT_TIMERDATA);
        if (!r)
            m->timer_fn = (curl_multi_timer_callback)v.function;
        return r;
    case CURLMOPT_TIMERDATA:
        return replace_data(m, option, v, &m->timer_data);
    case CURLMOPT_PUSHFUNCTION:
        r = replace_function(m, option, v, (void (*)(void))on_push, CURLMOPT_PUSHDATA);
        if (!r)
            m->push_fn = (curl_push_callback)v.function;
        return r;
    case CURLMOPT_PUSHDATA:
        return replace_data(m, option, v, &m->push_data);
    case MULTI_OPTION_NOTIFYFUNCTION:
        r = replace_function(m, option, v, (void (*)(void))on_notify, MULTI_OPTION_NOTIFYDATA);
        if (!r)
            m->notify_fn = (notify_function *)v.function;
        return r;
    case MULTI_OPTION_NOTIFYDATA:
        return replace_data(m, option, v, &m->notify_data);
    default:
        break;
    }
    r = multi_forward_setopt(m->api, m->handle, option, v);
    if (r)
        return r;
    if (option == CURLMOPT_MAX_TOTAL_CONNECTIONS)
        m->max_total = v.number;
    else if (option == CURLMOPT_MAX_HOST_CONNECTIONS)
        m->max_host = v.number;
    else if (option == CURLMOPT_MAX_CONCURRENT_STREAMS)
        m->max_streams = v.number < 1 || v.number > INT_MAX ? STREAMS_DEFAULT : v.number;
    else
        return CURLM_OK;
    connections_recount(m);
    connections_start_queued(m);
    return multi_timer_update(m);
}

CURLMcode multi_notify(struct multi *m, unsigned type, bool on)
{
    CURLMcode (*real)(CURLM *, unsigned) =
        on ? m->api->multi_notify_enable : m->api->multi_notify_disable;
    CURLMcode r = real ? real(m->handle, type) : CURLM_UNKNOWN_OPTION;
    if (r || type > NOTIFY_EASY_DONE)
        return r;
    if (on)
        m->notify_mask |= 1U << type;
    else
        m->notify_mask &= ~(1U << type);
    return r;
}

/* Members that are not in libcurl's multi handle; with done, only those that have ended. */
static size_t count_outside(const struct multi *m, bool done)
{
    size_t n = 0;
    for (const struct member *x = m->first; x; x = x->next)
        n += !x->in_libcurl && (!done || x->state == MEMBER_DONE);
    return n;
}

/* The program frees the list with curl_free, and may have given libcurl an allocator of its own, so
 * the longer list must be allocated by libcurl: its printf does that. */
CURL **multi_get_handles(struct multi *m)
{
    const struct curl_api *api = m->api;
    CURL **known = api->multi_get_handles ? api->multi_get_handles(m->handle) : NULL;
    size_t n = 0, more = count_outside(m, false);
    if (!known || !more || !api->maprintf)
        return known;
    while (known[n])
        n++;
    CURL **all = (CURL **)(void *)api->maprintf("%*s", (int)((n + more + 1) * sizeof *all), "");
    if (all) {
        memcpy(all, known, n * sizeof *all);
        for (const struct member *x = m->first; x; x = x->next)
            if (!x->in_libcurl)
                all[n++] = x->handle;
        all[n] = NULL;
    }
    api->free(known);
    return all;
}

CURLMcode multi_get_offt(struct multi *m, int info, curl_off_t *out)
{
    enum { CURRENT = 1, RUNNING = 2, DONE = 4, ADDED = 5 };
    if (!m->api->multi_get_offt)
        return CURLM_UNKNOWN_OPTION;
    CURLMcode r = m->api->multi_get_offt(m->handle, info, out);
    if (r)
        return r;
    if (info == CURRENT)
        *out += (curl_off_t)count_outside(m, false);
    else if (info == RUNNING)
        *out += (curl_off_t)m->park.count;
    else if (info == DONE)
        *out += (curl_off_t)count_outside(m, true);
    else if (info == ADDED)
        *out = m->added;
    return CURLM_OK;
}
