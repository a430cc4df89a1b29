/* SPDX-License-Identifier: MIT
 *
 * Parked items, which wait outside libcurl until they are due: a binary heap, ordered by that time. Items
 * that are due at the same time keep the order in which they were put in. members.c parks a transfer, and
 * turn.c takes it out (multi.h).
 *
 *     struct park p = {0};
 *     park_reserve(&p, n)                  room for n items; false: no memory
 *     park_put(&p, &item->parked, due)     puts it in, or moves it; cannot fail within that room
 *     park_first(&p)                       NULL: empty
 *     park_take(&p, &item->parked)         takes it out, if it is in
 *     park_free(&p)
 *
 * struct parked is a member of the item. One thread. */
#ifndef CURL_MULTI_PARK_H
#define CURL_MULTI_PARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARK_FOREVER INT64_MAX

struct parked {
    int64_t due_ns;
    uint64_t order;
    size_t place; /* in the heap, from 1 on; 0: not in it */
};

struct park {
    struct parked **heap;
    size_t count, room;
    uint64_t orders;
};

bool park_reserve(struct park *p, size_t n);
void park_put(struct park *p, struct parked *x, int64_t due_ns);
void park_take(struct park *p, struct parked *x);
void park_free(struct park *p);

static inline struct parked *park_first(const struct park *p)
{
    return p->count ? p->heap[0] : NULL;
}

#endif
