/* SPDX-License-Identifier: MIT */
#include "sock/dial_bind.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/hash.h"
#include "base/seqlock.h"
#include "engine/rules.h"
#include "sock/names.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#define ENTRIES 256 /* a power of two */
/* A copy is not marked as used on the board for longer than this, and made anew. */
#define KEPT_NS (60 * NS_PER_S)

/* A name's own ports are the ones of its schemes, as for a transfer: then one host is one name. */
static bool is_usual(uint16_t port)
{
    return port == 80 || port == 443;
}

#define WORDS (sizeof(struct dial_binding) / sizeof(uint64_t))
_Static_assert(sizeof(struct dial_binding) % sizeof(uint64_t) == 0, "copied word by word");

struct entry {
    _Atomic uint64_t sequence;
    _Atomic uint64_t words[WORDS];
};

static struct entry table[ENTRIES];

static struct entry *entry_of(const struct endpoint *to)
{
    uint64_t key[3] = {to->port};
    memcpy(&key[1], to->address.bytes, sizeof to->address.bytes);
    return &table[hash_bytes(key, sizeof key, 0) & (ENTRIES - 1)];
}

static size_t words_of(int lanes)
{
    size_t head = offsetof(struct dial_binding, binding) + offsetof(struct binding, lane);
    return (head + (size_t)lanes * sizeof(struct lane)) / sizeof(uint64_t);
}

static bool recall(const struct entry *e, struct dial_binding *k, const struct endpoint *to)
{
    uint64_t before = seqlock_begin(&e->sequence);
    if (!before || (before & 1))
        return false;
    seqlock_copy(k, e->words, 0, words_of(0));
    int lanes = k->binding.lane_count;
    if (k->to.port != to->port || memcmp(&k->to.address, &to->address, sizeof to->address) != 0 ||
        lanes < 0 || lanes > LIMITS_MAX * RATES_MAX)
        return false;
    seqlock_copy(k, e->words, words_of(0), words_of(lanes));
    return seqlock_same(&e->sequence, before);
}

static bool holds(const struct dial_binding *k, const struct config *config, int64_t now_ns)
{
    return k->generation == names_generation() && now_ns < k->until_ns &&
           call_bound(&k->binding, config);
}

/* Rare, and found by name alone: not kept. */
static bool bind_local(struct dial_binding *b, struct engine *e, const struct config *config,
                       const struct endpoint *to, int64_t now_ns)
{
    struct target t = {.scheme = "", .host = to->local, .default_port = true, .path = ""};
    struct binding_parts nothing = {0};
    b->more_follow = false;
    return call_bind(&b->binding, config, e->board, &t, &nothing, now_ns);
}

static bool bind_anew(struct dial_binding *k, struct engine *e, const struct config *config,
                      const struct endpoint *to, int64_t now_ns)
{
    struct name name;
    k->to = *to;
    k->generation = names_generation();
    k->until_ns = now_ns + KEPT_NS;
    if (!names_find(&to->address, now_ns, &name)) {
        endpoint_text(&to->address, name.host);
        name.more_follow = false;
    }
    k->more_follow = name.more_follow;
    struct target t = {.scheme = "",
                       .host = name.host,
                       .port = to->port,
                       .default_port = is_usual(to->port),
                       .path = "",
                       .address = &to->address};
    struct binding_parts nothing = {0};
    return call_bind(&k->binding, config, e->board, &t, &nothing, now_ns);
}

bool dial_bind(struct dial_binding *b, struct engine *e, const struct endpoint *to, int64_t now_ns)
{
    const struct config *config = atomic_load_explicit(&e->config, memory_order_acquire);
    if (unlikely(to->local != NULL))
        return bind_local(b, e, config, to, now_ns);
    struct entry *entry = entry_of(to);
    if (likely(recall(entry, b, to) && holds(b, config, now_ns)))
        return true;
    if (!bind_anew(b, e, config, to, now_ns))
        return false;
    seqlock_write(&entry->sequence, entry->words, b, words_of(b->binding.lane_count));
    return true;
}
