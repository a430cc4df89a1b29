/* SPDX-License-Identifier: MIT */
#include "engine/config/source.h"

#include "base/compiler.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/config/merge.h"
#include "engine/config/rules.h"

#include <stdatomic.h>
#include <string.h>

static void set_origin(struct event_setting *s, const char *value, const struct origin *from)
{
    s->value = value;
    s->file = from->file;
    s->line = from->line;
}

static void set_default(struct event_setting *s, int option)
{
    s->value = options[option].fallback;
}

static void find_in_sections(struct event_setting *s, const struct config *c,
                             const struct policy *p, int option)
{
    uint32_t count;
    const uint32_t *keys = rules_keys_of(c, p, &count);
    if (!keys)
        return;
    int retry = option_find(SECTION_HOST, "retry");
    for (uint32_t i = 0; i < count; i++) {
        const struct section *section = merge_section(c, keys[i]);
        const char *value = section->value[option];
        if (value) {
            set_origin(s, value, &section->from[option]);
            return;
        }
        if ((value = merge_preset_value(section, option))) {
            set_origin(s, value, &section->from[retry]);
            s->preset = section->value[retry];
            return;
        }
    }
    set_default(s, option);
}

void source_of_key(struct event_setting *s, const struct config *c, const struct policy *p,
                   const char *key)
{
    int option = option_find(SECTION_HARDEN, key);
    *s = (struct event_setting){.key = key};
    if (option < 0)
        find_in_sections(s, c, p, option_find(SECTION_HOST, key));
    else if (c->value[option])
        set_origin(s, c->value[option], &c->from[option]);
    else
        set_default(s, option);
}

void source_of_limit(struct event_setting *s, const struct config *c, const struct policy *p,
                     const struct limit *limit, const char *key)
{
    uint32_t count;
    const uint32_t *keys = rules_keys_of(c, p, &count);
    int option = option_find(SECTION_HOST, key);
    *s = (struct event_setting){.key = options[option].name};
    for (uint32_t i = 0; i < count; i++) {
        const struct section *section = merge_section(c, keys[i]);
        bool is_its =
            limit->operation ? section->name == limit->rule : !merge_is_operation(keys[i]);
        if (is_its && section->value[option]) {
            set_origin(s, section->value[option], &section->from[option]);
            return;
        }
    }
}

/* The first line that the section sets something in. */
static const struct origin *first_line(const struct section *s)
{
    const struct origin *first = NULL;
    for (int i = 0; i < option_count; i++)
        if (s->value[i] && s->from[i].line && (!first || s->from[i].line < first->line))
            first = &s->from[i];
    return first;
}

/* A few may be said again, where two share a place. */
static bool was_said(const struct policy *p, const char *host)
{
    static _Atomic uint64_t said[64];
    uint64_t hash = hash_bytes(host, strlen(host), (uintptr_t)p);
    return atomic_exchange(&said[hash % array_size(said)], hash) == hash;
}

void source_log_sections(const struct config *c, const struct policy *p, const char *host)
{
    char line[1024];
    if (was_said(p, host))
        return;
    struct text t = TEXT_OVER(line);
    uint32_t count;
    const uint32_t *keys = rules_keys_of(c, p, &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct section *s = merge_section(c, keys[i]);
        const struct origin *at = first_line(s);
        text_fmt(&t, "%s[%s %s]", i ? ", " : "", s->overrides ? "override" : "host", s->name);
        if (at)
            text_fmt(&t, " (%s:%d)", at->file, at->line);
        else if (s->overrides)
            text_put(&t, " (environment)");
    }
    log_debug("%s: settings of %s", host, count ? line : "no section, but the defaults");
}
