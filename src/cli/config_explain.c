/* SPDX-License-Identifier: MIT */
#include "cli/config_explain.h"

#include "cli/cli.h"
#include "cli/config_line.h"
#include "engine/config/merge.h"
#include "engine/config/options.h"
#include "engine/config/rules.h"

#include <string.h>

#define SECTIONS_MAX 64

struct matches {
    const struct section *section[SECTIONS_MAX]; /* most specific first */
    bool operation[SECTIONS_MAX];                /* it applies as an operation of the host */
    int count;
};

static void add_match(void *ctx, const struct section *s, bool operation)
{
    struct matches *m = ctx;
    if (m->count == SECTIONS_MAX)
        return;
    m->section[m->count] = s;
    m->operation[m->count++] = operation;
}

static const char *kind_of(const struct section *s)
{
    return s->overrides ? "override" : "host";
}

static void print_sections(FILE *f, const struct matches *m)
{
    fputs("\nmatching sections, most specific first\n", f);
    for (int i = 0; i < m->count; i++)
        fprintf(f, "  [%s %s]%s\n", kind_of(m->section[i]), m->section[i]->name,
                m->operation[i] ? "   an operation of the host" : "");
    if (!m->count)
        fputs("  none: the defaults apply\n", f);
}

static void print_per(FILE *f, const struct per *per)
{
    static const char *const names[] = {"host", "origin", "rule", "uid"};
    const char *plus = "";
    for (int i = 0; i < 4; i++)
        if (per->parts & 1u << i) {
            fprintf(f, "%s%s", plus, names[i]);
            plus = "+";
        }
    if (per->parts & PER_HEADER)
        fprintf(f, "%sheader:%s", plus, per->header), plus = "+";
    if (per->parts & PER_ENV)
        fprintf(f, "%senv:%s", plus, per->env);
    if (!per->parts)
        fputs("host", f);
}

static const char *kind_of_rule(const struct matches *m, const struct limit *l)
{
    int rate = option_find(SECTION_HOST, "rate");
    for (int i = 0; i < m->count; i++)
        if (!strcmp(m->section[i]->name, l->rule) && m->section[i]->value[rate] &&
            m->operation[i] == l->operation)
            return kind_of(m->section[i]);
    return "host";
}

static void print_limits(FILE *f, const struct matches *m, const struct policy *p)
{
    char window[24];
    fputs("\nlimits; a request takes one token from each\n", f);
    for (int i = 0; i < p->limit_count; i++)
        for (int j = 0; j < p->limits[i].rate_count; j++) {
            const struct limit *l = &p->limits[i];
            fprintf(f, "  %u/%s, burst %u, per ", l->rates[j].tokens,
                    cli_duration(l->rates[j].window_ns, window), l->rates[j].burst);
            print_per(f, &l->per);
            fprintf(f, "   [%s %s]\n", kind_of_rule(m, l), l->rule);
        }
    if (!p->limit_count)
        fputs("  none\n", f);
}

/* The section that gives the key its value, itself or by its `retry`; NULL: none. */
static const struct section *setter_of(const struct matches *m, int option)
{
    for (int i = 0; i < m->count; i++) {
        const struct section *s = m->section[i];
        if ((s->value[option] || merge_preset_value(s, option)) &&
            !(option_of_bucket(&options[option]) && m->operation[i]))
            return s;
    }
    return NULL;
}

static void print_key(FILE *f, const struct matches *m, int option)
{
    const struct section *s = setter_of(m, option);
    const char *value = s ? s->value[option] : options[option].fallback;
    int used = fprintf(f, "  %s = ", options[option].name);
    used += config_line_value(f, option, value ? value : merge_preset_value(s, option));
    fprintf(f, "%*s; ", used < 40 ? 40 - used : 1, "");
    if (!s)
        fputs("default\n", f);
    else if (!value)
        fputs("by retry\n", f);
    else if (s->from[option].line)
        fprintf(f, "[%s %s] %s:%d\n", kind_of(s), s->name, s->from[option].file,
                s->from[option].line);
    else
        fprintf(f, "[%s %s] %s\n", kind_of(s), s->name, s->from[option].file);
}

bool config_explain(FILE *f, const struct config *c, const struct destination *d)
{
    struct matches m = {.count = 0};
    const struct policy *p = rules_find(c, &d->target);
    if (!p)
        return false;
    rules_explain(c, &d->target, add_match, &m);
    fprintf(f, "host %s", d->host);
    if (d->target.port)
        fprintf(f, ", port %u", d->target.port);
    fprintf(f, "%s%s\n", *d->scheme ? ", by " : ", by connect()", d->scheme);
    print_sections(f, &m);
    print_limits(f, &m, p);
    fputs("\neffective values\n", f);
    for (int i = 0; i < option_count; i++)
        if (options[i].section == SECTION_HOST && options[i].type != TYPE_PATTERNS)
            print_key(f, &m, i);
    return true;
}
