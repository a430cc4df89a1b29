/* SPDX-License-Identifier: MIT
 *
 * What a complete key of a file does: it sets a value, includes a file, or is reported. */
#include "engine/config/reader.h"

#include <stdio.h>
#include <string.h>

#define INCLUDE "include" /* not an option: it acts where it stands, and may be repeated */

static void format_subject(const struct reader *r, char *out)
{
    char shown[200];
    if (r->where == IN_CHECK)
        builder_show_value(shown, sizeof(shown), r->key, r->value);
    else
        snprintf(shown, sizeof(shown), "%s", r->value);
    if (r->where == BEFORE_ANY)
        snprintf(out, BUILDER_SUBJECT_SIZE, "%s = %s", r->key, shown);
    else
        snprintf(out, BUILDER_SUBJECT_SIZE, "[%s] %s = %s", r->title, r->key, shown);
}

static enum option_section section_of(const struct reader *r)
{
    return r->where == IN_HOST    ? SECTION_HOST
           : r->where == IN_CHECK ? SECTION_CHECK
                                  : SECTION_HARDEN;
}

/* Whether the section that is being read may have the key of this row. [program] may have those of
 * [harden] and [host *], but not `programs`, which it replaces. */
static bool is_key_here(const struct reader *r, const struct option *o)
{
    if (r->where != IN_PROGRAM)
        return o->section == section_of(r);
    return o->section != SECTION_CHECK && o->type != TYPE_PATTERNS &&
           strcmp(o->name, "programs") != 0;
}

static int find_key(const struct reader *r)
{
    for (int i = 0; i < option_count; i++)
        if (is_key_here(r, &options[i]) && strcmp(options[i].name, r->key) == 0)
            return i;
    return -1;
}

static const char *nearest_key(const struct reader *r)
{
    const char *known[OPTION_MAX + 1] = {INCLUDE};
    int n = r->where == IN_HARDEN;
    for (int i = 0; i < option_count; i++)
        if (is_key_here(r, &options[i]))
            known[n++] = options[i].name;
    return option_nearest(r->key, known, n);
}

/* A key that no section has is skipped if it was written with a question mark. */
static void report_unknown_key(struct reader *r, const char *about)
{
    static const char *const belongs[OPTION_SECTIONS] = {
        "[harden]", "a [host PATTERN] section; [host *] is for all hosts",
        "a [check NAME] section"};
    const char *near = nearest_key(r);
    int other = 0;
    while (other < OPTION_SECTIONS && option_find((enum option_section)other, r->key) < 0)
        other++;
    if (other < OPTION_SECTIONS)
        builder_error(r->builder, r->key_line, about, "the key belongs in %s", belongs[other]);
    else if (r->optional)
        return;
    else if (near)
        builder_error(r->builder, r->key_line, about, "unknown key; did you mean %s?", near);
    else
        builder_error(r->builder, r->key_line, about, "unknown key; see harden.ini(5) for all");
}

static void set_key(struct reader *r, int option, const char *about)
{
    struct builder *b = r->builder;
    struct section *s = r->where == IN_HOST      ? builder_host_section(b, r->name, r->overrides)
                        : r->where == IN_CHECK   ? builder_check_section(b, r->name)
                        : r->where == IN_PROGRAM ? builder_program_section(b, r->name)
                                                 : NULL;
    if (s || r->where == IN_HARDEN)
        builder_set(b, s, option, r->value, r->key_line, about);
}

static void include_file(struct reader *r, const char *about)
{
    if (r->where != BEFORE_ANY && r->where != IN_HARDEN)
        builder_error(r->builder, r->key_line, about,
                      "a file has sections of its own; write the line into [harden], or above the "
                      "first section");
    else if (!r->length)
        builder_error(r->builder, r->key_line, about,
                      "no file; write for example include = presets/github.ini");
    else
        r->builder->include(r->builder, r->value, r->key_line, about);
}

void reader_finish_key(struct reader *r)
{
    char about[BUILDER_SUBJECT_SIZE];
    r->dropped = false;
    if (r->key_line && r->where != IN_REFUSED && r->value) {
        int option = find_key(r);
        format_subject(r, about);
        if (strcmp(r->key, INCLUDE) == 0)
            include_file(r, about);
        else if (r->where == BEFORE_ANY)
            builder_error(r->builder, r->key_line, about,
                          "the key is outside of any section; write [harden] or [host *] above it");
        else if (option < 0)
            report_unknown_key(r, about);
        else
            set_key(r, option, about);
    }
    r->key_line = 0;
}
