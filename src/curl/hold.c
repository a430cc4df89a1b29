/* SPDX-License-Identifier: MIT */
#include "curl/hold.h"

#include "base/precondition.h"
#include "base/sizes.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

void hold_clear(struct hold *h)
{
    h->begin = h->end = h->last = 0;
    while (h->block)
        free(h->blocks[--h->block].url);
}

void hold_free(struct hold *h)
{
    hold_clear(h);
    free(h->memory);
    h->memory = NULL;
    h->capacity = 0;
}

static bool hold_room(struct hold *h, size_t need)
{
    if (h->end + need <= h->capacity)
        return true;
    size_t capacity = h->capacity ? h->capacity : HOLD_FIRST_BYTES;
    while (capacity < h->end + need)
        capacity *= 2;
    char *memory = realloc(h->memory, capacity);
    if (!memory)
        return false;
    h->memory = memory;
    h->capacity = capacity;
    return true;
}

static size_t held_size(size_t n)
{
    size_t a = alignof(struct held);
    return (sizeof(struct held) + n + a - 1) / a * a;
}

bool hold_add(struct hold *h, enum held_kind kind, const char *p, size_t n)
{
    precondition(p || !n);
    if (n > UINT32_MAX || !hold_room(h, held_size(n)))
        return false;
    struct held *e = (struct held *)(h->memory + h->end);
    e->kind = kind;
    e->block = h->block;
    e->n = (uint32_t)n;
    e->from = p;
    memcpy(e->bytes, p, n);
    h->last = h->end;
    h->end += held_size(n);
    return true;
}

struct held *hold_first(struct hold *h)
{
    return hold_empty(h) ? NULL : (struct held *)(h->memory + h->begin);
}

struct held *hold_last(struct hold *h)
{
    return hold_empty(h) ? NULL : (struct held *)(h->memory + h->last);
}

void hold_next(struct hold *h)
{
    precondition(!hold_empty(h));
    h->begin += held_size(hold_first(h)->n);
    if (h->begin == h->end)
        h->begin = h->end = h->last = 0;
}

void hold_mark(struct hold *h, const struct block_info *info)
{
    if (h->block < HOLD_BLOCKS_MAX)
        h->blocks[h->block++] = *info;
    else
        free(info->url); /* more hops than anybody follows: the rest get libcurl's last word */
}

const struct block_info *hold_block_of(const struct hold *h, const struct held *e)
{
    return e->block < h->block ? &h->blocks[e->block] : NULL;
}
