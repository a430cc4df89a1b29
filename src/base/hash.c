/* SPDX-License-Identifier: MIT */
#define XXH_INLINE_ALL
#include "base/hash.h"

#include <xxhash.h>

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
    uint64_t h = XXH3_64bits_withSeed(p, n, seed);
    return h ? h : 1;
}

_Static_assert(sizeof(XXH64_state_t) <= sizeof(struct hash_stream), "room for the state");

void hash_stream_begin(struct hash_stream *h)
{
    XXH64_reset((XXH64_state_t *)h, 0);
}

void hash_stream_add(struct hash_stream *h, const void *p, size_t n)
{
    XXH64_update((XXH64_state_t *)h, p, n);
}

uint64_t hash_stream_value(const struct hash_stream *h)
{
    return XXH64_digest((const XXH64_state_t *)h);
}
