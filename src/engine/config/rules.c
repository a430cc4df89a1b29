/* SPDX-License-Identifier: MIT */
#include "engine/config/rules.h"

#include "base/compiler.h"
#include "base/precondition.h"
#include "base/sizes.h"
#include "engine/board/gcra.h"
#include "engine/config/parse.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

struct interned {
    struct interned *next;
    struct policy policy;
    uint32_t count;
    uint32_t keys[]; /* the sections that matched, as in struct match */
};

struct policy_cache {
    struct arena *memory; /* of the configuration */
    bool addresses;       /* some pattern is one */
    bool locals;          /* some pattern names a local socket */
    struct interned *_Atomic buckets[RULES_BUCKETS];
    int *first; /* of each section's patterns; one more at the end */
    struct pattern *patterns;
};

/* A section that applies. */
struct match {
    uint64_t rank;
    uint32_t key; /* index of the section * 2, + 1 when it applies as an operation */
};

struct matches {
    struct match *at;
    uint32_t count;
    struct match few[RULES_FEW];
    struct arena more; /* where they are not enough */
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

static void insert(struct matches *m, uint64_t rank, uint32_t key)
{
    uint32_t i = m->count++;
    for (; i > 0 && m->at[i - 1].rank < rank; i--)
        m->at[i] = m->at[i - 1];
    m->at[i] = (struct match){.rank = rank, .key = key};
}

/* The sections that apply, the most specific first. */
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
            insert(m,
                   (uint64_t)c->sections[i].environment << 63 | (uint64_t)best->rank << 31 |
                       (uint32_t)i,
                   (uint32_t)i << 1 | pattern_is_operation(best));
    }
    return true;
}

/* ---- building ---- */

static const struct section *section_of(const struct config *c, uint32_t key)
{
    return &c->sections[key >> 1];
}

static bool is_operation(uint32_t key)
{
    return key & 1;
}

static void parsed(const struct option *o, const char *value, union option_value *v)
{
    char why[400];
    if (!value || !option_parse(o, value, v, why, sizeof(why)))
        option_parse(o, o->fallback, v, why, sizeof(why));
}

/* What the section's `retry` stands for; NULL: it has none, or none for this key. */
static const char *preset_value(const struct section *s, int option)
{
    union option_value v;
    int retry = option_find(SECTION_HOST, "retry");
    if (!s->value[retry] || !option_of_preset(&options[option]))
        return NULL;
    parsed(&options[retry], s->value[retry], &v);
    return option_preset(&options[option], (int)v.number);
}

/* The most specific value of a key; a preset counts as one where the key itself is not given. */
static const char *value_of(const struct config *c, const struct interned *p, int option)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const struct section *s = section_of(c, p->keys[i]);
        const char *v = s->value[option];
        if (v || (v = preset_value(s, option)))
            return v;
    }
    return NULL;
}

static void add_limit(struct policy *policy, const struct section *s, bool operation,
                      const char *rate, const char *burst, const char *per)
{
    struct limit *l = &policy->limits[policy->limit_count];
    union option_value v;
    parsed(&options[option_find(SECTION_HOST, "rate")], rate, &v);
    if (v.limit.rate_count == 0)
        return;
    *l = v.limit;
    l->operation = operation;
    l->rule = s->name;
    parsed(&options[option_find(SECTION_HOST, "per")], per, &v);
    l->per = v.per;
    parsed(&options[option_find(SECTION_HOST, "burst")], burst, &v);
    for (int i = 0; i < l->rate_count && v.number; i++) {
        int64_t most = GCRA_DEBT_MAX_NS / l->rates[i].interval_ns;
        l->rates[i].burst = (uint32_t)(v.number < most ? v.number : most);
    }
    policy->limit_count++;
}

/* The most specific section from the `from`th on that gives the key, the environment's always
 * included; operations are passed over unless asked for. */
static const struct section *giver(const struct config *c, const struct interned *p, int option,
                                   uint32_t from, bool operations)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const struct section *s = section_of(c, p->keys[i]);
        if ((i >= from || s->environment) && (operations || !is_operation(p->keys[i])) &&
            s->value[option])
            return s;
    }
    return NULL;
}

static void build_limits(const struct config *c, struct interned *p)
{
    int rate = option_find(SECTION_HOST, "rate"), burst = option_find(SECTION_HOST, "burst");
    int per = option_find(SECTION_HOST, "per");
    const struct section *host = giver(c, p, rate, 0, false);
    const struct section *capacity = giver(c, p, burst, 0, false),
                         *key = giver(c, p, per, 0, false);
    if (host)
        add_limit(&p->policy, host, false, host->value[rate],
                  capacity ? capacity->value[burst] : NULL, key ? key->value[per] : NULL);
    if (host && host->environment && p->policy.limit_count == 0)
        return; /* HARDEN_RATE=none lifts every limit */
    for (uint32_t i = 0, n = 0; i < p->count && n < LIMITS_MAX - 1; i++) {
        const struct section *s = section_of(c, p->keys[i]);
        if (!is_operation(p->keys[i]) || !s->value[rate])
            continue;
        if (!capacity || !capacity->environment)
            capacity = s;
        key = giver(c, p, per, i, true);
        int before = p->policy.limit_count;
        add_limit(&p->policy, s, true, s->value[rate], capacity->value[burst],
                  key ? key->value[per] : NULL);
        n += (uint32_t)(p->policy.limit_count - before);
    }
}

static void build(const struct config *c, struct interned *p)
{
    const char *values[OPTION_MAX] = {NULL};
    for (int i = 0; i < option_count; i++)
        if (options[i].section == SECTION_HOST)
            values[i] = value_of(c, p, i);
    option_store_all(SECTION_HOST, values, &p->policy);
    build_limits(c, p);
}

/* ---- looking up ---- */

static bool same(const struct interned *p, const struct matches *m)
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

static struct interned *make(const struct config *c, const struct matches *m)
{
    struct interned *p = arena_get(c->policies->memory, sizeof(*p) + m->count * sizeof(p->keys[0]));
    if (!p)
        return NULL;
    p->count = m->count;
    for (uint32_t i = 0; i < m->count; i++)
        p->keys[i] = m->at[i].key;
    build(c, p);
    return p;
}

/* The known policy for these matches from `head` on, up to `end`, which was looked at before. */
static struct interned *known(struct interned *head, const struct interned *end,
                              const struct matches *m)
{
    while (head != end && !same(head, m))
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
    int error = errno;
    if (!find_matches(c, t, &m)) {
        errno = error;
        return NULL;
    }
    struct interned *_Atomic *bucket = bucket_of(c, &m);
    struct interned *head = atomic_load_explicit(bucket, memory_order_acquire);
    struct interned *found = known(head, NULL, &m), *mine = NULL;
    if (!found && (mine = make(c, &m))) {
        struct interned *end = head;
        do {
            /* Only what others put there meanwhile is new. */
            if ((found = known(head, end, &m)))
                break;
            mine->next = end = head;
        } while (!atomic_compare_exchange_weak_explicit(bucket, &head, mine, memory_order_acq_rel,
                                                        memory_order_acquire));
        found = found ? found : mine; /* two of a kind, of which one is forgotten */
    }
    arena_drop(&m.more);
    errno = error;
    return found ? &found->policy : NULL;
}

void rules_explain(const struct config *c, const struct target *t,
                   void (*seen)(void *ctx, const struct section *s), void *ctx)
{
    struct matches m;
    if (!find_matches(c, t, &m))
        return;
    for (uint32_t i = 0; i < m.count; i++)
        seen(ctx, section_of(c, m.at[i].key));
    arena_drop(&m.more);
}
