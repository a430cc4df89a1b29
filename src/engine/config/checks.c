/* SPDX-License-Identifier: MIT
 *
 * From the [check NAME] sections to the checks that are run. A wrong value costs the key alone, which
 * keeps its default; without a type or a target there is nothing to run. */
#include "engine/config/builder.h"
#include "engine/config/parse.h"

#include <stdio.h>
#include <string.h>

/* What must be said of the section as a whole is said at its header. */
static void lacks(struct builder *b, const struct section *s, const char *what, const char *right)
{
    char subject[80];
    snprintf(subject, sizeof(subject), "[check %.60s]", s->name);
    b->file = s->at.file;
    builder_error(b, s->at.line, subject, "the check has no %s and is not run; write %s", what,
                  right);
}

static void about(struct builder *b, const struct section *s, int option, char subject[320])
{
    char value[200];
    const char *name = options[option].name;
    builder_show_value(value, sizeof(value), name, s->value[option]);
    snprintf(subject, 320, "[check %.60s] %s = %s", s->name, name, value);
    b->file = s->from[option].file;
}

static void take_values(const struct section *s, struct check_config *c)
{
    union option_value v;
    char why[400];
    for (int i = 0; i < option_count; i++) {
        const struct option *o = &options[i];
        const char *value = s->value[i] ? s->value[i] : o->fallback;
        if (o->section == SECTION_CHECK && o->width && *value &&
            option_parse(o, value, &v, why, sizeof(why)))
            option_store(o, &v, c);
    }
}

static bool take_target(struct builder *b, const struct section *s, struct check_config *c)
{
    int target = option_find(SECTION_CHECK, "target");
    char why[400], subject[320];
    c->target = s->value[target];
    if (check_target_parse(c->kind, c->target, &c->at, why, sizeof(why)))
        return true;
    about(b, s, target, subject);
    builder_error(b, s->from[target].line, subject, "%s", why);
    return false;
}

/* Whether there is something to run. */
static bool settle(struct builder *b, const struct section *s, struct check_config *c)
{
    int type = option_find(SECTION_CHECK, "type"), target = option_find(SECTION_CHECK, "target");
    int expect = option_find(SECTION_CHECK, "expect");
    char subject[320];
    if (!s->value[type] && !s->from[type].file)
        lacks(b, s, "type", "type = tcp, http or dns");
    if (!s->value[target] && !s->from[target].file)
        lacks(b, s, "target", "target = host:port or a URL");
    if (!s->value[type] || !s->value[target])
        return false;
    *c = (struct check_config){.name = s->name};
    take_values(s, c);
    if (c->kind != CHECK_HTTP && s->value[expect]) {
        about(b, s, expect, subject);
        builder_error(b, s->from[expect].line, subject,
                      "only an http check has statuses; remove it, or write type = http");
    }
    return take_target(b, s, c);
}

void builder_settle_checks(struct builder *b)
{
    struct config *c = b->config;
    int n = c->check_section_count;
    if (!n || !(c->checks = builder_keep(b, (size_t)n * sizeof(*c->checks))))
        return;
    for (int i = 0; i < n; i++)
        c->check_count += settle(b, &c->check_sections[i], &c->checks[c->check_count]);
}
