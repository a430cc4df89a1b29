/* SPDX-License-Identifier: MIT
 *
 * Finds the slots on the board and the policy for a destination. */
#include "engine/call/private.h"

#include "base/env.h"
#include "base/hash.h"
#include "base/precondition.h"
#include "engine/config/network_zone.h"
#include "engine/config/rules.h"
#include "engine/config/source.h"

#include <stdio.h>
#include <string.h>

/* One seed for each kind of key, as in board_host_key, so that keys of different kinds never
 * collide because of equal bytes. */
#define SEED_BUCKET 0x6275636b6574ULL
#define SEED_VALUE  0x76616c7565ULL
#define SEED_PROXY  0x70726f7879ULL
#define SEED_PATH   0x70617468ULL

/* Depends on the order and kind of the parts: "a"+"b" differs from "b"+"a" and from "ab". */
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

/* One of 64, so that the board reveals nothing about the path. */
static uint8_t operation_of(const struct target *t)
{
    uint64_t parts[] = {hash_bytes(t->path, strlen(t->path), SEED_PATH),
                        hash_bytes(t->scheme, strlen(t->scheme), t->port)};
    return hash_bytes(parts, sizeof parts, SEED_PATH) % BREAKER_OPERATIONS;
}

uint64_t binding_bucket_key(const struct limit *l, const struct target *t,
                            const struct header_source *source, const struct board *board)
{
    const struct per *per = &l->per;
    uint64_t key = SEED_BUCKET;
    if (!l->operation && (per->parts == PER_HOST || !per->parts))
        return board_host_key(t->host, 0);
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
                  source && source->header ? source->header(source->ctx, per->header) : NULL);
    if (per->parts & PER_ENV)
        key = mix(mix(key, PER_ENV, per->env), PER_ENV, env_any(per->env));
    return board_key(key);
}

/* Another port is another host to a pause, with or without a scope. */
uint64_t binding_scope_key(const struct limit *scope, const struct target *t,
                           const struct header_source *source, const struct board *board)
{
    uint64_t key = binding_bucket_key(scope, t, source, board);
    return t->default_port ? key : board_key(mix_number(key, PER_ORIGIN, t->port));
}

static void put_host_name(char name[SLOT_NAME_SIZE], const struct target *t, uint64_t key)
{
    bool v6 = strchr(t->host, ':') != NULL, plain = t->default_port || !t->port;
    int n = plain ? snprintf(name, SLOT_NAME_SIZE, "%s", t->host)
                  : snprintf(name, SLOT_NAME_SIZE, v6 ? "[%s]:%u" : "%s:%u", t->host, t->port);
    if (unlikely(n >= SLOT_NAME_SIZE))
        board_cut_name(name, key);
}

/* With the scheme, which distinguishes the proxy from a host of the same name. Returns its key. */
static uint64_t put_proxy_name(char name[SLOT_NAME_SIZE], const struct target *t)
{
    bool v6 = strchr(t->host, ':') != NULL;
    int n = snprintf(name, SLOT_NAME_SIZE, v6 ? "%s://[%s]:%u" : "%s://%s:%u", t->scheme, t->host,
                     t->port);
    uint64_t key = board_key(hash_bytes(name, strlen(name), SEED_PROXY));
    if (likely(n < SLOT_NAME_SIZE))
        return key;
    key = board_key(mix_number(mix(key, PER_HOST, t->host), PER_ORIGIN, t->port));
    board_cut_name(name, key);
    return key;
}

static uint64_t shown_rate_of(const struct policy *p)
{
    if (!p->limit_count || !p->limits[0].rate_count)
        return 0;
    const struct rate *r = &p->limits[0].rates[0];
    return (uint64_t)r->tokens << 32 | r->burst;
}

/* The limit of enforcing programs takes precedence over that of observing ones. */
static bool shows_enforced_limit(const struct board *b, const struct slot *s)
{
    uint32_t bucket = atomic_load_explicit(&s->bucket_index, memory_order_relaxed);
    bool observed =
        bucket && bucket <= b->slot_count &&
        atomic_load_explicit(&b->slots[bucket - 1].kind, memory_order_relaxed) == SLOT_OBSERVED;
    return atomic_load_explicit(&s->shown_rate, memory_order_relaxed) && !observed;
}

