/* SPDX-License-Identifier: MIT
 *
 * Memory that does not come from the program's allocator: connect() may be called in a signal
 * handler that has interrupted it, or by the allocator itself. It comes from the kernel in large
 * pieces, and is freed as a whole.
 *
 *     struct arena a = {0};
 *     struct thing *t = arena_get(&a, sizeof *t);      zeroed; NULL without memory
 *     arena_drop(&a);
 *
 * Several threads and signal handlers may allocate from one arena at once; there is no lock. Only
 * arena_drop(), and copying the struct, need exclusive access. errno is not preserved. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdatomic.h>
#include <stddef.h>

struct arena_piece;

struct arena {
    struct arena_piece *_Atomic newest;
};

/* Aligned for any type. */
void *arena_get(struct arena *a, size_t n);
void arena_drop(struct arena *a);

#endif
