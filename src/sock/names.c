/* SPDX-License-Identifier: MIT */
#include "sock/names.h"

#include "base/compiler.h"
#include "base/hash.h"
#include "base/idna.h"
#include "base/log.h"
#include "base/seqlock.h"
#include "base/sizes.h"
#include "base/words.h"
#include "sock/endpoint.h"

#include <stdatomic.h>
#include <string.h>

/* Of one answer; programs hardly ever try more. */
#define ADDRESSES_MAX 64

struct record {
    struct address address;
    int64_t until_ns; /* 0: empty */
    struct name name;
};

#define WORDS (sizeof(struct record) / sizeof(uint64_t))
_Static_assert(sizeof(struct record) % sizeof(uint64_t) == 0, "copied word by word");

struct entry {
    _Atomic uint64_t sequence;
    _Atomic uint64_t words[WORDS];
};

static struct entry table[NAMES_SETS][NAMES_WAYS];
static _Atomic uint32_t generation, ambiguous;

static bool entry_read(const struct entry *e, struct record *out)
{
    uint64_t before = seqlock_begin(&e->sequence);
    if (before & 1)
        return false;
    seqlock_copy(out, e->words, 0, WORDS);
    return seqlock_same(&e->sequence, before);
}

static struct entry *set_of(const struct address *a)
{
    return table[hash_bytes(a->bytes, sizeof a->bytes, 0) & (NAMES_SETS - 1)];
}

bool names_find(const struct address *a, int64_t now_ns, struct name *out)
{
    struct entry *set = set_of(a);
    struct record r;
    for (int i = 0; i < NAMES_WAYS; i++) {
        if (!entry_read(&set[i], &r) || r.until_ns <= now_ns ||
            memcmp(&r.address, a, sizeof *a) != 0)
            continue;
        *out = r.name;
        return true;
    }
    return false;
}

/* The entry of the same address, else an empty or expired one, else the one that expires first. */
static struct entry *place_for(const struct record *r, int64_t now_ns, struct record *was)
{
    struct entry *set = set_of(&r->address), *best = NULL;
    int64_t best_ns = INT64_MAX;
    for (int i = 0; i < NAMES_WAYS; i++) {
        struct record seen;
        if (!entry_read(&set[i], &seen))
            continue;
        bool same = seen.until_ns && memcmp(&seen.address, &r->address, sizeof r->address) == 0;
        int64_t ends_ns = same ? -1 : seen.until_ns <= now_ns ? 0 : seen.until_ns;
        if (ends_ns >= best_ns)
            continue;
        best = &set[i];
        best_ns = ends_ns;
        *was = seen;
    }
    return best;
}

static void learn_address(const struct record *r, int64_t now_ns)
{
    struct record was = {0};
    struct entry *e = place_for(r, now_ns, &was);
    bool same =
        e && was.until_ns > now_ns && memcmp(&was.address, &r->address, sizeof r->address) == 0;
    bool same_name = same && strcmp(was.name.host, r->name.host) == 0;
    if (!e || !seqlock_write(&e->sequence, e->words, r, WORDS))
        return;
    if (same && !same_name && atomic_fetch_add(&ambiguous, 1) == 0)
        log_info("two names have one address: the one that was looked up last counts");
    if (!same_name || was.name.more_follow != r->name.more_follow)
        atomic_fetch_add_explicit(&generation, 1, memory_order_release);
}

static bool plain_name(char out[NAMES_HOST_SIZE], const char *host)
{
    struct address literal;
    size_t n = host ? strnlen(host, NAMES_HOST_SIZE + 1) : 0;
    if (n > 1 && host[n - 1] == '.')
        n--;
    if (!n || n >= NAMES_HOST_SIZE)
        return false;
    memset(out, 0, NAMES_HOST_SIZE);
    if (!idna_encode(out, NAMES_HOST_SIZE, host, n))
        for (size_t i = 0; i < n; i++)
            out[i] = ascii_lower(host[i]);
    return !pattern_address(out, &literal);
}

/* Each address of an answer once, in its order. */
struct answer {
    struct address address[ADDRESSES_MAX];
    size_t n;
};

static void add_address(struct answer *a, const struct address *address)
{
    for (size_t i = 0; i < a->n; i++)
        if (memcmp(&a->address[i], address, sizeof *address) == 0)
            return;
    if (a->n < ADDRESSES_MAX)
        a->address[a->n++] = *address;
}

static void learn_answer(const char *host, const struct answer *a, int64_t now_ns)
{
    struct record r = {.until_ns = now_ns + NAMES_TTL_NS};
    if (!a->n || !plain_name(r.name.host, host))
        return;
    for (size_t i = 0; i < a->n; i++) {
        r.address = a->address[i];
        r.name.more_follow = i + 1 < a->n;
        learn_address(&r, now_ns);
    }
}

void names_learn_addrinfo(const char *host, const struct addrinfo *list, int64_t now_ns)
{
    struct answer a = {.n = 0};
    for (; list; list = list->ai_next) {
        struct endpoint e;
        if (list->ai_addr && endpoint_address(&e.address, list->ai_addr, list->ai_addrlen))
            add_address(&a, &e.address);
    }
    learn_answer(host, &a, now_ns);
}

void names_learn_hostent(const char *host, const struct hostent *entry, int64_t now_ns)
{
    struct answer a = {.n = 0};
    for (char **p = entry->h_addr_list; p && *p; p++) {
        struct address address;
        if (entry->h_addrtype == AF_INET && entry->h_length == 4)
            endpoint_map_v4(&address, (const struct in_addr *)(const void *)*p);
        else if (entry->h_addrtype == AF_INET6 && entry->h_length == 16)
            memcpy(address.bytes, *p, 16);
        else
            continue;
        add_address(&a, &address);
    }
    learn_answer(host, &a, now_ns);
}

HOT uint32_t names_generation(void)
{
    return atomic_load_explicit(&generation, memory_order_acquire);
}

uint32_t names_ambiguous(void)
{
    return atomic_load(&ambiguous);
}
