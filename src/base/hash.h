/* SPDX-License-Identifier: MIT
 *
 * 64-bit hash of a short key (XXH3). The same bytes give the same number in every process that
 * shares a board, so it is part of the board's layout. Never 0: 0 marks an empty slot. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);

/* The same for bytes that come piece by piece (XXH64). Zeroed memory is not a valid start. */
struct hash_stream {
    uint64_t opaque[12];
};
void hash_stream_begin(struct hash_stream *h);
void hash_stream_add(struct hash_stream *h, const void *p, size_t n);
uint64_t hash_stream_value(const struct hash_stream *h);

#endif
