/* SPDX-License-Identifier: MIT
 *
 * 64-bit hash of a short key (XXH3); never 0, which marks an empty slot.
 *
 * The same bytes give the same number in all processes that share a board, so the function is part
 * of the board's layout. Pure functions; a stream belongs to one thread at a time. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);

/* A hash of bytes that are added piece by piece (XXH64). hash_stream_begin() must come first. */
struct hash_stream {
    uint64_t opaque[12];
};
void hash_stream_begin(struct hash_stream *h);
void hash_stream_add(struct hash_stream *h, const void *p, size_t n);
uint64_t hash_stream_value(const struct hash_stream *h);

#endif