/* For display. Usually unchanged: then nothing is written, and the cache line stays clean. */
static void show_limit(const struct binding *b)
{
    struct slot *s = b->facts ? b->facts : b->slot;
    const struct policy *p = b->policy;
    if (s == board_overflow(b->board) || (b->facts && shows_enforced_limit(b->board, s)))
        return;
    uint64_t rate = shown_rate_of(p);
    uint32_t window_ms = rate ? (uint32_t)(p->limits[0].rates[0].window_ns / NS_PER_MS) : 0;
    const struct slot *bucket = b->lane[0].slot;
    uint32_t index = rate && bucket != s ? board_index(b->board, bucket) + 1 : 0;
    if (atomic_load_explicit(&s->shown_rate, memory_order_relaxed) != rate)
        atomic_store_explicit(&s->shown_rate, rate, memory_order_relaxed);
    if (atomic_load_explicit(&s->shown_window_ms, memory_order_relaxed) != window_ms)
        atomic_store_explicit(&s->shown_window_ms, window_ms, memory_order_relaxed);
    if (atomic_load_explicit(&s->bucket_index, memory_order_relaxed) != index)
        atomic_store_explicit(&s->bucket_index, index, memory_order_relaxed);
    binding_show_concurrency(b, s);
}

/* For a rate when all words belong to other windows: the word of the next longer window, else of
 * the longest. Sharing a word never loosens a limit but can delay starts; a longer window
 * suffers least from that. */
static int nearest_window(const struct slot *s, int64_t window_ns)
{
    int64_t best_ns = 0;
    int best = 0;
    for (int i = 0; i < RATES_MAX; i++) {
        int64_t ns =
            NS_PER_MS * (int64_t)atomic_load_explicit(&s->window_ms[i], memory_order_relaxed);
        if (best_ns < window_ns ? ns > best_ns : ns >= window_ns && ns < best_ns) {
            best_ns = ns;
            best = i;
        }
    }
    return best;
}

/* Two rates on one word would block each other for ever, because each sees what the other has
 * just taken. One rate with the longer interval and the smaller burst satisfies both. */
static void add_lane(struct binding *b, const struct lane *own)
{
    for (struct lane *l = b->lane; l < b->lane + b->lane_count; l++)
        if (l->tat == own->tat) {
            if (l->rate.interval_ns < own->rate.interval_ns)
                l->rate.interval_ns = own->rate.interval_ns;
            if (l->rate.burst > own->rate.burst)
                l->rate.burst = own->rate.burst;
            return;
        }
    b->lane[b->lane_count++] = *own;
}

static bool observes(const struct binding *b)
{
    return b->config->mode == MODE_OBSERVE;
}

static struct slot *claim_bucket(const struct binding *b, uint64_t key, const char *host,
                                 int64_t now_ns)
{
    return board_slot(b->board, key, host, observes(b) ? SLOT_OBSERVED : SLOT_BUCKET, now_ns);
}

/* Finds the word of the rate's window in its bucket. If all words already belong to other
 * windows, because other processes configure other rates, the window gets a bucket of its own. */
static void bind_rate(struct binding *b, struct slot *bucket, uint64_t key, const char *host,
                      const struct rate *r, int64_t now_ns)
{
    struct lane l = {.rate = *r, .slot = bucket, .key = key};
    int word = slot_window(bucket, r->window_ns);
    if (unlikely(word < 0)) {
        uint64_t own = board_key(mix_number(key, 0, (uint64_t)r->window_ns));
        bool overflow = bucket == board_overflow(b->board);
        struct slot *other = overflow ? NULL : board_find(b->board, own);
        if (!other && (word = slot_claim_window(bucket, r->window_ns)) < 0 && !overflow)
            other = claim_bucket(b, own, host, now_ns);
        if (other) {
            l.slot = other;
            l.key = own;
            word = slot_claim_window(other, r->window_ns);
        }
        if (word < 0)
            word = nearest_window(l.slot, r->window_ns);
    }
    l.tat = &l.slot->tat_ns[word];
    add_lane(b, &l);
}

