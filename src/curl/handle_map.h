/* SPDX-License-Identifier: MIT
 *
 * A table from handles of libcurl to our data for them.
 *
 *     static struct handle_map shadows;
 *     handle_map_put(&shadows, handle, shadow);        false: no memory, or full
 *     handle_map_find(&shadows, handle);               NULL: unknown
 *     handle_map_take(&shadows, handle);               removes it, and returns its value
 *
 * Zero-initialised and never freed. Lock-free: libcurl allows one thread at a time per handle, so
 * only operations for different handles can race. Safe after fork at any time. */
#ifndef CURL_HANDLE_MAP_H
#define CURL_HANDLE_MAP_H

#include "base/sizes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Segments that are allocated after the first one. */
#define HANDLE_MAP_MORE 11

struct handle_map_place {
    const void *_Atomic handle;
    void *_Atomic value;
};

struct handle_map {
    struct handle_map_place first[HANDLE_MAP_FIRST];
    struct handle_map_place *_Atomic more[HANDLE_MAP_MORE];
};

bool handle_map_put(struct handle_map *map, const void *handle, void *value);
void *handle_map_find(struct handle_map *map, const void *handle);
void *handle_map_take(struct handle_map *map, const void *handle);

#endif
