/* SPDX-License-Identifier: MIT
 *
 * The hooks of the easy interface: curl_easy_perform() goes to curl/easy.h, curl_easy_setopt() is also
 * recorded in the handle's shadow (curl/shadow.h). */
#include "hooks.h"

#include "base/clock.h"
#include "curl/easy.h"
#include "curl/multi/multi.h"
#include "curl/transfer.h"
#include "engine/engine.h"
#include "hooks_off.h"

const struct curl_api *hook_find_libcurl(struct caller from)
{
    const struct curl_api *api = libcurl_find(from);
    if (!api)
        engine_internal_error("a function of libcurl was called, but no libcurl was found");
    return api;
}

static CURLcode forward_setopt(const struct curl_api *api, CURL *h, CURLoption option,
                               union option_argument v)
{
    if (option < CURLOPTTYPE_OBJECTPOINT)
        return api->easy_setopt(h, option, v.number);
    if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
        return api->easy_setopt(h, option, v.offset);
    return api->easy_setopt(h, option, v.pointer);
}

CURL *hook_easy_init(struct caller from)
{
    const struct curl_api *api = hook_find_libcurl(from);
    CURL *h = api ? api->easy_init() : NULL;
    if (h && !hooks_off() && !curl_api_owns(api, from.address))
        shadow_add(h, api);
    return h;
}

void hook_easy_cleanup(struct caller from, CURL *h)
{
    struct shadow *s = shadow_find(h);
    const struct curl_api *api = s ? s->api : hook_find_libcurl(from);
    if (s && s->transfer && !s->member) /* longjmp() has left it */
        call_give_back_permits(&s->transfer->call, clock_now_ns());
    if (s && easy_is_guarded(s))
        return;
    multi_remove_freed(h);
    if (s && !s->transfer)
        shadow_remove(h); /* before libcurl can use the address again */
    if (api)
        api->easy_cleanup(h);
}

void hook_easy_reset(struct caller from, CURL *h)
{
    struct shadow *s = shadow_find(h);
    const struct curl_api *api = s ? s->api : hook_find_libcurl(from);
    if (s && easy_is_guarded(s))
        return;
    if (api)
        api->easy_reset(h);
    if (s && s->transfer)
        s->transfer->reset = true;
    if (s)
        shadow_reset(s);
}

CURL *hook_easy_duphandle(struct caller from, CURL *h)
{
    struct shadow *s = shadow_find(h);
    const struct curl_api *api = s ? s->api : hook_find_libcurl(from);
    CURL *copy = api ? api->easy_duphandle(h) : NULL;
    if (copy && s && s->transfer)
        transfer_unwrap_copy(s->transfer, copy);
    if (copy && s && !curl_api_owns(api, from.address))
        shadow_copy(copy, s);
    return copy;
}

CURLcode hook_easy_setopt(struct caller from, CURL *h, CURLoption option, union option_argument v)
{
    struct shadow *s = shadow_find(h);
    if (!s) {
        const struct curl_api *api = hook_find_libcurl(from);
        return api ? forward_setopt(api, h, option, v) : CURLE_FAILED_INIT;
    }
    CURLcode r = CURLE_OK;
    if (!transfer_replaces(s, option))
        r = forward_setopt(s->api, h, option, v);
    if (r == CURLE_OK)
        shadow_setopt(s, option, v);
    return r;
}

CURLcode hook_easy_getinfo(struct caller from, CURL *h, CURLINFO info, void *out)
{
    struct shadow *s = shadow_find(h);
    if (s && out && easy_getinfo(s, info, out)) /* libcurl refuses NULL */
        return CURLE_OK;
    const struct curl_api *api = s ? s->api : hook_find_libcurl(from);
    return api ? api->easy_getinfo(h, info, out) : CURLE_FAILED_INIT;
}

CURLcode hook_easy_perform(struct caller from, CURL *h)
{
    struct shadow *s = shadow_find(h);
    if (s)
        return easy_perform(s);
    const struct curl_api *api = hook_find_libcurl(from);
    return api ? api->easy_perform(h) : CURLE_FAILED_INIT;
}

CURLcode hook_easy_pause(struct caller from, CURL *h, int bitmask)
{
    struct shadow *s = shadow_find(h);
    if (s && (s->member ? multi_pause(s, bitmask) : easy_pause(s, bitmask)))
        return CURLE_OK;
    const struct curl_api *api = s ? s->api : hook_find_libcurl(from);
    return api ? api->easy_pause(h, bitmask) : CURLE_FAILED_INIT;
}

CURLHcode hook_easy_header(struct caller from, CURL *h, const char *name, size_t index,
                           unsigned origin, int request, struct curl_header **out)
{
    struct shadow *s = shadow_find(h);
    const struct curl_api *api = s ? s->api : hook_find_libcurl(from);
    if (!api || !api->easy_header)
        return CURLHE_NOT_BUILT_IN;
    return s ? easy_header(s, name, index, origin, request, out)
             : api->easy_header(h, name, index, origin, request, out);
}

struct curl_header *hook_easy_nextheader(struct caller from, CURL *h, unsigned origin, int request,
                                         struct curl_header *previous)
{
    struct shadow *s = shadow_find(h);
    const struct curl_api *api = s ? s->api : hook_find_libcurl(from);
    if (!api || !api->easy_nextheader)
        return NULL;
    return s ? easy_nextheader(s, origin, request, previous)
             : api->easy_nextheader(h, origin, request, previous);
}

CURLcode hook_mime_data_cb(struct caller from, curl_mimepart *part, curl_off_t size,
                           curl_read_callback read_fn, curl_seek_callback seek_fn,
                           curl_free_callback free_fn, void *arg)
{
    const struct curl_api *api = hook_find_libcurl(from);
    if (!api || !api->mime_data_cb)
        return CURLE_FAILED_INIT;
    CURLcode r = api->mime_data_cb(part, size, read_fn, seek_fn, free_fn, arg);
    if (!r && read_fn && !hooks_off() && !curl_api_owns(api, from.address))
        request_body_note_callback_part();
    return r;
}

CURLcode hook_mime_filedata(struct caller from, curl_mimepart *part, const char *path)
{
    const struct curl_api *api = hook_find_libcurl(from);
    CURLcode r = api && api->mime_filedata ? api->mime_filedata(part, path) : CURLE_FAILED_INIT;
    if (!r && !hooks_off())
        request_body_note_file_part(path);
    return r;
}
