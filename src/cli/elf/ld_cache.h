/* SPDX-License-Identifier: MIT
 *
 * Searches /etc/ld.so.cache, in which the loader of glibc finds libraries by name.
 *
 *     struct ld_cache cache;
 *     if (ld_cache_open(&cache, ""))
 *         path = ld_cache_find(cache.bytes, cache.size, "libcurl.so.4", 0);
 *     ld_cache_close(&cache);
 *
 * The bytes are not trusted. Strings that are returned are valid until ld_cache_close. */
#ifndef CLI_ELF_LD_CACHE_H
#define CLI_ELF_LD_CACHE_H

#include <stdbool.h>
#include <stddef.h>

struct ld_cache {
    const void *bytes;
    size_t size;
};

/* Maps ROOT/etc/ld.so.cache. False: there is none; ld_cache_close does nothing then. */
bool ld_cache_open(struct ld_cache *c, const char *root);
void ld_cache_close(struct ld_cache *c);

/* The i-th entry of all: its name and path. False past the end. Entries of variants for newer processors
 * have the name "". */
bool ld_cache_entry(const void *bytes, size_t size, size_t i, const char **name, const char **path);
/* The path of the n-th entry for this name; NULL past the end. With several architectures, a name has
 * several entries. */
const char *ld_cache_find(const void *bytes, size_t size, const char *name, size_t n);

#endif
