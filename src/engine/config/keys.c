/* SPDX-License-Identifier: MIT
 *
 * What a complete key of a file does: it sets a value, or is reported. */
#include "engine/config/reader.h"

#include <stdio.h>
#include <string.h>

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

/* A key that no section has is skipped if it was written with a question mark. */
static void report_unknown_key(struct reader *r, const char *about)
{
    static const char *const belongs[OPTION_SECTIONS] = {
        "[harden]", "a [host PATTERN] section; [host *] is for all hosts",
        "a [check NAME] section"};
    const char *near = option_suggest(section_of(r), r->key);
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
    struct section *s = r->where == IN_HOST    ? builder_host_section(r->builder, r->name, false)
                        : r->where == IN_CHECK ? builder_check_section(r->builder, r->name)
                                               : NULL;
    if (s || r->where == IN_HARDEN)
        builder_set(r->builder, s, option, r->value, r->key_line, about);
}

void reader_finish_key(struct reader *r)
{
    char about[BUILDER_SUBJECT_SIZE];
    r->dropped = false;
    if (r->key_line && r->where != IN_REFUSED && r->value) {
        int option = option_find(section_of(r), r->key);
        format_subject(r, about);
        if (r->where == BEFORE_ANY)
            builder_error(r->builder, r->key_line, about,
                          "the key is outside of any section; write [harden] or [host *] above it");
        else if (option < 0)
            report_unknown_key(r, about);
        else
            set_key(r, option, about);
    }
    r->key_line = 0;
}
