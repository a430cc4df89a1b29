/* SPDX-License-Identifier: MIT */
#include "curl/multi/park.h"

#include "base/precondition.h"
#include "base/sizes.h"

#include <stdlib.h>

static bool before(const struct parked *a, const struct parked *b)
{
    return a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->order < b->order);
}

static void set(struct park *p, size_t place, struct parked *x)
{
    p->heap[place - 1] = x;
    x->place = place;
}

static void up(struct park *p, struct parked *x)
{
    size_t at = x->place;
    for (; at > 1 && before(x, p->heap[at / 2 - 1]); at /= 2)
        set(p, at, p->heap[at / 2 - 1]);
    set(p, at, x);
}

static void down(struct park *p, struct parked *x)
{
    size_t at = x->place;
    for (size_t child; (child = at * 2) <= p->count; at = child) {
        if (child < p->count && before(p->heap[child], p->heap[child - 1]))
            child++;
        if (!before(p->heap[child - 1], x))
            break;
        set(p, at, p->heap[child - 1]);
    }
    set(p, at, x);
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
        set(p, ++p->count, x);
    x->due_ns = due_ns;
    x->order = ++p->orders;
    up(p, x);
    down(p, x);
}

void park_take(struct park *p, struct parked *x)
{
    if (!x->place)
        return;
    struct parked *last = p->heap[--p->count];
    if (last != x) {
        last->place = x->place;
        up(p, last);
        down(p, last);
    }
    x->place = 0;
}

void park_free(struct park *p)
{
    free(p->heap);
    *p = (struct park){0};
}
