/* SPDX-License-Identifier: MIT */
#include "curl/handle_map.h"

#include "base/compiler.h"
#include "base/precondition.h"

#include <stdint.h>
#include <stdlib.h>

/* An open-addressing table in segments of growing size. A handle is in one of them, at most
 * HANDLE_MAP_REACH places after its home, so the cost of a look-up does not grow with the number of
 * handles that were removed. A segment is never freed. */
#define SEGMENTS (1 + HANDLE_MAP_MORE)

#define REMOVED ((const void *)-1) /* removed: a look-up continues after it */

static size_t segment_size(int i)
{
    return (size_t)HANDLE_MAP_FIRST << (2 * i);
}

static size_t home_of(const void *handle, size_t size)
{
    uint64_t h = (uint64_t)(uintptr_t)handle * 0x9e3779b97f4a7c15ULL;
    return (h >> 32) & (size - 1);
}

static struct handle_map_place *segment_of(struct handle_map *map, int i)
{
    return i ? atomic_load_explicit(&map->more[i - 1], memory_order_acquire) : map->first;
}

static struct handle_map_place *place_of(struct handle_map *map, const void *handle)
{
    for (int i = 0; i < SEGMENTS; i++) {
        struct handle_map_place *seg = segment_of(map, i);
        if (!seg)
            return NULL;
        size_t size = segment_size(i), at = home_of(handle, size);
        for (int n = 0; n < HANDLE_MAP_REACH; n++) {
            struct handle_map_place *p = &seg[(at + n) & (size - 1)];
            const void *h = atomic_load_explicit(&p->handle, memory_order_acquire);
            if (h == handle)
                return p;
            if (!h)
                break;
        }
    }
    return NULL;
}

static bool place_claim(struct handle_map_place *p, const void *handle)
{
    const void *h = atomic_load_explicit(&p->handle, memory_order_relaxed);
    return (!h || h == REMOVED) && atomic_compare_exchange_strong(&p->handle, &h, handle);
}

static struct handle_map_place *segment_allocate(struct handle_map *map, int i)
{
    struct handle_map_place *seg = segment_of(map, i);
    if (seg)
        return seg;
    struct handle_map_place *fresh = calloc(segment_size(i), sizeof *fresh);
    if (!fresh)
        return NULL;
    if (atomic_compare_exchange_strong(&map->more[i - 1], &seg, fresh))
        return fresh;
    free(fresh);
    return seg;
}

bool handle_map_put(struct handle_map *map, const void *handle, void *value)
{
    precondition(handle && value);
    for (int i = 0; i < SEGMENTS; i++) {
        struct handle_map_place *seg = segment_allocate(map, i);
        if (!seg)
            return false;
        size_t size = segment_size(i), at = home_of(handle, size);
        for (int n = 0; n < HANDLE_MAP_REACH; n++) {
            struct handle_map_place *p = &seg[(at + n) & (size - 1)];
            if (place_claim(p, handle)) {
                atomic_store_explicit(&p->value, value, memory_order_release);
                return true;
            }
        }
    }
    return false;
}

void *handle_map_find(struct handle_map *map, const void *handle)
{
    if (unlikely(!handle))
        return NULL;
    struct handle_map_place *p = place_of(map, handle);
    return p ? atomic_load_explicit(&p->value, memory_order_acquire) : NULL;
}

void *handle_map_take(struct handle_map *map, const void *handle)
{
    struct handle_map_place *p = handle ? place_of(map, handle) : NULL;
    if (!p)
        return NULL;
    void *value = atomic_exchange(&p->value, NULL);
    atomic_store_explicit(&p->handle, REMOVED, memory_order_release);
    return value;
}