/* The requests of the binding's part of the host share a slot, which is that of a limit with the same
 * key if there is one. */
static void claim_scope(struct binding *b, int64_t now_ns)
{
    char host[SLOT_NAME_SIZE];
    binding_host_name(host, b->name);
    b->scope = board_slot(b->board, b->scope_key, host, SLOT_BUCKET, now_ns);
}

/* b->key (in observe mode facts_key as well) is known. */
static void claim_host(struct binding *b, int64_t now_ns)
{
    if (likely(!observes(b))) {
        b->slot = board_slot(b->board, b->key, b->name, SLOT_HOST, now_ns);
        return;
    }
    struct slot *overflow = board_overflow(b->board);
    b->facts = board_slot(b->board, b->facts_key, b->name, SLOT_HOST, now_ns);
    b->slot = board_slot(b->board, b->key, b->name, SLOT_OBSERVED, now_ns);
    if (b->facts == overflow || b->slot == overflow)
        b->facts = b->slot = overflow;
    b->special |= SPECIAL_OBSERVED;
}

/* Enforcing programs share the limits, breaker and budget of the overflow slot. */
static bool observes_nothing(const struct binding *b)
{
    return observes(b) && b->slot == board_overflow(b->board);
}

/* Nothing that is read after a connect() says that the host throttles. */
static uint8_t special_of(const struct policy *p, const struct target *t)
{
    unsigned special = (p->adaptive && *t->path ? SPECIAL_ADAPTIVE : 0) |
                       (p->slow_after_ns ? SPECIAL_SLOW : 0) |
                       (p->fallback.count ? SPECIAL_PLACES : 0) | (p->slo_ppm ? SPECIAL_SLO : 0);
    return (uint8_t)special;
}

static void bind_lanes(struct binding *b, int64_t now_ns)
{
    const struct policy *p = b->policy;
    char host[SLOT_NAME_SIZE];
    binding_host_name(host, b->name);
    b->lane_count = 0;
    b->lane[0].slot = b->slot;
    for (int i = 0; i < p->limit_count; i++) {
        if (!p->limits[i].rate_count)
            continue;
        uint64_t key = b->bucket_key[i];
        struct slot *bucket = key == b->key ? b->slot : claim_bucket(b, key, host, now_ns);
        for (int j = 0; j < p->limits[i].rate_count; j++)
            bind_rate(b, bucket, key, host, &p->limits[i].rates[j], now_ns);
    }
    b->refreshed_ns = now_ns;
}

/* On a full board there is no slot for the proxy: the overflow slot would count each request
 * twice. */
static void claim_proxy(struct binding *b, int64_t now_ns)
{
    struct proxy_binding *proxy = &b->proxy;
    if (unlikely(observes(b)))
        proxy->facts = board_slot(b->board, proxy->facts_key, b->proxy_name, SLOT_PROXY, now_ns);
    proxy->slot = board_slot(b->board, proxy->key, b->proxy_name,
                             observes(b) ? SLOT_OBSERVED : SLOT_PROXY, now_ns);
    if (proxy->slot == board_overflow(b->board) || proxy->facts == board_overflow(b->board) ||
        observes_nothing(b))
        proxy->slot = NULL;
    b->special = (uint8_t)((b->special & ~SPECIAL_PROXY) | (proxy->slot ? SPECIAL_PROXY : 0));
}

static __attribute__((noinline)) void refresh_special(struct binding *b, int64_t now_ns)
{
    if (b->facts && !slot_touch(b->facts, b->facts_key, now_ns) && !observes_nothing(b))
        claim_host(b, now_ns);
    if (b->proxy.facts)
        slot_touch(b->proxy.facts, b->proxy.facts_key, now_ns);
    if (b->proxy.slot && !slot_touch(b->proxy.slot, b->proxy.key, now_ns))
        claim_proxy(b, now_ns);
}

/* binding_is_current has compared the keys a moment ago. The slots are marked as used only now,
 * so compare again: one may have been given away in between. One that was given away and given
 * back may have its windows in other words; that cannot happen soon after the last mark. */
