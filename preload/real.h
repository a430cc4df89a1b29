/* SPDX-License-Identifier: MIT
 *
 * The real functions behind a hook. Which library a call means is told by the version node that the
 * caller's reference carries, and only where that leaves a choice by the caller's address:
 *
 *   1. the next object in the global order (RTLD_NEXT) that defines the symbol at the node
 *   2. the caller's own scope: a plug-in loaded RTLD_LOCAL brings its libcurl along
 *   3. any loaded object that defines it, for callers that have it from neither
 *
 * The first two are the order of the loader itself. The library that is found is pinned, so that a
 * table stays valid for ever. Found lazily; no lock; call sites are remembered, so the usual look-up
 * is one comparison.
 *
 *     const struct curl_api *api = real_find(from);      NULL: there is no libcurl behind the call
 *
 * Tables travel with the handles (curl/shadow.h): later calls on a handle do not come here. */
#ifndef PRELOAD_REAL_H
#define PRELOAD_REAL_H

#include "curl/api.h"

#include <stdbool.h>

/* Who calls: the version node of the reference ("" for none) and the return address. */
struct from {
    const char *node;
    const void *caller;
};

const struct curl_api *real_find(struct from from);

/* Whether a return address lies in a libcurl that was found. */
bool real_is_libcurl(const void *caller);

struct text;
/* The libcurls in use, as elements of a JSON array. */
void real_list(struct text *t);

#endif
