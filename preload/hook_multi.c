/* SPDX-License-Identifier: MIT
 *
 * The hooks of the multi interface. */
#include "base/compiler.h"
#include "curl/multi/multi.h"
#include "hooks.h"
#include "hooks_off.h"

/* Our state of a multi handle; NULL: we did not see its creation. Sets `*api` to its libcurl; NULL:
 * there is none. */
static inline struct multi *find_multi(struct caller from, CURLM *m, const struct curl_api **api)
{
    struct multi *known = multi_find(m);
    *api = known ? multi_api(known) : hook_find_libcurl(from);
    return known;
}

CURLM *hook_multi_init(struct caller from)
{
    const struct curl_api *api = hook_find_libcurl(from);
    CURLM *m = api ? api->multi_init() : NULL;
    if (m && !hooks_off())
        multi_new(m, api);
    return m;
}

CURLMcode hook_multi_cleanup(struct caller from, CURLM *m)
{
    const struct curl_api *api;
    struct multi *x = find_multi(from, m, &api);
    if (x)
        return multi_cleanup(x);
    return api ? api->multi_cleanup(m) : CURLM_BAD_HANDLE;
}

CURLMcode hook_multi_add_handle(struct caller from, CURLM *m, CURL *h)
{
    const struct curl_api *api;
    struct multi *x = find_multi(from, m, &api);
    if (x)
        return multi_add(x, h);
    return api ? api->multi_add_handle(m, h) : CURLM_BAD_HANDLE;
}

CURLMcode hook_multi_remove_handle(struct caller from, CURLM *m, CURL *h)
{
    const struct curl_api *api;
    struct multi *x = find_multi(from, m, &api);
    if (x)
        return multi_remove(x, h);
    return api ? api->multi_remove_handle(m, h) : CURLM_BAD_HANDLE;
}

HOT CURLMcode hook_multi_perform(struct caller from, CURLM *m, int *running)
{
    const struct curl_api *api;
    struct multi *x = find_multi(from, m, &api);
    if (x)
        return multi_perform(x, running);
    return api ? api->multi_perform(m, running) : CURLM_BAD_HANDLE;
}

CURLMcode hook_multi_socket_action(struct caller from, CURLM *m, curl_socket_t fd, int events,
                                   int *running)
{
    const struct curl_api *api;
    struct multi *x = find_multi(from, m, &api);
    if (x)
        return multi_socket_action(x, fd, events, running);
    return api ? api->multi_socket_action(m, fd, events, running) : CURLM_BAD_HANDLE;
}

CURLMcode hook_multi_socket_all(struct caller from, CURLM *m, int *running)
{
    const struct curl_api *api;
    struct multi *x = find_multi(from, m, &api);
    if (x)
        return multi_socket_all(x, running);
    return api ? api->multi_socket_all(m, running) : CURLM_BAD_HANDLE;
}

CURLMcode hook_multi_wait(struct caller from, CURLM *m, struct curl_waitfd *extra, unsigned n,
                          int timeout_ms, int *ready)
{
    const struct curl_api *api;
    struct multi *x = find_multi(from, m, &api);
    if (x)
        return multi_wait(x, extra, n, timeout_ms, ready);
    return api ? api->multi_wait(m, extra, n, timeout_ms, ready) : CURLM_BAD_HANDLE;
}

HOT CURLMcode hook_multi_poll(struct caller from, CURLM *m, struct curl_waitfd *extra, unsigned n,
                              int timeout_ms, int *ready)
{
    const struct curl_api *api;
    struct multi *x = find_multi(from, m, &api);
    if (!api || !api->multi_poll)
        return CURLM_BAD_HANDLE;
    return x ? multi_poll(x, extra, n, timeout_ms, ready)
             : api->multi_poll(m, extra, n, timeout_ms, ready);
}

CURLMcode hook_multi_timeout(struct caller from, CURLM *m, long *timeout_ms)
{
    const struct curl_api *api;
    struct multi *x = find_multi(from, m, &api);
    if (x)
        return multi_timeout(x, timeout_ms);
    return api ? api->multi_timeout(m, timeout_ms) : CURLM_BAD_HANDLE;
}

HOT CURLMsg *hook_multi_info_read(struct caller from, CURLM *m, int *left)
{
    const struct curl_api *api;
    struct multi *x = find_multi(from, m, &api);
    if (x)
        return multi_info_read(x, left);
    return api ? api->multi_info_read(m, left) : NULL;
}

CURLMcode hook_multi_setopt(struct caller from, CURLM *m, CURLMoption option,
                            union option_argument v)
{
    const struct curl_api *api = libcurl_owner(from.address);
    struct multi *x = api ? NULL : find_multi(from, m, &api);
    if (x)
        return multi_setopt(x, option, v);
    return api ? multi_forward_setopt(api, m, option, v) : CURLM_BAD_HANDLE;
}

CURL **hook_multi_get_handles(struct caller from, CURLM *m)
{
    const struct curl_api *api;
    struct multi *x = find_multi(from, m, &api);
    if (x)
        return multi_get_handles(x);
    return api && api->multi_get_handles ? api->multi_get_handles(m) : NULL;
}

CURLMcode hook_multi_get_offt(struct caller from, CURLM *m, int info, curl_off_t *out)
{
    const struct curl_api *api;
    struct multi *x = find_multi(from, m, &api);
    if (x)
        return multi_get_offt(x, info, out);
    return api && api->multi_get_offt ? api->multi_get_offt(m, info, out) : CURLM_UNKNOWN_OPTION;
}

static CURLMcode notify(struct caller from, CURLM *m, unsigned type, bool on)
{
    const struct curl_api *api;
    struct multi *x = find_multi(from, m, &api);
    if (x)
        return multi_notify(x, type, on);
    if (!api || !api->multi_notify_enable || !api->multi_notify_disable)
        return CURLM_UNKNOWN_OPTION;
    return on ? api->multi_notify_enable(m, type) : api->multi_notify_disable(m, type);
}

CURLMcode hook_multi_notify_enable(struct caller from, CURLM *m, unsigned type)
{
    return notify(from, m, type, true);
}

CURLMcode hook_multi_notify_disable(struct caller from, CURLM *m, unsigned type)
{
    return notify(from, m, type, false);
}
