/* SPDX-License-Identifier: MIT */
#include "cli/config_print.h"

#include "cli/config_line.h"
#include "engine/config/merge.h"
#include "engine/config/options.h"
#include "engine/config/pattern.h"

#include <string.h>

#define ABOUT_SIZE 512

/* "harden.ini:3", "environment", "default". */
static void describe_origin(char about[ABOUT_SIZE], const struct origin *from)
{
    if (!from || !from->file)
        snprintf(about, ABOUT_SIZE, "default");
    else if (from->line)
        snprintf(about, ABOUT_SIZE, "%s:%d", from->file, from->line);
    else
        snprintf(about, ABOUT_SIZE, "%s", from->file);
}

static void print_value(FILE *f, int option, const char *value, const struct origin *from)
{
    char about[ABOUT_SIZE];
    describe_origin(about, from);
    config_line(f, option, value, CONFIG_LINE_LIVE, about);
}

static void print_harden(FILE *f, const struct config *c)
{
    fputs("[harden]\n", f);
    for (int i = 0; i < option_count; i++)
        if (options[i].section == SECTION_HARDEN)
            print_value(f, i, c->value[i] ? c->value[i] : options[i].fallback,
                        c->value[i] ? &c->from[i] : NULL);
}

/* ---- [host] and [override] ----------------------------------------------------------------- */

static bool has_pattern(const struct section *s, bool (*is)(const struct pattern *))
{
    char why[256];
    struct pattern p;
    for (const char **w = s->patterns; w && *w; w++)
        if (pattern_parse(*w, strlen(*w), &p, why, sizeof why) && is(&p))
            return true;
    return false;
}

static bool is_everything(const struct pattern *p)
{
    return p->kind == PATTERN_ANY && !p->port && !pattern_is_operation(p);
}

static bool is_all_hosts(const struct section *s)
{
    return !s->overrides && strcmp(s->name, "*") == 0;
}

struct printer {
    FILE *f;
    const struct config *c;
    const char *override_all[OPTION_MAX]; /* what [override] sections for all hosts set; or NULL */
};

static void find_overrides(struct printer *p)
{
    for (int k = 0; k < p->c->section_count; k++) {
        const struct section *s = &p->c->sections[k];
        if (!s->overrides || !has_pattern(s, is_everything))
            continue;
        bool sometimes = has_pattern(s, pattern_is_operation);
        for (int i = 0; i < option_count; i++)
            if (options[i].section == SECTION_HOST && options[i].type != TYPE_PATTERNS &&
                !(sometimes && option_of_bucket(&options[i]))) {
                const char *value = s->value[i] ? s->value[i] : merge_preset_value(s, i);
                p->override_all[i] = value ? value : p->override_all[i];
            }
    }
}

/* Whether no [host] section can set the key. An operation's rate and concurrency are limits of its own, beside
 * those of the host. */
static bool is_overridden(const struct printer *p, const struct section *s, int option)
{
    if (!p->override_all[option] || (s && s->overrides))
        return false;
    bool is_limit =
        options[option].type == TYPE_RATES || !strcmp(options[option].name, "concurrency");
    return !is_limit || !s || !has_pattern(s, pattern_is_operation);
}

/* What is printed of a section. */
enum extent {
    DEAD,  /* its lines as comments */
    OWN,   /* what it sets */
    WHOLE, /* the defaults, too */
    SHOWN, /* the defaults as comments, which must not take precedence over other sections */
};

static void print_host_key(const struct printer *p, const struct section *s, enum extent extent,
                           int option)
{
    const char *value = s ? s->value[option] : NULL,
               *preset = s ? merge_preset_value(s, option) : NULL;
    char about[ABOUT_SIZE];
    bool overridden = is_overridden(p, s, option);
    bool live = !overridden && extent != DEAD && (value || (!preset && extent == WHOLE));
    if (!value && !preset && (options[option].type == TYPE_PATTERNS || extent <= OWN))
        return;
    if (value)
        describe_origin(about, &s->from[option]);
    else
        snprintf(about, sizeof about, preset ? "by retry" : "default");
    if (overridden)
        strncat(about, ", overridden by [override *]", sizeof about - strlen(about) - 1);
    config_line(p->f, option,
                value    ? value
                : preset ? preset
                         : options[option].fallback,
                live ? CONFIG_LINE_LIVE : CONFIG_LINE_COMMENT, about);
}

/* s NULL: [host *] is not written. */
static void print_host(const struct printer *p, const struct section *s, enum extent extent)
{
    bool overrides = s && s->overrides;
    if (overrides && !config_line_can_name(s)) {
        fputs("\n; a file cannot have this section:\n;", p->f);
        extent = DEAD;
    }
    fprintf(p->f, "%s[%s %s]\n", extent == DEAD ? " " : "\n", overrides ? "override" : "host",
            s ? s->name : "*");
    for (int i = 0; i < option_count; i++)
        if (options[i].section == SECTION_HOST)
            print_host_key(p, s, extent, i);
}

/* [host *] comes first and shows the defaults. But if a label for all hosts is before it, it must stay in its
 * place, because the later one of them takes precedence; at the end if it is not written, because there the
 * keys of [program] sections make one. */
static void print_hosts(struct printer *p)
{
    const struct section *s = p->c->sections, *end = s + p->c->section_count, *all = s;
    bool label_first = false;
    for (; all < end && !is_all_hosts(all); all++)
        label_first |= !all->overrides && has_pattern(all, is_everything);
    if (!label_first)
        print_host(p, all < end ? all : NULL, WHOLE);
    for (; s < end; s++)
        if (s != all || label_first)
            print_host(p, s, s == all ? SHOWN : OWN);
    if (label_first && all == end)
        print_host(p, NULL, SHOWN);
}

/* ---- [program] ----------------------------------------------------------------------------- */

static void print_program(const struct printer *p, const struct section *s)
{
    char about[ABOUT_SIZE];
    fprintf(p->f, "\n[program %s]\n", s->name);
    for (int i = 0; i < option_count; i++) {
        if (!s->value[i])
            continue;
        /* A variable is stronger; it is printed as the value of [harden]. */
        bool variable =
            options[i].section == SECTION_HARDEN && p->c->value[i] && !p->c->from[i].line;
        describe_origin(about, &s->from[i]);
        if (variable || is_overridden(p, s, i))
            strncat(about, ", overridden by the environment or [override *]",
                    sizeof about - strlen(about) - 1);
        config_line(p->f, i, s->value[i],
                    variable || is_overridden(p, s, i) ? CONFIG_LINE_COMMENT : CONFIG_LINE_LIVE,
                    about);
    }
}

/* ---- [check] ------------------------------------------------------------------------------- */

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
            print_value(f, i, value, s->value[i] ? &s->from[i] : NULL);
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
    struct printer p = {.f = f, .c = c};
    find_overrides(&p);
    print_hosts(&p);
    for (int i = 0; i < c->program_section_count; i++)
        print_program(&p, &c->program_sections[i]);
    for (int i = 0; i < c->check_section_count; i++)
        print_check(f, c, &c->check_sections[i], for_others);
}
