/* SPDX-License-Identifier: MIT */
#include "engine/board/board.h"

#include "base/hash.h"
#include "base/precondition.h"
#include "base/sizes.h"
#include "engine/board/bulkhead.h"
#include "engine/board/gcra.h"
#include "engine/board/pause.h"

#include <string.h>

#define SEED_OBSERVED 0x6f62736572766564ULL

/* The marker in place of a key while the slot changes hands: top bit, 31 bits of the new key, 9 bits of
 * the old one (0: unknown, so any), 23 bits of time in units of 2^30 ns. The time lets other processes
 * take over from one that was killed meanwhile. */
#define CHANGING         (1ULL << 63)
#define CHANGE_TAG(k)    (((k) >> 8) & 0x7fffffff)
#define CHANGE_OLD(k)    (1 + (k) % 511)
#define CHANGE_OLD_SHIFT 23
#define CHANGE_UNITS     60
#define CHANGE_AHEAD     3600 /* a time further ahead is very old: it wraps around */

static uint32_t change_time(int64_t now_ns)
{
    return (uint32_t)((uint64_t)now_ns >> 30) & ((1U << CHANGE_OLD_SHIFT) - 1);
}

static uint64_t change_marker(uint64_t key, uint64_t old, int64_t now_ns)
{
    uint64_t from = old & CHANGING ? 0 : CHANGE_OLD(old);
    return CHANGING | CHANGE_TAG(key) << 32 | from << CHANGE_OLD_SHIFT | change_time(now_ns);
}

static bool changing_to(uint64_t seen, uint64_t key)
{
    return (seen & CHANGING) && ((seen >> 32) & 0x7fffffff) == CHANGE_TAG(key);
}

static bool changing_from(uint64_t seen, uint64_t key)
{
    uint64_t old = seen >> CHANGE_OLD_SHIFT & 0x1ff;
    return (seen & CHANGING) && (!old || old == CHANGE_OLD(key));
}

/* now_ns may be earlier than the marker, if this thread was interrupted after it had read the clock. */
static bool change_stale(uint64_t marker, int64_t now_ns)
{
    int unused = 32 - CHANGE_OLD_SHIFT;
    int32_t age = (int32_t)((change_time(now_ns) - (uint32_t)marker) << unused) >> unused;
    return age > CHANGE_UNITS || age < -CHANGE_AHEAD;
}

/* Replaces a stale marker: if its process was only stopped, it sees that its marker is gone. */
static uint64_t change_left(int64_t now_ns)
{
    return CHANGING | change_time(now_ns - ((CHANGE_UNITS + 1LL) << 30));
}

static uint32_t candidates(const struct board *b)
{
    return b->slot_count < BOARD_CANDIDATES ? b->slot_count : BOARD_CANDIDATES;
}

static struct slot *candidate(const struct board *b, uint64_t key, uint32_t i)
{
    uint32_t home = (uint32_t)(((unsigned __int128)(key << 1) * b->slot_count) >> 64);
    uint32_t at = home + i;
    return &b->slots[at < b->slot_count ? at : at - b->slot_count];
}

/* However long ago: who takes a permit that is free need not mark the slot as used. */
static bool has_permits(const struct slot *s)
{
    return atomic_load_explicit(&s->kind, memory_order_relaxed) == SLOT_BULKHEAD &&
           bulkhead_in_flight((const struct bulkhead_page *)(const void *)s->own);
}

/* Whether clearing the slot would lose no limit and no information that still applies. */
static bool is_idle(const struct slot *s, int64_t now_ns)
{
    int64_t used = atomic_load(&s->last_used_ns);
    if (used > now_ns - SLOT_IDLE_NS && used <= now_ns + SLOT_AHEAD_NS)
        return false;
    if (unlikely(has_permits(s)))
        return false;
    struct pause_view pause;
    if (pause_read(s, now_ns, &pause))
        return false;
    for (int i = 0; i < RATES_MAX; i++) {
        int64_t tat = atomic_load_explicit(&s->tat_ns[i], memory_order_relaxed);
        if (gcra_clamp(tat, now_ns) > now_ns)
            return false;
    }
    return breaker_state_at(&s->breaker, now_ns) == BREAKER_CLOSED;
}

