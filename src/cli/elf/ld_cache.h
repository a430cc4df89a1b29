/* SPDX-License-Identifier: MIT
 *
 * /etc/ld.so.cache: where the loader of glibc looks for a library's name. */
#ifndef CLI_ELF_LD_CACHE_H
#define CLI_ELF_LD_CACHE_H

#include <stdbool.h>
#include <stddef.h>

/* The path of the n-th entry of that name in a cache of `size` bytes, which are not trusted; NULL past
 * the end. One name has several entries where there are several architectures. */
const char *ld_cache_find(const void *bytes, size_t size, const char *name, size_t n);

#endif
