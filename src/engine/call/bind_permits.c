/* SPDX-License-Identifier: MIT
 *
 * Where the permits of a binding's limits are on the board. */
#include "base/hash.h"
#include "engine/board/bulkhead.h"
#include "engine/call/bind.h"

#include <string.h>

#define SEED_BULKHEAD 0x62756c6b68656164ULL

/* The host part of a displayed name. */
void binding_host_name(char host[SLOT_NAME_SIZE], const char *name)
{
    bool bracket = name[0] == '[';
    const char *colon = strchr(name, ':');
    size_t n = strlen(name);
    if (bracket)
        n = strcspn(++name, "]");
    else if (colon && !strchr(colon + 1, ':'))
        n = (size_t)(colon - name);
    memcpy(host, name, n);
    host[n] = '\0';
}

uint64_t binding_bulkhead_key(uint64_t bucket_key)
{
    return board_key(hash_bytes(&bucket_key, sizeof bucket_key, SEED_BULKHEAD));
}

/* Requests in flight cannot be counted on the overflow slot, whose words mean something else. */
struct slot *binding_page(const struct binding *b, uint64_t key, unsigned page, int64_t now_ns)
{
    char host[SLOT_NAME_SIZE];
    binding_host_name(host, b->name);
    struct slot *s =
        board_slot(b->board, bulkhead_page_key(key, page), host, SLOT_BULKHEAD, now_ns);
    return s == board_overflow(b->board) ? NULL : s;
}

static void note_bulkheads(struct binding *b)
{
    b->special =
        (uint8_t)((b->special & ~SPECIAL_PERMITS) | (b->bulkheads & 1 ? SPECIAL_BULKHEAD : 0) |
                  (b->bulkheads & ~1 ? SPECIAL_BULKHEADS : 0));
}

void binding_bind_bulkheads(struct binding *b, int64_t now_ns)
{
    const struct policy *p = b->policy;
    for (int i = 0; i < p->limit_count && i < LIMITS_MAX; i++) {
        if (likely(!p->limits[i].concurrency))
            continue;
        struct bulkhead_binding *own = binding_bulkhead(b, i);
        *own = (struct bulkhead_binding){.limit = (uint16_t)p->limits[i].concurrency};
        own->key = binding_bulkhead_key(b->bucket_key[i]);
        own->slot = binding_page(b, own->key, 0, now_ns);
        own->last = own->slot ? bulkhead_page(own->slot)->permit : NULL;
        b->bulkheads |= (uint8_t)((own->slot != NULL) << i);
    }
    if (unlikely(b->bulkheads))
        note_bulkheads(b);
}

void binding_refresh_bulkheads(struct binding *b, int64_t now_ns)
{
    for (int i = 0; i < LIMITS_MAX; i++) {
        struct bulkhead_binding *own = b->bulkheads >> i & 1 ? binding_bulkhead(b, i) : NULL;
        if (!own || slot_touch(own->slot, own->key, now_ns))
            continue;
        struct slot *s = binding_page(b, own->key, 0, now_ns);
        if (!s) {
            b->bulkheads &= (uint8_t)~(1U << i);
            continue;
        }
        own->slot = s;
        own->last = bulkhead_page(s)->permit;
    }
    note_bulkheads(b);
}

void binding_show_concurrency(const struct binding *b, struct slot *s)
{
    const struct bulkhead_binding *own = b->bulkheads & 1 ? &b->bulkhead : NULL;
    uint32_t limit = own ? own->limit : 0;
    uint32_t index = own ? board_index(b->board, own->slot) + 1 : 0;
    if (atomic_load_explicit(&s->shown_concurrency, memory_order_relaxed) != limit)
        atomic_store_explicit(&s->shown_concurrency, limit, memory_order_relaxed);
    if (atomic_load_explicit(&s->bulkhead_index, memory_order_relaxed) != index)
        atomic_store_explicit(&s->bulkhead_index, index, memory_order_relaxed);
}
