/* SPDX-License-Identifier: MIT */
#include "curl/shadow.h"

#include "curl/handle_map.h"
#include "curl/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct handle_map shadows;

/* The texts that belong to the shadow; NULL ends them. */
static char **owned_text(struct shadow *s, int i)
{
    char **all[] = {&s->url, &s->proxy, &s->pre_proxy, &s->no_proxy, &s->unix_socket, NULL};
    return all[i];
}

static void free_texts(struct shadow *s)
{
    for (int i = 0; owned_text(s, i); i++) {
        free(*owned_text(s, i));
        *owned_text(s, i) = NULL;
    }
}

/* False: no memory, and there are no texts. */
static bool copy_texts(struct shadow *s)
{
    bool whole = true;
    for (int i = 0; owned_text(s, i); i++) {
        char **text = owned_text(s, i);
        if (*text)
            whole &= (*text = strdup(*text)) != NULL;
    }
    if (!whole)
        free_texts(s);
    return whole;
}

static void options_default(struct shadow *s)
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
    free_texts(s);
    if (s->transfer_memory)
        transfer_free(s->transfer_memory);
    free(s);
}

struct shadow *shadow_add(CURL *handle, const struct curl_api *api)
{
    shadow_remove(handle); /* freed behind our back, and the address used again */
    struct shadow *s = malloc(sizeof *s);
    if (!s)
        return NULL;
    memset(s, 0, offsetof(struct shadow, binding) + offsetof(struct binding, bucket_key));
    s->handle = handle;
    s->api = api;
    options_default(s);
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
    if (copy_texts(s))
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
    if (s)
        shadow_free(s);
}

void shadow_reset(struct shadow *s)
{
    const size_t begin = offsetof(struct shadow, write_fn);
    free_texts(s);
    memset((char *)s + begin, 0, offsetof(struct shadow, hidden_errno) - begin);
    options_default(s);
}
