/* SPDX-License-Identifier: MIT */
#include "engine/call.h"

#include "base/env.h"
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

/* Seeds: keys of different kinds never meet, whatever their bytes. */
#define SEED_HOST   0x686f7374ULL
#define SEED_BUCKET 0x6275636b6574ULL
#define SEED_VALUE  0x76616c7565ULL

/* port 0: the scheme's own, whichever that is. */
static uint64_t host_key(const char *host, uint16_t port)
{
    return board_key(hash_bytes(host, strlen(host), SEED_HOST | (uint64_t)port << 48));
}

/* Order and kind of the parts are in the number, so "a"+"b" is neither "b"+"a" nor "ab". */
static uint64_t mix(uint64_t key, enum per_part part, const char *value)
{
    uint64_t h = hash_bytes(value ? value : "", value ? strlen(value) : 0,
                            SEED_VALUE ^ (uint64_t)part << 32 ^ (uint64_t)(value != NULL) << 40);
    uint64_t both[2] = {key, h};
    return hash_bytes(both, sizeof both, SEED_BUCKET);
}

static uint64_t mix_number(uint64_t key, enum per_part part, uint64_t n)
{
    uint64_t all[3] = {key, (uint64_t)part, n};
    return hash_bytes(all, sizeof all, SEED_BUCKET);
}

static uint64_t bucket_key(const struct limit *l, const struct target *t,
                           const struct binding_parts *parts, const struct board *board)
{
    const struct per *per = &l->per;
    uint64_t key = SEED_BUCKET;
    if (!l->operation && (per->parts == PER_HOST || !per->parts))
        return host_key(t->host, 0);
    if (per->parts & PER_HOST)
        key = mix(key, PER_HOST, t->host);
    if (per->parts & PER_ORIGIN)
        key = mix_number(mix(mix(key, PER_ORIGIN, t->scheme), PER_ORIGIN, t->host), PER_ORIGIN,
                         t->port);
    if ((per->parts & PER_RULE) || l->operation)
        key = mix(key, PER_RULE, l->rule);
    if (per->parts & PER_UID)
        key = mix_number(key, PER_UID, board->header->uid);
    if (per->parts & PER_HEADER)
        key = mix(mix(key, PER_HEADER, per->header), PER_HEADER,
                  parts && parts->header ? parts->header(parts->ctx, per->header) : NULL);
    if (per->parts & PER_ENV)
        key = mix(mix(key, PER_ENV, per->env), PER_ENV, env_any(per->env));
    return board_key(key);
}

static void name_of(char name[SLOT_NAME_SIZE], const struct target *t)
{
    bool v6 = strchr(t->host, ':') != NULL;
    if (t->default_port || !t->port)
        snprintf(name, SLOT_NAME_SIZE, "%s", t->host);
    else
        snprintf(name, SLOT_NAME_SIZE, v6 ? "[%s]:%u" : "%s:%u", t->host, t->port);
}

static uint64_t shown_rate_of(const struct policy *p)
{
    if (!p->limit_count || !p->limits[0].rate_count)
        return 0;
    const struct rate *r = &p->limits[0].rates[0];
    return (uint64_t)r->tokens << 32 | r->burst;
}

/* For display; mostly it is there already, and the line stays clean. */
static void show_limit(const struct binding *b)
{
    struct slot *s = b->slot;
    const struct policy *p = b->policy;
    if (s == board_overflow(b->board))
        return;
    uint64_t rate = shown_rate_of(p);
    int64_t window_ns = rate ? p->limits[0].rates[0].window_ns : 0;
    uint32_t index = rate && b->bucket[0] != s ? board_index(b->board, b->bucket[0]) + 1 : 0;
    if (atomic_load_explicit(&s->shown_rate, memory_order_relaxed) != rate)
        atomic_store_explicit(&s->shown_rate, rate, memory_order_relaxed);
    if (atomic_load_explicit(&s->shown_window_ns, memory_order_relaxed) != window_ns)
        atomic_store_explicit(&s->shown_window_ns, window_ns, memory_order_relaxed);
    if (atomic_load_explicit(&s->bucket_index, memory_order_relaxed) != index)
        atomic_store_explicit(&s->bucket_index, index, memory_order_relaxed);
}

bool call_bind(struct binding *b, const struct config *config, struct board *board,
               const struct target *t, const struct binding_parts *parts, int64_t now_ns)
{
    const struct policy *p = rules_find(config, t);
    if (!p)
        return false;
    *b = (struct binding){.config = config, .board = board, .policy = p};
    name_of(b->name, t);
    b->key = host_key(t->host, t->default_port ? 0 : t->port);
    b->slot = board_slot(board, b->key, b->name, SLOT_HOST, now_ns);
    for (int i = 0; i < p->limit_count && i < LIMITS_MAX; i++) {
        b->bucket_key[i] = bucket_key(&p->limits[i], t, parts, board);
        b->bucket[i] = b->bucket_key[i] == b->key
                           ? b->slot
                           : board_slot(board, b->bucket_key[i], t->host, SLOT_BUCKET, now_ns);
        b->per_request |= p->limits[i].per.parts & PER_HEADER;
    }
    show_limit(b);
    return true;
}

bool call_bound(const struct binding *b, const struct config *config)
{
    if (!b->slot || b->config != config ||
        atomic_load_explicit(&b->slot->key, memory_order_relaxed) != b->key)
        return false;
    for (int i = 0; i < b->policy->limit_count; i++)
        if (b->bucket[i] != b->slot &&
            atomic_load_explicit(&b->bucket[i]->key, memory_order_relaxed) != b->bucket_key[i])
            return false;
    return true;
}