static struct slot *complete(struct slot *s, const char *name, enum slot_kind kind)
{
    /* The process that claimed it may have been killed before the name was complete. The same key has
     * the same name, so two processes may write it at once. */
    if (!atomic_load_explicit(&s->published, memory_order_acquire))
        slot_publish(s, name, kind);
    else if (kind == SLOT_HOST && atomic_load_explicit(&s->kind, memory_order_relaxed) != SLOT_HOST)
        atomic_store_explicit(&s->kind, SLOT_HOST, memory_order_relaxed);
    return s;
}

struct claim {
    struct slot *found; /* has the key */
    struct slot *free;  /* the first free one: no slot after it has the key */
    struct slot *idle;  /* the least recently used idle one */
    uint64_t idle_key;
    bool contested; /* a process is giving a slot to this key, or may return one to it */
};

static struct claim find_place(const struct board *b, uint64_t key, int64_t now_ns)
{
    struct claim at = {0};
    int64_t oldest = 0;
    for (uint32_t i = 0; i < candidates(b); i++) {
        struct slot *s = candidate(b, key, i);
        uint64_t seen = atomic_load(&s->key);
        if (seen == key) {
            at.found = s;
            break;
        }
        if (!seen) {
            at.free = s;
            break;
        }
        bool stale = (seen & CHANGING) && change_stale(seen, now_ns);
        if ((seen & CHANGING) && !stale) {
            at.contested |= changing_to(seen, key) || changing_from(seen, key);
            continue;
        }
        int64_t used = atomic_load_explicit(&s->last_used_ns, memory_order_relaxed);
        if ((stale || is_idle(s, now_ns)) && (!at.idle || used < oldest)) {
            oldest = used;
            at.idle = s;
            at.idle_key = seen;
        }
    }
    return at;
}

/* Whether the key has, or is about to get, a slot other than `own`. */
static bool has_other_slot(const struct board *b, uint64_t key, const struct slot *own,
                           int64_t now_ns)
{
    for (uint32_t i = 0; i < candidates(b); i++) {
        struct slot *s = candidate(b, key, i);
        uint64_t seen = atomic_load(&s->key);
        if (s != own && (seen == key || (changing_to(seen, key) && !change_stale(seen, now_ns))))
            return true;
    }
    return false;
}

/* Gives an idle slot to the key: mark, check again, clear, name, set the key. If two processes did this
 * for the same key in different slots, one limit would become two. Each marks before it checks, so at
 * least one sees the other, and gives way. */
static struct slot *recycle(const struct board *b, const struct claim *at, uint64_t key,
                            const char *name, enum slot_kind kind, int64_t now_ns)
{
    struct slot *s = at->idle;
    uint64_t old = at->idle_key, marker = change_marker(key, old, now_ns);
    if (!atomic_compare_exchange_strong(&s->key, &old, marker))
        return NULL;
    if ((!(old & CHANGING) && !is_idle(s, now_ns)) || has_other_slot(b, key, s, now_ns)) {
        uint64_t mine = marker;
        atomic_compare_exchange_strong(&s->key, &mine, old & CHANGING ? change_left(now_ns) : old);
        return NULL;
    }
    if (atomic_load(&s->key) != marker) /* we were stopped for so long that another took over */
        return NULL;
    if (!(old & CHANGING))
        board_keep_counts(b, s);
    slot_clear(s);
    slot_publish(s, name, kind);
    atomic_store_explicit(&s->last_used_ns, now_ns, memory_order_relaxed);
    return atomic_compare_exchange_strong(&s->key, &marker, key) ? s : NULL;
}

