/* SPDX-License-Identifier: MIT
 *
 * Memory that does not come from the program's allocator, which may be at work in this very thread:
 * connect() may be called in a signal handler, and by an allocator itself. It comes from the kernel,
 * piece by piece, and is given back as a whole.
 *
 *     struct arena a = {0};
 *     struct thing *t = arena_get(&a, sizeof *t);      zeroed; NULL for lack of memory
 *     arena_drop(&a);
 *
 * Any threads at once, and signal handlers, may get from one arena: there is no lock. Who drops it, or
 * copies the struct to another place, is alone. errno is not preserved. */
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
