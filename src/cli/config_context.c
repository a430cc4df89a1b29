/* SPDX-License-Identifier: MIT */
#include "cli/config_context.h"

#include "engine/config/merge.h"

#include <string.h>

/* A pattern with a star, taken as a host's name, is matched by the patterns that include it. The address
 * that a prefix begins with may be matched by longer prefixes, too, which do not. */
static void add_section(void *ctx, const struct section *s, bool operation)
{
    struct context *x = ctx;
    (void)operation;
    if (x->pattern.kind == PATTERN_PREFIX && s != x->own && !s->overrides) {
        bool before = true;
        for (int i = 0; i < x->count; i++)
            before &= x->section[i] != x->own;
        if (before)
            return;
    }
    if (x->count < CONTEXT_SECTIONS)
        x->section[x->count++] = s;
}

bool context_of(struct context *x, const struct config *c, const struct section *s,
                const char *pattern)
{
    char why[256];
    *x = (struct context){.config = c, .own = s};
    if (!pattern_parse(pattern, strlen(pattern), &x->pattern, why, sizeof why))
        return false;
    const struct pattern *p = &x->pattern;
    x->target = (struct target){.scheme = "",
                                .host = p->text,
                                .port = p->port,
                                .default_port = !p->port,
                                .path = p->text + p->path_at,
                                .address = p->is_address ? &p->address : NULL};
    rules_explain(c, &x->target, add_section, x);
    for (int i = 0; i < x->count; i++)
        if (x->section[i] == s)
            return true;
    return false;
}

const char *context_value(const struct context *x, int option, const struct section **by)
{
    for (int i = 0; i < x->count; i++) {
        *by = x->section[i];
        const char *preset = merge_preset_value(*by, option);
        if ((*by)->value[option] || preset)
            return (*by)->value[option] ? (*by)->value[option] : preset;
    }
    *by = NULL;
    return options[option].fallback;
}

union option_value context_parsed(const struct context *x, int option)
{
    const struct section *by;
    union option_value v = {0};
    char why[400];
    option_parse(&options[option], context_value(x, option, &by), &v, why, sizeof why);
    return v;
}

int64_t context_number(const struct context *x, int option)
{
    return context_parsed(x, option).number;
}

bool context_is_own(const struct context *x, int option)
{
    const struct section *by;
    context_value(x, option, &by);
    return by && by == x->own && by->value[option] &&
           strcmp(by->value[option], options[option].fallback) != 0;
}
