/* SPDX-License-Identifier: MIT */
#include "curl/shadow.h"

#include "base/compiler.h"
#include "curl/transfer.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Segments of an open-addressing table. A handle lies within PROBE_MAX places of its home in one of
 * them, so a look-up is bounded however many handles came and went; a segment is never freed. */
#define PROBE_MAX     16
#define SEGMENT_FIRST 256
#define SEGMENTS_MAX  12

#define REMOVED ((const CURL *)-1) /* was in use: look further */

struct place {
    const CURL *_Atomic handle;
    struct shadow *_Atomic shadow;
};

static struct place first_segment[SEGMENT_FIRST];
static struct place *_Atomic segments[SEGMENTS_MAX] = {first_segment};

static size_t segment_size(int i)
{
    return (size_t)SEGMENT_FIRST << (2 * i);
}

static size_t home_of(const CURL *handle, size_t size)
{
    uint64_t h = (uint64_t)(uintptr_t)handle * 0x9e3779b97f4a7c15ULL;
    return (h >> 32) & (size - 1);
}

static struct place *place_of(const CURL *handle)
{
    for (int i = 0; i < SEGMENTS_MAX; i++) {
        struct place *seg = atomic_load_explicit(&segments[i], memory_order_acquire);
        if (!seg)
            return NULL;
        size_t size = segment_size(i), at = home_of(handle, size);
        for (int n = 0; n < PROBE_MAX; n++) {
            struct place *p = &seg[(at + n) & (size - 1)];
            const CURL *h = atomic_load_explicit(&p->handle, memory_order_acquire);
            if (h == handle)
                return p;
            if (!h)
                break;
        }
    }
    return NULL;
}

static bool place_claim(struct place *p, const CURL *handle)
{
    const CURL *h = atomic_load_explicit(&p->handle, memory_order_relaxed);
    return (!h || h == REMOVED) && atomic_compare_exchange_strong(&p->handle, &h, handle);
}

static struct place *segment_get(int i)
{
    struct place *seg = atomic_load_explicit(&segments[i], memory_order_acquire);
    if (seg)
        return seg;
    struct place *fresh = calloc(segment_size(i), sizeof *fresh);
    if (!fresh)
        return NULL;
    if (atomic_compare_exchange_strong(&segments[i], &seg, fresh))
        return fresh;
    free(fresh);
    return seg;
}

static bool table_insert(struct shadow *s)
{
    for (int i = 0; i < SEGMENTS_MAX; i++) {
        struct place *seg = segment_get(i);
        if (!seg)
            return false;
        size_t size = segment_size(i), at = home_of(s->handle, size);
        for (int n = 0; n < PROBE_MAX; n++) {
            struct place *p = &seg[(at + n) & (size - 1)];
            if (place_claim(p, s->handle)) {
                atomic_store_explicit(&p->shadow, s, memory_order_release);
                return true;
            }
        }
    }
    return false;
}

/* The texts that belong to the shadow; NULL ends them. */
static char **owned_text(struct shadow *s, int i)
{
    char **all[] = {&s->url, &s->proxy, &s->pre_proxy, &s->no_proxy, NULL};
    return all[i];
}

static void free_texts(struct shadow *s)
{
    for (int i = 0; owned_text(s, i); i++)
        free(*owned_text(s, i));
}

/* False: no memory, and nothing is left to be freed. */
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
    free_texts(s);
    struct shadow fresh = {
        .handle = s->handle,
        .api = s->api,
        .transfer = s->transfer,
        .write_data = stdout,
        .noprogress = true,
        .fields_size = -1,
        .upload_size = -1,
        .read_data = stdin,
        .binding = s->binding, /* a transfer in flight counts there */
        .hidden_errno = s->hidden_errno,
        .transfer_memory = s->transfer_memory,
    };
    *s = fresh;
}

static void shadow_free(struct shadow *s)
{
    free_texts(s);
    if (s->transfer_memory)
        hold_free(&s->transfer_memory->gate.hold);
    free(s->transfer_memory);
    free(s);
}

struct shadow *shadow_add(CURL *handle, const struct curl_api *api)
{
    shadow_remove(handle); /* freed behind our back, and the address used again */
    struct shadow *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->handle = handle;
    s->api = api;
    options_default(s);
    if (!table_insert(s)) {
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
    struct shadow texts = *original;
    if (!copy_texts(&texts)) {
        shadow_remove(copy);
        return NULL;
    }
    *s = texts;
    s->handle = copy;
    s->transfer = NULL;
    s->hidden_errno = 0;
    s->transfer_memory = NULL;
    return s;
}

struct shadow *shadow_find(const CURL *handle)
{
    if (unlikely(!handle))
        return NULL;
    struct place *p = place_of(handle);
    return p ? atomic_load_explicit(&p->shadow, memory_order_acquire) : NULL;
}

void shadow_remove(const CURL *handle)
{
    struct place *p = handle ? place_of(handle) : NULL;
    if (!p)
        return;
    struct shadow *s = atomic_exchange(&p->shadow, NULL);
    atomic_store_explicit(&p->handle, REMOVED, memory_order_release);
    if (s)
        shadow_free(s);
}

void shadow_reset(struct shadow *s)
{
    options_default(s);
}
