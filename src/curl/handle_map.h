/* SPDX-License-Identifier: MIT
 *
 * What of ours belongs to a handle of libcurl's: a table from one pointer to another.
 *
 *     static struct handle_map shadows;
 *     handle_map_put(&shadows, handle, shadow);          false: no memory, or full
 *     handle_map_find(&shadows, handle);                 NULL: not ours
 *     handle_map_take(&shadows, handle);                 forgets it, and returns what was ours
 *
 * Zero-initialised, for ever. Lock-free: a handle is used by one thread at a time (libcurl's own
 * rule), so the only race is between different handles. Safe after fork at any moment. */
#ifndef CURL_HANDLE_MAP_H
#define CURL_HANDLE_MAP_H

#include "base/sizes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Segments after the first. */
#define HANDLE_MAP_MORE 11

struct handle_map_place {
    const void *_Atomic handle;
    void *_Atomic ours;
};

struct handle_map {
    struct handle_map_place first[HANDLE_MAP_FIRST];
    struct handle_map_place *_Atomic more[HANDLE_MAP_MORE];
};

bool handle_map_put(struct handle_map *r, const void *handle, void *ours);
void *handle_map_find(struct handle_map *r, const void *handle);
void *handle_map_take(struct handle_map *r, const void *handle);

#endif
