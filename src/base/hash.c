/* SPDX-License-Identifier: MIT */
#define XXH_INLINE_ALL
#include "base/hash.h"

#include <xxhash.h>

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
    uint64_t h = XXH3_64bits_withSeed(p, n, seed);
    return h ? h : 1;
}
