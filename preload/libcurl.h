/* SPDX-License-Identifier: MIT
 *
 * Finds the libcurl that a call refers to, as a table of its functions. The version node of the
 * caller's reference decides. Where several libraries have it, the caller's address decides:
 *
 *   1. of the objects loaded at program start, the first behind this one that defines the symbol at
 *      the node
 *   2. the caller's own object (libcurl calls itself), or a library that it needs (DT_NEEDED): a
 *      plug-in loaded with RTLD_LOCAL brings its own libcurl
 *   3. any loaded object that defines it
 *
 * 1 and 2 are the loader's order, except for a library loaded later with RTLD_GLOBAL. The search
 * does not use the loader, whose lock may be held by a dlopen() that waits for the caller
 * (scope.h). It takes only the lock of dl_iterate_phdr(), which is never held for long. Call sites
 * are remembered, so that a lookup is usually one comparison. A table stays valid for ever: the
 * next dlclose() pins a library that could be unloaded. Any thread.
 *
 *     const struct curl_api *api = libcurl_find(from);      NULL: there is no libcurl behind the call
 *
 * Handles keep their table (curl/shadow.h): later calls on a handle do not come here. */
#ifndef PRELOAD_LIBCURL_H
#define PRELOAD_LIBCURL_H

#include "base/compiler.h"
#include "curl/api.h"

#include <stdatomic.h>

struct caller {
    const char *node;    /* version node of its reference; "": none */
    const void *address; /* return address of the call */
};

const struct curl_api *libcurl_find(struct caller from);
/* Allocates the memory for a first lookup, while system calls are still allowed. */
void libcurl_reserve(void);

/* The libcurls found so far, up to the first NULL. */
#define LIBCURLS_MAX 8
extern const struct curl_api *_Atomic libcurls_found[LIBCURLS_MAX];

/* The rest of libcurl_owner(): all libraries but the first. */
const struct curl_api *libcurl_owner_of_others(const void *caller);

/* The libcurl whose code contains a return address: it calls its own functions. NULL: none. */
static inline const struct curl_api *libcurl_owner(const void *caller)
{
    const struct curl_api *first = atomic_load_explicit(&libcurls_found[0], memory_order_acquire);
    if (likely(first && curl_api_owns(first, caller)))
        return first;
    return first ? libcurl_owner_of_others(caller) : NULL;
}

/* Called before anything is unloaded; `dl_open` is the real dlopen(). */
void libcurl_pin(void *dl_open(const char *file, int flags));

struct text;
/* The libcurls that the program uses, as elements of a JSON array, each followed by a comma
 * (json.h). */
void libcurl_list(struct text *t);

#endif
