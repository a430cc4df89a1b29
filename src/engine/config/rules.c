/* SPDX-License-Identifier: MIT */
#include "engine/config/rules.h"

#include "base/hash.h"
#include "base/precondition.h"
#include "base/sizes.h"
#include "base/sort.h"
#include "engine/config/merge.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

struct interned {
    struct interned *next;
    struct policy policy;
    uint32_t count;
    uint32_t keys[]; /* the sections that apply (merge.h) */
};

struct policy_cache {
    struct arena *memory; /* the configuration's */
    bool addresses;       /* some pattern is an address */
    bool locals;          /* some pattern names a local socket */
    struct interned *_Atomic buckets[RULES_BUCKETS];
    int *first; /* index of each section's first pattern, and of the end */
    struct pattern *patterns;

    /* A look-up examines these sections, and those that name its host in full. */
    int *others; /* the last one first */
    int other_count;
    int *
        by_host; /* heads of lists, by a hash of the host: index of a pattern + 1; NULL: no lists */
    uint32_t by_host_mask;
    int *next;  /* of each pattern: the next one in its list, + 1, a later one; 0: none */
    int *owner; /* of each pattern: its section */
};

/* A section that applies. */
struct match {
    uint64_t rank;
    uint32_t key; /* merge.h */
};

struct matches {
    struct match *at;
    uint32_t count, room;
    struct match few[RULES_FEW];
    struct arena more; /* when `few` is not enough */
    bool incomplete;   /* without memory */
};

static int *list_of(struct policy_cache *cache, const char *host)
{
    return &cache->by_host[hash_bytes(host, strlen(host), 0) & cache->by_host_mask];
}

static bool names_hosts_in_full(const struct policy_cache *cache, int section)
{
    for (int i = cache->first[section]; i < cache->first[section + 1]; i++)
        if (cache->patterns[i].kind != PATTERN_EXACT || cache->patterns[i].is_address)
            return false;
    return true;
}

/* Few sections are examined one by one. With thousands, a look-up must not take longer with each. */
static bool prepare_lists(struct policy_cache *cache, int sections)
{
    size_t n = (size_t)cache->first[sections], size = 1;
    bool many = sections > RULES_FEW;
    while (many && size < n)
        size *= 2;
    cache->others = arena_get(cache->memory, ((size_t)sections + 1) * sizeof(int));
    int *memory = many ? arena_get(cache->memory, (size + 2 * n) * sizeof(int)) : NULL;
    if (!cache->others || (many && !memory))
        return false;
    cache->by_host = memory;
    cache->by_host_mask = (uint32_t)size - 1;
    cache->next = many ? memory + size : NULL;
    cache->owner = many ? cache->next + n : NULL;
    for (int i = sections - 1; i >= 0; i--) {
        bool listed = many && names_hosts_in_full(cache, i);
        if (!listed)
            cache->others[cache->other_count++] = i;
        for (int k = cache->first[i + 1] - 1; k >= cache->first[i] && listed; k--) {
            int *head = list_of(cache, cache->patterns[k].text);
            cache->owner[k] = i;
            cache->next[k] = *head;
            *head = k + 1;
        }
    }
    return true;
}

bool rules_prepare(struct config *c)
{
    char why[256];
    size_t n = 0, sections = (size_t)c->section_count;
    for (size_t i = 0; i < sections; i++)
        for (const char **p = c->sections[i].patterns; *p; p++)
            n++;
    struct policy_cache *cache = c->policies = arena_get(&c->memory, sizeof(*cache));
    if (!cache)
        return false;
    cache->memory = &c->memory;
    cache->first = arena_get(&c->memory, (sections + 1) * sizeof(*cache->first));
    cache->patterns = arena_get(&c->memory, (n + 1) * sizeof(*cache->patterns));
    if (!cache->first || !cache->patterns)
        return false;
    n = 0;
    for (size_t i = 0; i < sections; i++) {
        cache->first[i] = (int)n;
        for (const char **p = c->sections[i].patterns; *p; p++)
            if (pattern_parse(*p, strlen(*p), &cache->patterns[n], why, sizeof(why))) {
                cache->addresses |= cache->patterns[n].is_address;
                cache->locals |= pattern_is_local(cache->patterns[n++].text);
            }
    }
    cache->first[sections] = (int)n;
    return prepare_lists(cache, c->section_count);
}

static void add_match(struct matches *m, uint64_t rank, uint32_t key)
{
    if (m->count == m->room) {
        struct match *grown = arena_get(&m->more, 2 * (size_t)m->room * sizeof(*grown));
        if (!grown) {
            m->incomplete = true;
            return;
        }
        memcpy(grown, m->at, m->count * sizeof(*grown));
        m->at = grown;
        m->room *= 2;
    }
    m->at[m->count++] = (struct match){.rank = rank, .key = key};
}

static bool is_more_specific(const void *a, const void *b)
{
    return ((const struct match *)a)->rank > ((const struct match *)b)->rank;
}

static void sort_matches(struct matches *m)
{
    if (m->count > RULES_FEW)
        sort_array(m->at, m->count, sizeof(*m->at), is_more_specific);
    for (uint32_t k = 1; k < m->count && m->count <= RULES_FEW; k++) {
        struct match moved = m->at[k];
        uint32_t i = k;
        for (; i > 0 && m->at[i - 1].rank < moved.rank; i--)
            m->at[i] = m->at[i - 1];
        m->at[i] = moved;
    }
}

