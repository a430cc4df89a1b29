/* SPDX-License-Identifier: MIT
 *
 * Searches /etc/ld.so.cache, in which the loader of glibc finds libraries by name. */
#ifndef CLI_ELF_LD_CACHE_H
#define CLI_ELF_LD_CACHE_H

#include <stddef.h>

/* The path of the n-th entry for this name in a cache of `size` bytes, which are not trusted; NULL
 * past the end. With several architectures, a name has several entries. */
const char *ld_cache_find(const void *bytes, size_t size, const char *name, size_t n);

#endif
