/* SPDX-License-Identifier: MIT
 *
 * What of ours belongs to a handle of libcurl's: a table from one pointer to another.
 *
 *     static struct registry shadows;
 *     registry_put(&shadows, handle, shadow);          false: no memory, or full
 *     registry_find(&shadows, handle);                 NULL: not ours
 *     registry_take(&shadows, handle);                 forgets it, and returns what was ours
 *
 * Zero-initialised, for ever. Lock-free: a handle is used by one thread at a time (libcurl's own
 * rule), so the only race is between different handles. Safe after fork at any moment. */
#ifndef CURL_REGISTRY_H
#define CURL_REGISTRY_H

#include "base/sizes.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Segments after the first. */
#define REGISTRY_MORE 11

struct registry_place {
    const void *_Atomic handle;
    void *_Atomic ours;
};

struct registry {
    struct registry_place first[REGISTRY_FIRST];
    struct registry_place *_Atomic more[REGISTRY_MORE];
};

bool registry_put(struct registry *r, const void *handle, void *ours);
void *registry_find(struct registry *r, const void *handle);
void *registry_take(struct registry *r, const void *handle);

#endif