/* Adds section i if one of its patterns matches. */
static void examine_section(const struct config *c, int i, const struct target *t,
                            const struct address *literal, struct matches *m)
{
    const struct policy_cache *cache = c->policies;
    const struct pattern *best = NULL, *p = &cache->patterns[cache->first[i]];
    for (const struct pattern *end = &cache->patterns[cache->first[i + 1]]; p < end; p++)
        if ((!best || p->rank > best->rank) && pattern_matches(p, t, literal))
            best = p;
    if (best)
        add_match(
            m, (uint64_t)c->sections[i].overrides << 63 | (uint64_t)best->rank << 31 | (uint32_t)i,
            (uint32_t)i << 1 | pattern_is_operation(best));
}

/* The sections that apply, the most specific first. False without memory. */
static bool find_matches(const struct config *c, const struct target *t, struct matches *m)
{
    struct policy_cache *cache = c->policies;
    struct address address;
    const struct address *literal = t->address;
    m->count = 0;
    m->room = RULES_FEW;
    m->at = m->few;
    m->more = (struct arena){NULL};
    m->incomplete = false;
    if (!literal && cache->addresses && pattern_address(t->host, &address))
        literal = &address;
    for (int i = cache->other_count - 1; i >= 0; i--)
        examine_section(c, cache->others[i], t, literal, m);
    int last = -1; /* the patterns of a section follow each other */
    for (int at = cache->by_host ? *list_of(cache, t->host) : 0; at; at = cache->next[at - 1])
        if (cache->owner[at - 1] != last)
            examine_section(c, last = cache->owner[at - 1], t, literal, m);
    sort_matches(m);
    if (m->incomplete)
        arena_drop(&m->more);
    return !m->incomplete;
}

static bool same_sections(const struct interned *p, const struct matches *m)
{
    if (p->count != m->count)
        return false;
    for (uint32_t i = 0; i < m->count; i++)
        if (p->keys[i] != m->at[i].key)
            return false;
    return true;
}

static struct interned *_Atomic *bucket_of(const struct config *c, const struct matches *m)
{
    uint32_t h = m->count;
    for (uint32_t i = 0; i < m->count; i++)
        h = (h ^ m->at[i].key) * 0x9e3779b1u;
    return &c->policies->buckets[h >> 26 & (RULES_BUCKETS - 1)];
}

static struct interned *make_policy(const struct config *c, const struct matches *m)
{
    struct interned *p = arena_get(c->policies->memory, sizeof(*p) + m->count * sizeof(p->keys[0]));
    if (!p)
        return NULL;
    p->count = m->count;
    for (uint32_t i = 0; i < m->count; i++)
        p->keys[i] = m->at[i].key;
    merge_policy(c, p->keys, p->count, &p->policy);
    return p;
}

/* The policy for these matches in the list from `head` up to, but without, `end`; NULL: none. */
static struct interned *find_known(struct interned *head, const struct interned *end,
                                   const struct matches *m)
{
    while (head != end && !same_sections(head, m))
        head = head->next;
    return head == end ? NULL : head;
}

bool rules_have_locals(const struct config *c)
{
    return c->policies->locals;
}

bool rules_name_local(const struct config *c, const char *host)
{
    const struct policy_cache *cache = c->policies;
    const struct target t = {.scheme = "", .host = host, .path = ""};
    for (int i = 0; i < cache->first[c->section_count]; i++)
        if (pattern_is_local(cache->patterns[i].text) &&
            pattern_matches(&cache->patterns[i], &t, NULL))
            return true;
    return false;
}

const struct policy *rules_find(const struct config *c, const struct target *t)
{
    precondition(c->policies && t->scheme && t->host && t->path);
    struct matches m;
    int saved = errno;
    if (!find_matches(c, t, &m)) {
        errno = saved;
        return NULL;
    }
    struct interned *_Atomic *bucket = bucket_of(c, &m);
    struct interned *head = atomic_load_explicit(bucket, memory_order_acquire);
    struct interned *found = find_known(head, NULL, &m), *mine = NULL;
    if (!found && (mine = make_policy(c, &m))) {
        struct interned *end = head;
        do {
            /* After a lost race, look only at what other threads have added. */
            if ((found = find_known(head, end, &m)))
                break;
            mine->next = end = head;
        } while (!atomic_compare_exchange_weak_explicit(bucket, &head, mine, memory_order_acq_rel,
                                                        memory_order_acquire));
        found = found ? found : mine; /* if found, `mine` is left unused in the arena */
    }
    arena_drop(&m.more);
    errno = saved;
    return found ? &found->policy : NULL;
}

void rules_explain(const struct config *c, const struct target *t,
                   void (*seen)(void *ctx, const struct section *s, bool operation), void *ctx)
{
    struct matches m;
    if (!find_matches(c, t, &m))
        return;
    for (uint32_t i = 0; i < m.count; i++)
        seen(ctx, merge_section(c, m.at[i].key), merge_is_operation(m.at[i].key));
    arena_drop(&m.more);
}

const uint32_t *rules_keys_of(const struct config *c, const struct policy *p, uint32_t *count)
{
    *count = 0;
    for (int i = 0; c->policies && i < RULES_BUCKETS; i++)
        for (const struct interned *known = atomic_load(&c->policies->buckets[i]); known;
             known = known->next)
            if (&known->policy == p) {
                *count = known->count;
                return known->keys;
            }
    return NULL;
}
