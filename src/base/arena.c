/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include "base/sizes.h"

#include <stdint.h>
#include <sys/mman.h>

struct arena_piece {
    struct arena_piece *older;
    size_t size;         /* with this header */
    _Atomic size_t used; /* may exceed size, after requests that did not fit */
    max_align_t bytes[];
};

static void *take_from(struct arena_piece *p, size_t n)
{
    if (atomic_load_explicit(&p->used, memory_order_relaxed) > p->size - n)
        return NULL;
    size_t at = atomic_fetch_add_explicit(&p->used, n, memory_order_relaxed);
    return at <= p->size - n ? (char *)p + at : NULL;
}

/* Pages that are never touched cost nothing. */
static struct arena_piece *new_piece(size_t n)
{
    size_t size = sizeof(struct arena_piece) + n;
    if (size < ARENA_PIECE_BYTES)
        size = ARENA_PIECE_BYTES;
    struct arena_piece *p =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    p->size = size;
    p->used = sizeof(struct arena_piece) + n;
    return p;
}

/* If several threads need a new piece at once, each maps its own, and all of them are put into the
 * list. */
void *arena_get(struct arena *a, size_t n)
{
    if (n > SIZE_MAX / 2)
        return NULL;
    n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct arena_piece *newest = atomic_load_explicit(&a->newest, memory_order_acquire);
    void *p = newest && n <= newest->size ? take_from(newest, n) : NULL;
    if (p)
        return p;
    struct arena_piece *own = new_piece(n);
    if (!own)
        return NULL;
    own->older = newest;
    while (!atomic_compare_exchange_weak_explicit(&a->newest, &own->older, own,
                                                  memory_order_release, memory_order_relaxed))
        ;
    return own->bytes;
}

void arena_drop(struct arena *a)
{
    for (struct arena_piece *p = atomic_exchange(&a->newest, NULL), *older; p; p = older) {
        older = p->older;
        munmap(p, p->size);
    }
}
