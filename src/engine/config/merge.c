/* SPDX-License-Identifier: MIT */
#include "engine/config/merge.h"

#include "engine/board/gcra.h"
#include "engine/config/parse.h"
#include "engine/policy/hint_fields.h"

struct applying {
    const struct config *config;
    const uint32_t *keys;
    uint32_t count;
};

static void parse_or_default(const struct option *o, const char *value, union option_value *v)
{
    char why[400];
    if (!value || !option_parse(o, value, v, why, sizeof(why)))
        option_parse(o, o->fallback, v, why, sizeof(why));
}

const char *merge_preset_value(const struct section *s, int option)
{
    union option_value v;
    int retry = option_find(SECTION_HOST, "retry");
    if (!s->value[retry] || !option_of_preset(&options[option]))
        return NULL;
    parse_or_default(&options[retry], s->value[retry], &v);
    return option_preset(&options[option], (int)v.number);
}

/* The most specific value of a key. In a section the key itself is stronger than a preset. */
static const char *value_of(const struct applying *a, int option)
{
    for (uint32_t i = 0; i < a->count; i++) {
        const struct section *s = merge_section(a->config, a->keys[i]);
        const char *v = s->value[option];
        if (v || (v = merge_preset_value(s, option)))
            return v;
    }
    return NULL;
}

/* The sections that set the keys of a bucket; NULL: the key has its default. */
struct setters {
    const struct section *rate, *burst, *per, *concurrency;
};

static void parse_key(const char *key, const struct section *s, union option_value *v)
{
    int option = option_find(SECTION_HOST, key);
    parse_or_default(&options[option], s ? s->value[option] : NULL, v);
}

static void add_limit(struct policy *policy, const struct setters *by, bool operation)
{
    struct limit *l = &policy->limits[policy->limit_count];
    union option_value v;
    parse_key("rate", by->rate, &v);
    *l = v.limit;
    parse_key("concurrency", by->concurrency, &v);
    l->concurrency = (uint32_t)v.number;
    if (!l->rate_count && !l->concurrency)
        return;
    const struct section *rule = l->rate_count ? by->rate : by->concurrency;
    l->operation = operation;
    l->rule = rule ? rule->name : NULL;
    parse_key("per", by->per, &v);
    l->per = v.per;
    parse_key("burst", by->burst, &v);
    for (int i = 0; i < l->rate_count && v.number; i++) {
        int64_t most = GCRA_DEBT_MAX_NS / l->rates[i].interval_ns;
        l->rates[i].burst = (uint32_t)(v.number < most ? v.number : most);
    }
    policy->limit_count++;
}

/* The most specific section that sets the key, from position `from` on; sections that override
 * at any position. Sections that apply as an operation count only if `operations`. */
static const struct section *setter_of(const struct applying *a, int option, uint32_t from,
                                       bool operations)
{
    for (uint32_t i = 0; i < a->count; i++) {
        const struct section *s = merge_section(a->config, a->keys[i]);
        if ((i >= from || s->overrides) && (operations || !merge_is_operation(a->keys[i])) &&
            s->value[option])
            return s;
    }
    return NULL;
}

/* HARDEN_RATE=none lifts every rate, and HARDEN_CONCURRENCY=none every limit of that kind. */
static bool is_lifted(const struct section *s, const char *key)
{
    union option_value v;
    if (!s || !s->overrides)
        return false;
    parse_key(key, s, &v);
    return options[option_find(SECTION_HOST, key)].type == TYPE_RATES ? !v.limit.rate_count
                                                                      : !v.number;
}

static void merge_limits(const struct applying *a, struct policy *out)
{
    int rate = option_find(SECTION_HOST, "rate"), burst = option_find(SECTION_HOST, "burst");
    int per = option_find(SECTION_HOST, "per");
    int concurrency = option_find(SECTION_HOST, "concurrency");
    struct setters by = {.rate = setter_of(a, rate, 0, false),
                         .burst = setter_of(a, burst, 0, false),
                         .per = setter_of(a, per, 0, false),
                         .concurrency = setter_of(a, concurrency, 0, false)};
    const bool no_rates = is_lifted(by.rate, "rate");
    const bool no_concurrency = is_lifted(by.concurrency, "concurrency");
    add_limit(out, &by, false);
    for (uint32_t i = 0, n = 0; i < a->count && n < LIMITS_MAX - 1; i++) {
        const struct section *s = merge_section(a->config, a->keys[i]);
        by.rate = s->value[rate] && !no_rates ? s : NULL;
        by.concurrency = s->value[concurrency] && !no_concurrency ? s : NULL;
        if (!merge_is_operation(a->keys[i]) || (!by.rate && !by.concurrency))
            continue;
        if (by.rate && (!by.burst || !by.burst->overrides))
            by.burst = s;
        by.per = setter_of(a, per, i, true);
        int before = out->limit_count;
        add_limit(out, &by, true);
        n += (uint32_t)(out->limit_count - before);
    }
}

/* What a pause that a server asks for applies to, if to less than the host: the most specific
 * operation, and what `per` names of a request. */
static void merge_pause_scope(const struct applying *a, struct policy *out)
{
    union option_value v;
    int per = option_find(SECTION_HOST, "per");
    const struct section *s = setter_of(a, per, 0, true);
    struct limit *scope = &out->pause_scope;
    parse_or_default(&options[per], s ? s->value[per] : NULL, &v);
    scope->per = v.per;
    for (uint32_t i = 0; i < a->count && !scope->operation; i++)
        if (merge_is_operation(a->keys[i])) {
            scope->operation = true;
            scope->rule = merge_section(a->config, a->keys[i])->name;
        }
    out->pause_is_narrow = scope->operation || (scope->per.parts & (PER_HEADER | PER_ENV));
    if (!(scope->per.parts & PER_ORIGIN))
        scope->per.parts |= PER_HOST;
    scope->per.parts &= ~(unsigned)PER_RULE;
}

void merge_policy(const struct config *c, const uint32_t *keys, uint32_t count, struct policy *out)
{
    const struct applying a = {.config = c, .keys = keys, .count = count};
    const char *values[OPTION_MAX] = {NULL};
    for (int i = 0; i < option_count; i++)
        if (options[i].section == SECTION_HOST)
            values[i] = value_of(&a, i);
    option_store_all(SECTION_HOST, values, out);
    out->hint_letters = hint_letters_of(&out->hints);
    merge_limits(&a, out);
    merge_pause_scope(&a, out);
}
