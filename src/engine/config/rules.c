/* SPDX-License-Identifier: MIT */
#include "engine/config/rules.h"

#include "base/precondition.h"
#include "base/sizes.h"
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
};

/* A section that applies. */
struct match {
    uint64_t rank;
    uint32_t key; /* merge.h */
};

struct matches {
    struct match *at;
    uint32_t count;
    struct match few[RULES_FEW];
    struct arena more; /* when `few` is not enough */
};

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
    return true;
}

static void insert_match(struct matches *m, uint64_t rank, uint32_t key)
{
    uint32_t i = m->count++;
    for (; i > 0 && m->at[i - 1].rank < rank; i--)
        m->at[i] = m->at[i - 1];
    m->at[i] = (struct match){.rank = rank, .key = key};
}

/* The sections that apply, the most specific first. False without memory. */
static bool find_matches(const struct config *c, const struct target *t, struct matches *m)
{
    const struct policy_cache *cache = c->policies;
    struct address address;
    const struct address *literal = t->address;
    m->count = 0;
    m->at = m->few;
    m->more = (struct arena){NULL};
    if (c->section_count > RULES_FEW &&
        !(m->at = arena_get(&m->more, (size_t)c->section_count * sizeof(*m->at))))
        return false;
    if (!literal && cache->addresses && pattern_address(t->host, &address))
        literal = &address;
    for (int i = 0; i < c->section_count; i++) {
        const struct pattern *best = NULL, *p = &cache->patterns[cache->first[i]];
        for (const struct pattern *end = &cache->patterns[cache->first[i + 1]]; p < end; p++)
            if ((!best || p->rank > best->rank) && pattern_matches(p, t, literal))
                best = p;
        if (best)
            insert_match(m,
                         (uint64_t)c->sections[i].environment << 63 | (uint64_t)best->rank << 31 |
                             (uint32_t)i,
                         (uint32_t)i << 1 | pattern_is_operation(best));
    }
    return true;
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
                   void (*seen)(void *ctx, const struct section *s), void *ctx)
{
    struct matches m;
    if (!find_matches(c, t, &m))
        return;
    for (uint32_t i = 0; i < m.count; i++)
        seen(ctx, merge_section(c, m.at[i].key));
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
