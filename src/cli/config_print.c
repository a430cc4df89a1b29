/* SPDX-License-Identifier: MIT */
#include "cli/config_print.h"

#include "engine/config/options.h"

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

/* The environment section that sets this key for all hosts; HARDEN_KEY overrides every file. */
static const struct section *environment_override(const struct config *c, int option)
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
        const struct section *s = environment_override(c, i);
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
        if (!s->environment && environment_override(c, i))
            fprintf(f, "; HARDEN_* in the environment overrides the line above\n");
    }
}

static void print_program(FILE *f, const struct section *s)
{
    fprintf(f, "\n[program %s]\n", s->name);
    for (int i = 0; i < option_count; i++)
        if (s->value[i])
            print_value(f, options[i].name, s->value[i], &s->from[i]);
}

static const struct check_config *check_of(const struct config *c, const char *name)
{
    for (int i = 0; i < c->check_count; i++)
        if (!strcmp(c->checks[i].name, name))
            return &c->checks[i];
    return NULL;
}

static void print_check(FILE *f, const struct config *c, const struct section *s, bool for_others)
{
    const struct check_config *check = check_of(c, s->name);
    fprintf(f, "\n[check %s]%s\n", s->name, check ? "" : "   ; does not run because of the errors");
    for (int i = 0; i < option_count; i++) {
        if (options[i].section != SECTION_CHECK)
            continue;
        const char *value = s->value[i] ? s->value[i] : options[i].fallback;
        if (value == s->value[i] && for_others && !strcmp(options[i].name, "target"))
            value = check ? check->at.origin : "";
        if (*value && !(check && options[i].type == TYPE_STATUSES && check->kind != CHECK_HTTP))
            print_value(f, options[i].name, value, s->value[i] ? &s->from[i] : NULL);
    }
}

void config_print(FILE *f, const struct config *c, bool for_others)
{
    for (int i = 0; i < c->file_count; i++)
        fprintf(f, "; %s: %s\n", c->files[i].path,
                c->files[i].passed_over ? "not read, it belongs to another user"
                : c->files[i].present   ? "read"
                                        : "not found");
    print_harden(f, c);
    print_all_hosts(f, c);
    for (int i = 0; i < c->section_count; i++)
        if (strcmp(c->sections[i].name, "*") != 0)
            print_section(f, c, &c->sections[i]);
    for (int i = 0; i < c->program_section_count; i++)
        print_program(f, &c->program_sections[i]);
    for (int i = 0; i < c->check_section_count; i++)
        print_check(f, c, &c->check_sections[i], for_others);
}
