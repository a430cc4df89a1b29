/* SPDX-License-Identifier: MIT
 *
 * The real functions behind a hook. Which library a call means is told by the version node that the
 * caller's reference carries, and only where that leaves a choice by the caller's address:
 *
 *   1. the next object that the program was started with that defines the symbol at the node
 *   2. the caller's own object (libcurl calls itself), or the library that this names among those
 *      that it needs: a plug-in loaded RTLD_LOCAL brings its libcurl along
 *   3. any loaded object that defines it, for callers that have it from neither
 *
 * The first two are the order of the loader itself, but for a library that was loaded RTLD_GLOBAL later.
 * The loader is not asked, whose lock may be held by a dlopen() that waits for the caller (scope.h).
 * What is found stays: a library that could be unloaded is pinned by the next dlclose(). So a table
 * stays valid for ever. Found lazily; no lock but the one of dl_iterate_phdr(), which nobody holds for
 * long; call sites are remembered, so the usual look-up is one comparison.
 *
 *     const struct curl_api *api = real_find(from);      NULL: there is no libcurl behind the call
 *
 * Tables travel with the handles (curl/shadow.h): later calls on a handle do not come here. */
#ifndef PRELOAD_REAL_H
#define PRELOAD_REAL_H

#include "base/compiler.h"
#include "curl/api.h"

#include <stdatomic.h>

/* Who calls: the version node of the reference ("" for none) and the return address. */
struct from {
    const char *node;
    const void *caller;
};

const struct curl_api *real_find(struct from from);
/* Has the memory ready that a first look-up takes, for when the kernel may not be asked any more. */
void real_reserve(void);

/* Those that were found; NULL ends them. */
#define REAL_LIBRARIES_MAX 8
extern const struct curl_api *_Atomic real_libraries[REAL_LIBRARIES_MAX];

const struct curl_api *real_owner_of_others(const void *caller);

/* The libcurl in which a return address lies: it calls itself. NULL: none. */
static inline const struct curl_api *real_owner(const void *caller)
{
    const struct curl_api *first = atomic_load_explicit(&real_libraries[0], memory_order_acquire);
    if (likely(first && curl_api_owns(first, caller)))
        return first;
    return first ? real_owner_of_others(caller) : NULL;
}

/* Before anything is unloaded; `dl_open` is the real dlopen(). */
void real_pin(void *dl_open(const char *file, int flags));

struct text;
/* The libcurls in use, as elements of a JSON array. */
void real_list(struct text *t);

#endif
