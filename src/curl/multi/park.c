/* SPDX-License-Identifier: MIT */
#include "curl/multi/park.h"

#include "base/precondition.h"
#include "base/sizes.h"

#include <stdlib.h>

static bool is_due_before(const struct parked *a, const struct parked *b)
{
    return a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->order < b->order);
}

static void place_at(struct park *p, size_t place, struct parked *x)
{
    p->heap[place - 1] = x;
    x->place = place;
}

static void sift_up(struct park *p, struct parked *x)
{
    size_t at = x->place;
    for (; at > 1 && is_due_before(x, p->heap[at / 2 - 1]); at /= 2)
        place_at(p, at, p->heap[at / 2 - 1]);
    place_at(p, at, x);
}

static void sift_down(struct park *p, struct parked *x)
{
    size_t at = x->place;
    for (size_t child; (child = at * 2) <= p->count; at = child) {
        if (child < p->count && is_due_before(p->heap[child], p->heap[child - 1]))
            child++;
        if (!is_due_before(p->heap[child - 1], x))
            break;
        place_at(p, at, p->heap[child - 1]);
    }
    place_at(p, at, x);
}

bool park_reserve(struct park *p, size_t n)
{
    if (n <= p->room)
        return true;
    size_t room = n < PARK_FIRST ? PARK_FIRST : n * 2;
    struct parked **heap = realloc(p->heap, room * sizeof(struct parked *));
    if (!heap)
        return false;
    p->heap = heap;
    p->room = room;
    return true;
}

void park_put(struct park *p, struct parked *x, int64_t due_ns)
{
    precondition(x->place || p->count < p->room);
    if (!x->place)
        place_at(p, ++p->count, x);
    x->due_ns = due_ns;
    x->order = ++p->orders;
    sift_up(p, x);
    sift_down(p, x);
}

void park_take(struct park *p, struct parked *x)
{
    if (!x->place)
        return;
    struct parked *last = p->heap[--p->count];
    if (last != x) {
        last->place = x->place;
        sift_up(p, last);
        sift_down(p, last);
    }
    x->place = 0;
}

void park_free(struct park *p)
{
    free(p->heap);
    *p = (struct park){0};
}
