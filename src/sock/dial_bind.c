/* SPDX-License-Identifier: MIT */
#include "sock/dial_bind.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/netns.h"
#include "base/precondition.h"
#include "base/scheme.h"
#include "base/seqlock.h"
#include "base/shield.h"
#include "base/sizes.h"
#include "engine/config/network_zone.h"
#include "engine/config/rules.h"
#include "sock/names.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

/* An entry is used without touching its slots for no longer than this, then bound again. */
#define KEPT_NS (60 * NS_PER_S)

#define WORDS (sizeof(struct dial_room) / sizeof(uint64_t))
_Static_assert(sizeof(struct dial_room) % sizeof(uint64_t) == 0, "copied word by word");

struct entry {
    _Atomic uint64_t sequence;
    _Atomic uint64_t words[WORDS];
};

/* An entry of the table for dial_fast_path. */
struct fast_entry {
    uint64_t address[2];
    uint32_t port;
    uint32_t generation;
    int64_t until_ns;
    const struct config *config;
    struct fast_path path;
};

#define FAST_WORDS (sizeof(struct fast_entry) / sizeof(uint64_t))
_Static_assert(sizeof(struct fast_entry) % sizeof(uint64_t) == 0, "copied word by word");

struct fast_cell {
    _Atomic uint64_t sequence;
    _Atomic uint64_t words[FAST_WORDS];
} __attribute__((aligned(2 * CACHE_LINE)));

static struct entry table[DIAL_ENTRIES];
static struct fast_cell fast_table[DIAL_ENTRIES];

static void address_words(uint64_t half[2], const struct endpoint *to)
{
    memcpy(half, to->address.bytes, sizeof to->address.bytes);
}

/* Multiply and fold. A program that chooses colliding addresses slows down only its own
 * connections. */
static size_t index_of(const struct endpoint *to)
{
    uint64_t half[2];
    address_words(half, to);
    unsigned __int128 product =
        (unsigned __int128)(half[0] ^ (uint64_t)to->port << 48 ^ 0x9e3779b97f4a7c15ULL) *
        (half[1] ^ 0xa0761d6478bd642fULL);
    return (size_t)((uint64_t)product ^ (uint64_t)(product >> 64)) & (DIAL_ENTRIES - 1);
}

/* Index of the word where a member of the binding begins. A connection has no proxy and mostly
 * no lanes, so only the rest is copied. */
#define WORD_OF(member)                                                                            \
    ((offsetof(struct dial_binding, binding) + offsetof(struct binding, member)) / sizeof(uint64_t))

static size_t words_of(int lanes)
{
    return WORD_OF(lane) + (size_t)lanes * sizeof(struct lane) / sizeof(uint64_t);
}

static bool read_entry(const struct entry *e, struct dial_binding *k, const struct endpoint *to)
{
    uint64_t before = seqlock_begin(&e->sequence);
    if (!before || (before & 1))
        return false;
    seqlock_copy(k, e->words, 0, WORD_OF(proxy));
    k->binding.proxy.slot = k->binding.proxy.facts = NULL;
    int lanes = k->binding.lane_count;
    if (k->to.port != to->port || memcmp(&k->to.address, &to->address, sizeof to->address) != 0 ||
        lanes < 0 || lanes > DIAL_LANES)
        return false;
    if (unlikely(k->binding.special & SPECIAL_BULKHEAD))
        seqlock_copy(k, e->words, WORD_OF(bulkhead), WORD_OF(bucket_key));
    if (lanes)
        seqlock_copy(k, e->words, WORD_OF(bucket_key), words_of(lanes));
    return seqlock_same(&e->sequence, before);
}

static bool is_other_network(const struct dial_binding *k, int fd)
{
    uint64_t network = k->zoned ? netns_of_socket(fd) : 0;
    return network && network != k->network;
}

static bool entry_is_current(const struct dial_binding *k, const struct config *config,
                             const struct board *board, int64_t now_ns)
{
    return k->generation == names_generation() && now_ns < k->until_ns &&
           binding_is_current(&k->binding, config, board);
}

struct bind_request {
    struct engine *engine;
    const struct config *config;
    const struct endpoint *to;
    int fd;
    int64_t now_ns;
    struct dial_binding *result;
    bool ok;
};

