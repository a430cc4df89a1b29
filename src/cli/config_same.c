/* SPDX-License-Identifier: MIT */
#include "cli/config_same.h"

#include "engine/config/options.h"
#include "engine/config/pattern.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    const struct section *section;
    const char *text; /* the pattern */
    bool single;      /* the section has no other */
};

static int compare_patterns(const struct pattern *a, const struct pattern *b)
{
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    if (a->is_address != b->is_address)
        return a->is_address - b->is_address;
    if (a->port != b->port)
        return a->port - b->port;
    int order = a->is_address ? memcmp(&a->address, &b->address, sizeof a->address)
                              : strcmp(a->text, b->text);
    return order ? order : strcmp(a->text + a->path_at, b->text + b->path_at);
}

static int by_pattern(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    struct pattern p, q;
    char why[256];
    bool of_x = pattern_parse(x->text, strlen(x->text), &p, why, sizeof why);
    bool of_y = pattern_parse(y->text, strlen(y->text), &q, why, sizeof why);
    int order = x->section->overrides - y->section->overrides;
    if (!order)
        order = of_x && of_y ? compare_patterns(&p, &q) : of_x - of_y;
    return order ? order : (x->section > y->section) - (x->section < y->section);
}

static bool same_pattern(const struct entry *x, const struct entry *y)
{
    struct pattern p, q;
    char why[256];
    return x->section->overrides == y->section->overrides &&
           pattern_parse(x->text, strlen(x->text), &p, why, sizeof why) &&
           pattern_parse(y->text, strlen(y->text), &q, why, sizeof why) &&
           compare_patterns(&p, &q) == 0;
}

/* Of an operation, the buckets of both sections are limits. */
static bool is_used(const struct entry *e, int option)
{
    return options[option].type == TYPE_PATTERNS ||
           (strchr(e->text, '/') && option_of_bucket(&options[option]));
}

static void report_same(const struct entry *e, const struct entry *end, config_same_report *report,
                        void *ctx)
{
    for (int i = 0; i < option_count && e->single; i++) {
        const struct section *s = e->section;
        if (options[i].section != SECTION_HOST || !s->value[i] || is_used(e, i) ||
            !strcmp(s->value[i], options[i].fallback)) /* nobody has chosen it */
            continue;
        for (const struct entry *o = e + 1; o < end && same_pattern(e, o); o++)
            if (o->section != s && o->section->value[i] && o->section->from[i].line &&
                o->section->from[i].file == s->from[i].file) {
                report(ctx, s, i, o->section);
                break;
            }
    }
}

void config_same(const struct config *c, config_same_report *report, void *ctx)
{
    size_t n = 0;
    for (int i = 0; i < c->section_count; i++)
        for (const char **p = c->sections[i].patterns; *p; p++)
            n++;
    struct entry *entries = calloc(n + 1, sizeof *entries);
    if (!entries)
        return;
    n = 0;
    for (int i = 0; i < c->section_count; i++) {
        const struct section *s = &c->sections[i];
        for (const char **p = s->patterns; *p; p++)
            entries[n++] = (struct entry){.section = s, .text = *p, .single = !s->patterns[1]};
    }
    if (n)
        qsort(entries, n, sizeof *entries, by_pattern);
    for (size_t i = 0; i + 1 < n; i++)
        report_same(&entries[i], entries + n, report, ctx);
    free(entries);
}
