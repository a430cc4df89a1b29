/* SPDX-License-Identifier: MIT
 *
 * What waits, by the time at which it is due: a binary heap. Of those that are due at the same time,
 * who came first is first.
 *
 *     struct park p = {0};
 *     park_reserve(&p, n)                  room for n at once; false: no memory
 *     park_put(&p, &item->parked, due)     puts it in, or moves it; never fails within that room
 *     park_first(&p)                       NULL: nothing waits
 *     park_take(&p, &item->parked)         out again; nothing happens if it is not in
 *     park_free(&p)
 *
 * struct parked is part of what waits. One thread. */
#ifndef CURL_MULTI_PARK_H
#define CURL_MULTI_PARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARK_FOREVER INT64_MAX

struct parked {
    int64_t due_ns;
    uint64_t order;
    size_t place; /* in the heap, from 1 on; 0: it is not there */
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