/* Not stored: local sockets are rare, and are found by name alone. */
static bool bind_local(struct dial_binding *k, const struct bind_request *q)
{
    struct target t = {.scheme = "", .host = q->to->local, .default_port = true, .path = ""};
    t.network = zone_applies(t.host) ? netns_of_socket(q->fd) : 0;
    struct header_source no_headers = {0};
    k->more_follow = false;
    return call_bind(&k->binding, q->config, q->engine->board, &t, &no_headers, q->now_ns);
}

static bool bind_address(struct dial_binding *k, const struct bind_request *q)
{
    struct name name;
    k->to = *q->to;
    k->generation = names_generation();
    k->until_ns = q->now_ns + KEPT_NS;
    if (!names_find(&q->to->address, q->now_ns, &name)) {
        endpoint_text(&q->to->address, name.host);
        name.more_follow = false;
    }
    k->more_follow = name.more_follow;
    k->zoned = zone_applies(name.host);
    k->network = k->zoned ? netns_of_socket(q->fd) : 0;
    struct target t = {.scheme = "",
                       .host = name.host,
                       .port = q->to->port,
                       /* as for a transfer, so that one host has one name */
                       .default_port = scheme_is_web_port(q->to->port),
                       .path = "",
                       .address = &q->to->address,
                       .network = k->network};
    struct header_source no_headers = {0};
    return call_bind(&k->binding, q->config, q->engine->board, &t, &no_headers, q->now_ns);
}

static void bind_now(void *request)
{
    struct bind_request *q = request;
    struct dial_binding k;
    memset(&k, 0, sizeof(struct dial_room));
    q->ok = q->to->local ? bind_local(&k, q) : bind_address(&k, q);
    q->ok = q->ok && k.binding.lane_count <= DIAL_LANES;
    if (q->ok)
        memcpy(q->result, &k, sizeof(struct dial_room));
}

static bool bind_anew(struct dial_binding *k, struct engine *e, const struct config *config,
                      const struct endpoint *to, int fd, int64_t now_ns)
{
    struct bind_request q = {e, config, to, fd, now_ns, k, false};
    shield_run(bind_now, &q);
    return q.ok;
}

HOT bool dial_fast_path(struct fast_path *path, struct engine *e, const struct endpoint *to,
                        int64_t now_ns)
{
    if (unlikely(to->local != NULL))
        return false;
    struct fast_cell *entry = &fast_table[index_of(to)];
    struct fast_entry w;
    uint64_t half[2], before = seqlock_begin(&entry->sequence);
    if (unlikely(!before))
        return false;
    seqlock_copy(&w, entry->words, 0, FAST_WORDS);
    address_words(half, to);
    *path = w.path;
    return likely(seqlock_same(&entry->sequence, before)) && w.address[0] == half[0] &&
           w.address[1] == half[1] && w.port == to->port && w.generation == names_generation() &&
           now_ns < w.until_ns &&
           w.config == atomic_load_explicit(&e->config, memory_order_acquire) &&
           path->board == atomic_load_explicit(&e->board, memory_order_acquire);
}

/* Stores an endpoint that only the state on the board can restrict, and whose results are only counted. */
static void store_fast(size_t index, const struct dial_binding *k, const struct endpoint *to)
{
    const struct binding *b = &k->binding;
    if (b->special || b->lane_count || b->policy->connect_timeout_ns ||
        b->policy->attempt_timeout_ns)
        return;
    struct fast_entry w = {.port = to->port,
                           .generation = k->generation,
                           .until_ns = k->until_ns,
                           .config = b->config,
                           .path = {b->board, b->policy, b->slot, b->key}};
    address_words(w.address, to);
    seqlock_write(&fast_table[index].sequence, fast_table[index].words, &w, FAST_WORDS);
}

bool dial_bind(struct dial_binding *b, struct engine *e, const struct endpoint *to, int fd,
               int64_t now_ns)
{
    precondition(b && e && to);
    const struct config *config = atomic_load_explicit(&e->config, memory_order_acquire);
    if (unlikely(to->local != NULL))
        return bind_anew(b, e, config, to, fd, now_ns);
    size_t index = index_of(to);
    struct entry *entry = &table[index];
    if (likely(read_entry(entry, b, to) && entry_is_current(b, config, e->board, now_ns) &&
               !is_other_network(b, fd)))
        return true;
    if (!bind_anew(b, e, config, to, fd, now_ns))
        return false;
    seqlock_write(&entry->sequence, entry->words, b, words_of(b->binding.lane_count));
    store_fast(index, b, to);
    return true;
}