HOT void binding_refresh(struct binding *b, int64_t now_ns)
{
    precondition(b->slot && b->lane_count >= 0 && b->lane_count <= LIMITS_MAX * RATES_MAX);
    struct slot *overflow = board_overflow(b->board);
    bool stale = !b->refreshed_ns || now_ns - b->refreshed_ns > SLOT_IDLE_NS / 2;
    if (unlikely(!slot_touch(b->slot, b->key, now_ns) && b->slot != overflow))
        claim_host(b, now_ns);
    if (unlikely(b->special & ~SPECIAL_PERMITS))
        refresh_special(b, now_ns);
    if (unlikely(b->scope) &&
        unlikely(!slot_touch(b->scope, b->scope_key, now_ns) && b->scope != overflow))
        claim_scope(b, now_ns);
    for (const struct lane *l = b->lane; l < b->lane + b->lane_count; l++)
        if (l->slot != b->slot || l->key != b->key)
            stale |= !slot_touch(l->slot, l->key, now_ns) && l->slot != overflow;
    if (unlikely(stale))
        bind_lanes(b, now_ns);
    b->refreshed_ns = now_ns;
}

bool call_bind(struct binding *b, const struct config *config, struct board *board,
               const struct target *t, const struct header_source *source, int64_t now_ns)
{
    const struct policy *p = rules_find(config, t);
    if (!p)
        return false;
    memset(b, 0, offsetof(struct binding, bucket_key)); /* without lanes, the rest is never read */
    b->config = config;
    b->board = board;
    b->policy = p;
    char zoned[ZONE_HOST_SIZE];
    struct target here = *t; /* as the board names it */
    here.host = zone_host(zoned, board, t->host, t->network);
    b->key = board_host_key(here.host, here.default_port ? 0 : here.port);
    put_host_name(b->name, &here, b->key);
    b->operation = operation_of(t);
    if (unlikely(observes(b))) {
        b->facts_key = b->key;
        b->key = board_observed_key(b->key);
    }
    b->special = special_of(p, t);
    claim_host(b, now_ns);
    for (int i = 0; i < p->limit_count && i < LIMITS_MAX; i++) {
        b->bucket_key[i] = binding_bucket_key(&p->limits[i], &here, source, board);
        if (unlikely(observes(b)))
            b->bucket_key[i] = board_observed_key(b->bucket_key[i]);
        b->per_request |= p->limits[i].per.parts & PER_HEADER;
    }
    bind_lanes(b, now_ns);
    binding_bind_bulkheads(b, now_ns);
    if (p->pause_is_narrow) {
        b->scope_key = binding_scope_key(&p->pause_scope, &here, source, board);
        b->per_request |= p->pause_scope.per.parts & PER_HEADER;
        claim_scope(b, now_ns);
    }
    show_limit(b);
    if (unlikely(log_level_now >= LOG_DEBUG))
        source_log_sections(config, p, b->name);
    return true;
}

void call_bind_proxy(struct binding *b, const struct target *t, int64_t now_ns)
{
    struct proxy_binding *proxy = &b->proxy;
    if (!(proxy->policy = rules_find(b->config, t)))
        return;
    char zoned[ZONE_HOST_SIZE];
    struct target here = *t;
    here.host = zone_host(zoned, b->board, t->host, t->network);
    proxy->key = put_proxy_name(b->proxy_name, &here);
    if (unlikely(observes(b))) {
        proxy->facts_key = proxy->key;
        proxy->key = board_observed_key(proxy->key);
    }
    claim_proxy(b, now_ns);
}

HOT bool binding_is_current(const struct binding *b, const struct config *config,
                            const struct board *board)
{
    if (!b->slot || b->config != config || b->board != board ||
        atomic_load_explicit(&b->slot->key, memory_order_relaxed) != b->key)
        return false;
    if (unlikely(b->scope) && b->scope != board_overflow(board) &&
        atomic_load_explicit(&b->scope->key, memory_order_relaxed) != b->scope_key)
        return false;
    for (const struct lane *l = b->lane; l < b->lane + b->lane_count; l++)
        if (l->slot != b->slot &&
            atomic_load_explicit(&l->slot->key, memory_order_relaxed) != l->key)
            return false;
    return true;
}
