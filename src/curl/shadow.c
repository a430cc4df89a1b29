/* SPDX-License-Identifier: MIT */
#include "curl/shadow.h"

#include "base/clock.h"
#include "curl/handle_map.h"
#include "curl/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct handle_map shadows;

/* The i-th string that the shadow owns; NULL: no more. */
static char **owned_string(struct shadow *s, int i)
{
    char **all[] = {&s->url, &s->proxy, &s->pre_proxy, &s->no_proxy, &s->unix_socket, NULL};
    return all[i];
}

static void free_strings(struct shadow *s)
{
    for (int i = 0; owned_string(s, i); i++) {
        free(*owned_string(s, i));
        *owned_string(s, i) = NULL;
    }
}

/* False: no memory, and all are NULL. */
static bool copy_strings(struct shadow *s)
{
    bool whole = true;
    for (int i = 0; owned_string(s, i); i++) {
        char **string = owned_string(s, i);
        if (*string)
            whole &= (*string = strdup(*string)) != NULL;
    }
    if (!whole)
        free_strings(s);
    return whole;
}

static void set_defaults(struct shadow *s)
{
    s->write_data = stdout;
    s->noprogress = true;
    s->fields_size = -1;
    s->upload_size = -1;
    s->dns_cache_s = 60;
    s->read_data = stdin;
}

static void shadow_free(struct shadow *s)
{
    free_strings(s);
    if (s->transfer_memory)
        transfer_free(s->transfer_memory);
    free(s);
}

struct shadow *shadow_add(CURL *handle, const struct curl_api *api)
{
    shadow_remove(handle); /* freed without our knowing, and the address reused */
    struct shadow *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    memset(s, 0, offsetof(struct shadow, binding) + offsetof(struct binding, bucket_key));
    s->handle = handle;
    s->api = api;
    set_defaults(s);
    if (!handle_map_put(&shadows, handle, s)) {
        shadow_free(s);
        return NULL;
    }
    return s;
}

struct shadow *shadow_copy(CURL *copy, const struct shadow *original)
{
    struct shadow *s = shadow_add(copy, original->api);
    if (!s)
        return NULL;
    *s = *original;
    s->handle = copy;
    s->transfer = NULL;
    s->member = NULL;
    s->last_info = NULL;
    s->hidden_errno = s->connect_errno = 0;
    s->transfer_memory = NULL;
    if (copy_strings(s))
        return s;
    shadow_remove(copy);
    return NULL;
}

struct shadow *shadow_find(const CURL *handle)
{
    return handle_map_find(&shadows, handle);
}

void shadow_remove(const CURL *handle)
{
    struct shadow *s = handle_map_take(&shadows, handle);
    if (s && s->member)
        s->member_lost(s->member);
    if (s && s->transfer && !s->transfer->ended) /* longjmp() has left it */
        call_give_back_permits(&s->transfer->call, clock_now_ns());
    if (s)
        shadow_free(s);
}

void shadow_reset(struct shadow *s)
{
    const size_t begin = offsetof(struct shadow, write_fn);
    free_strings(s);
    memset((char *)s + begin, 0, offsetof(struct shadow, hidden_errno) - begin);
    set_defaults(s);
}
