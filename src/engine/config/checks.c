/* SPDX-License-Identifier: MIT
 *
 * From the [check NAME] sections to the checks that are run. A wrong value keeps its key at the
 * default, but without a type or a target the check is not run. */
#include "engine/config/builder.h"
#include "engine/config/parse.h"

#include <stdio.h>

/* Reports that a key is missing, at the header of the section. */
static void report_missing(struct builder *b, const struct section *s, const char *key,
                           const char *example)
{
    char subject[80];
    snprintf(subject, sizeof(subject), "[check %.60s]", s->name);
    b->file = s->at.file;
    builder_error(b, s->at.line, subject, "the check has no %s and is not run; write %s", key,
                  example);
}

static void report_wrong(struct builder *b, const struct section *s, int option, const char *why)
{
    char value[200], subject[BUILDER_SUBJECT_SIZE];
    const char *name = options[option].name;
    builder_show_value(value, sizeof(value), name, s->value[option]);
    snprintf(subject, sizeof(subject), "[check %.60s] %s = %s", s->name, name, value);
    b->file = s->from[option].file;
    builder_error(b, s->from[option].line, subject, "%s", why);
}

/* False: there is nothing to run. */
static bool finish_check(struct builder *b, const struct section *s, struct check_config *c)
{
    int type = option_find(SECTION_CHECK, "type"), target = option_find(SECTION_CHECK, "target");
    int expect = option_find(SECTION_CHECK, "expect");
    char why[400];
    if (!s->value[type] && !s->from[type].file)
        report_missing(b, s, "type", "type = tcp, http or dns");
    if (!s->value[target] && !s->from[target].file)
        report_missing(b, s, "target", "target = host:port or a URL");
    if (!s->value[type] || !s->value[target])
        return false;
    *c = (struct check_config){.name = s->name, .target = s->value[target]};
    option_store_all(SECTION_CHECK, s->value, c);
    if (c->kind != CHECK_HTTP && s->value[expect])
        report_wrong(b, s, expect,
                     "only an http check has statuses; remove it, or write type = http");
    if (check_target_parse(c->kind, c->target, &c->at, why, sizeof(why)))
        return true;
    report_wrong(b, s, target, why);
    return false;
}

void builder_finish_checks(struct builder *b)
{
    struct config *c = b->config;
    int n = c->check_section_count;
    if (!n || !(c->checks = builder_keep(b, (size_t)n * sizeof(*c->checks))))
        return;
    for (int i = 0; i < n; i++)
        c->check_count += finish_check(b, &c->check_sections[i], &c->checks[c->check_count]);
}
