/* SPDX-License-Identifier: MIT */
#include "cli/config_print.h"

#include "engine/options.h"

#include <string.h>

static void print_value(FILE *f, const char *key, const char *value, const struct origin *from)
{
    int used = fprintf(f, "%s = %s", key, value);
    fprintf(f, "%*s; ", used < 40 ? 40 - used : 1, "");
    if (!from || !from->file)
        fputs("default\n", f);
    else if (from->line)
        fprintf(f, "%s:%d\n", from->file, from->line);
    else
        fprintf(f, "%s\n", from->file);
}

static void print_harden(FILE *f, const struct config *c)
{
    fputs("[harden]\n", f);
    for (int i = 0; i < option_count; i++)
        if (options[i].section == SECTION_HARDEN)
            print_value(f, options[i].name, c->value[i] ? c->value[i] : options[i].fallback,
                        c->value[i] ? &c->from[i] : NULL);
}

/* HARDEN_KEY beats every section. */
static const struct section *beaten_by(const struct config *c, int option)
{
    for (int i = 0; i < c->section_count; i++)
        if (c->sections[i].environment && !strcmp(c->sections[i].name, "*") &&
            c->sections[i].value[option])
            return &c->sections[i];
    return NULL;
}

static void print_all_hosts(FILE *f, const struct config *c)
{
    const struct section *all = NULL;
    for (int i = 0; i < c->section_count; i++)
        if (!c->sections[i].environment && !strcmp(c->sections[i].name, "*"))
            all = &c->sections[i];
    fputs("\n[host *]\n", f);
    for (int i = 0; i < option_count; i++) {
        if (options[i].section != SECTION_HOST || options[i].type == TYPE_PATTERNS)
            continue;
        const struct section *s = beaten_by(c, i);
        if (!s && all && all->value[i])
            s = all;
        print_value(f, options[i].name, s ? s->value[i] : options[i].fallback,
                    s ? &s->from[i] : NULL);
    }
}

static void print_section(FILE *f, const struct config *c, const struct section *s)
{
    fprintf(f, "\n[host %s]%s\n", s->name, s->environment ? "   ; HARDEN_RATE" : "");
    for (int i = 0; i < option_count; i++) {
        if (options[i].section != SECTION_HOST || !s->value[i])
            continue;
        print_value(f, options[i].name, s->value[i], &s->from[i]);
        if (!s->environment && beaten_by(c, i))
            fprintf(f, "; the line above is overridden by HARDEN_* in the environment\n");
    }
}

void config_print(FILE *f, const struct config *c)
{
    for (int i = 0; i < c->file_count; i++)
        fprintf(f, "; %s: %s\n", c->files[i].path, c->files[i].present ? "read" : "not there");
    print_harden(f, c);
    print_all_hosts(f, c);
    for (int i = 0; i < c->section_count; i++)
        if (strcmp(c->sections[i].name, "*") != 0)
            print_section(f, c, &c->sections[i]);
}
