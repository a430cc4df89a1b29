/* SPDX-License-Identifier: MIT */
#include "curl/gate/hold.h"

#include "base/precondition.h"
#include "base/sizes.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

void hold_drop(struct hold *h, size_t kept)
{
    h->begin = h->end = h->last = 0;
    if (h->capacity > kept) {
        free(h->memory);
        h->memory = NULL;
        h->capacity = 0;
    }
}

void hold_clear(struct hold *h)
{
    hold_drop(h, SIZE_MAX);
    h->block = 0;
    for (; h->ended_blocks; h->ended_blocks--) {
        saved_info_free(h->infos[h->ended_blocks]);
        h->infos[h->ended_blocks] = NULL;
    }
}

void hold_free(struct hold *h)
{
    hold_clear(h);
    hold_drop(h, 0);
}

static bool hold_reserve(struct hold *h, size_t need)
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

/* Including the NUL. */
static size_t held_size(size_t n)
{
    size_t a = alignof(struct held);
    return (sizeof(struct held) + n + 1 + a - 1) / a * a;
}

bool hold_add(struct hold *h, enum held_kind kind, const char *p, size_t n)
{
    precondition(p || !n);
    if (n >= UINT32_MAX || !hold_reserve(h, held_size(n)))
        return false;
    struct held *e = (struct held *)(h->memory + h->end);
    e->kind = kind;
    e->block = h->block;
    e->n = (uint32_t)n;
    e->body_done = false;
    e->from = p;
    e->downloaded = 0;
    memcpy(e->bytes, p, n);
    e->bytes[n] = '\0';
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

const struct held *hold_each(const struct hold *h, const struct held *e)
{
    size_t at = e ? (size_t)((const char *)e - h->memory) + held_size(e->n) : 0;
    return at < h->end ? (const struct held *)(h->memory + at) : NULL;
}

void hold_end_block(struct hold *h, struct saved_info *info)
{
    for (; h->ended_blocks < h->block; h->ended_blocks++)
        h->infos[h->ended_blocks + 1] = NULL;
    saved_info_free(h->infos[h->block]);
    h->infos[h->block] = info;
}