static struct slot *use_overflow(struct board *b, int64_t now_ns)
{
    struct slot *s = board_overflow(b);
    atomic_fetch_add_explicit(&b->header->overflows, 1, memory_order_relaxed);
    if (!atomic_load_explicit(&s->key, memory_order_relaxed))
        atomic_store(&s->key, CHANGING); /* no host has this key */
    slot_touch(s, CHANGING, now_ns);
    return complete(s, BOARD_OVERFLOW_NAME, SLOT_HOST);
}

struct slot *board_slot(struct board *b, uint64_t hash, const char *name, enum slot_kind kind,
                        int64_t now_ns)
{
    precondition(name && kind >= SLOT_HOST && kind <= SLOT_SLO);
    uint64_t key = board_key(hash);
    for (int i = 0; i < BOARD_CLAIM_TRIES; i++) {
        struct claim at = find_place(b, key, now_ns);
        if (at.contested && !at.found)
            continue; /* it takes a moment, unless that process was killed */
        if (at.free) {
            uint64_t none = 0;
            atomic_compare_exchange_strong(&at.free->key, &none, key);
            at.found = at.free; /* slot_touch notices if another process was faster */
        }
        if (at.found) {
            if (slot_touch(at.found, key, now_ns))
                return complete(at.found, name, kind);
            continue;
        }
        if (!at.idle)
            break;
        struct slot *s = recycle(b, &at, key, name, kind, now_ns);
        if (s)
            return s;
    }
    return use_overflow(b, now_ns);
}

struct slot *board_find(const struct board *b, uint64_t hash)
{
    uint64_t key = board_key(hash);
    for (uint32_t i = 0; i < candidates(b); i++) {
        struct slot *s = candidate(b, key, i);
        uint64_t seen = atomic_load_explicit(&s->key, memory_order_acquire);
        if (seen == key)
            return s;
        if (!seen)
            return NULL;
    }
    return NULL;
}

uint64_t board_observed_key(uint64_t key)
{
    return board_key(hash_bytes(&key, sizeof key, SEED_OBSERVED));
}

uint64_t board_host_key(const char *host, uint16_t port)
{
    const uint64_t seed = 0x686f7374ULL; /* keys of different kinds differ */
    return board_key(hash_bytes(host, strlen(host), seed | (uint64_t)port << 48));
}

void board_cut_name(char name[SLOT_NAME_SIZE], uint64_t key)
{
    static const char hex[] = "0123456789ABCDEF";
    char *end = name + SLOT_NAME_SIZE - 1;
    *end = '\0';
    for (int i = 1; i <= 6; i++, key >>= 4)
        end[-i] = hex[key & 15];
    end[-7] = '~';
}

uint32_t board_size(const struct board *b)
{
    return b->slot_count + 1;
}

struct slot *board_nth(const struct board *b, uint32_t i, char name[SLOT_NAME_SIZE])
{
    if (i > b->slot_count)
        return NULL;
    struct slot *s = &b->slots[i];
    uint64_t key = atomic_load_explicit(&s->key, memory_order_acquire);
    if (!key || (i < b->slot_count && (key & CHANGING)) ||
        !atomic_load_explicit(&s->published, memory_order_acquire))
        return NULL;
    if (i < b->slot_count)
        slot_read_name(s, name);
    else
        memcpy(name, BOARD_OVERFLOW_NAME, sizeof BOARD_OVERFLOW_NAME);
    name[SLOT_NAME_SIZE - 1] = '\0';
    /* If the slot changed hands meanwhile, the name may be a mix of two. */
    atomic_thread_fence(memory_order_acquire);
    if (!name[0] || atomic_load_explicit(&s->key, memory_order_relaxed) != key)
        return NULL;
    return s;
}

uint32_t board_index(const struct board *b, const struct slot *s)
{
    uintptr_t first = (uintptr_t)b->slots, at = (uintptr_t)s;
    size_t i = at < first ? SIZE_MAX : (at - first) / sizeof *s;
    return i <= b->slot_count ? (uint32_t)i : board_size(b);
}

void board_keep_counts(const struct board *b, const struct slot *s)
{
    uint64_t sum[HISTORY_COUNTED] = {0};
    slot_add_sums(s, sum);
    history_keep(b->history, sum);
}
