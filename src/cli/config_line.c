/* SPDX-License-Identifier: MIT */
#include "cli/config_line.h"

#include "engine/config/options.h"

#include <stdlib.h>
#include <string.h>

#define COLUMN       40  /* where comments begin */
#define WIDTH        100 /* of a line that is continued */
#define LINE_LONGEST 190 /* with its comment, that every version reads */

/* In a text or path, several blanks are part of the value; in a list they count as one. */
static bool is_list(int option)
{
    enum option_type t = options[option].type;
    return t == TYPE_RATES || t == TYPE_OUTCOMES || t == TYPE_METHODS || t == TYPE_HINTS ||
           t == TYPE_PATTERNS || t == TYPE_STATUSES;
}

/* "KEY = VALUE", in several lines if it is a long list. Returns the length of the last one. */
static int put_value(FILE *f, int option, const char *value)
{
    bool list = is_list(option);
    int used = fprintf(f, "%s = ", options[option].name);
    size_t n = strlen(value);
    for (; list && n + (size_t)used > WIDTH; n = strlen(value)) {
        const char *blank = memrchr(value, ' ', WIDTH - (size_t)used);
        blank = blank ? blank : strchr(value, ' ');
        if (!blank)
            break;
        fprintf(f, "%.*s\n", (int)(blank - value), value);
        used = fprintf(f, "    ");
        value = blank + 1;
    }
    return used + fprintf(f, "%s", value);
}

static struct config *read_text(const char *header, int option, const char *value)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    if (!f)
        return NULL;
    fprintf(f, "%s\n", header);
    if (value)
        put_value(f, option, value);
    struct config *c = fclose(f) == 0 ? config_load_text("", text, n, NULL, NULL) : NULL;
    free(text);
    return c;
}

/* Asks the reader of files itself, so that no rule of it must be known here. */
static bool can_be_written(int option, const char *value)
{
    static const char *const headers[OPTION_SECTIONS] = {"[harden]", "[host x]", "[check x]"};
    enum option_section section = options[option].section;
    struct config *c = read_text(headers[section], option, value);
    const struct section *s = !c                         ? NULL
                              : section == SECTION_HOST  ? c->sections
                              : section == SECTION_CHECK ? c->check_sections
                                                         : NULL;
    const char *again = s ? s->value[option] : c ? c->value[option] : NULL;
    bool same = again && strcmp(again, value) == 0;
    if (c)
        config_discard(c);
    return same;
}

static void put_printable(FILE *f, const char *s)
{
    for (; *s; s++)
        fputc((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s, f);
}

static void put_comment(FILE *f, int option, const char *value, const char *about)
{
    fprintf(f, "; %s = ", options[option].name);
    put_printable(f, value);
    int used = (int)(strlen(options[option].name) + strlen(value)) + 5;
    if (*about)
        fprintf(f, "%*s; %s", used < COLUMN ? COLUMN - used : 1, "", about);
    fputc('\n', f);
}

static void join_blanks(char *s)
{
    char *out = s;
    for (; *s; s++)
        if (*s != ' ' || s[1] != ' ')
            *out++ = *s;
    *out = '\0';
}

/* Then it need not be tried. */
static bool is_plain(const char *value)
{
    size_t n = strlen(value);
    for (size_t i = 0; i < n; i++)
        if (value[i] < ' ' || value[i] > '~' || value[i] == ';' || value[i] == '#')
            return false;
    return n > 0 && n < WIDTH / 2 && value[0] != ' ' && value[n - 1] != ' ';
}

static void put_line(FILE *f, int option, const char *value, enum config_line kind,
                     const char *about)
{
    char why[512];
    if (kind == CONFIG_LINE_LIVE && !is_plain(value) && !can_be_written(option, value)) {
        snprintf(why, sizeof why, "%.400s; a file cannot have this value", about);
        put_comment(f, option, value, why);
        return;
    }
    if (kind == CONFIG_LINE_COMMENT) {
        put_comment(f, option, value, about);
        return;
    }
    if (strlen(value) > WIDTH || strlen(about) + WIDTH > LINE_LONGEST) {
        fprintf(f, "; from %s\n",
                about); /* a long line with a comment may be too long for the reader */
        put_value(f, option, value);
        fputc('\n', f);
        return;
    }
    int used = put_value(f, option, value);
    fprintf(f, "%*s; %s\n", used < COLUMN ? COLUMN - used : 1, "", about);
}

void config_line(FILE *f, int option, const char *value, enum config_line kind, const char *about)
{
    char *joined = is_list(option) && strstr(value, "  ") ? strdup(value) : NULL;
    if (joined)
        join_blanks(joined);
    put_line(f, option, joined ? joined : value, kind, about);
    free(joined);
}

int config_line_value(FILE *f, int option, const char *value)
{
    int n = 0;
    for (; *value; value++)
        if (!is_list(option) || *value != ' ' || value[1] != ' ')
            n += fprintf(f, "%c", *value);
    return n;
}

bool config_line_can_name(const struct section *s)
{
    char header[640];
    if (snprintf(header, sizeof header, "[%s %s]", s->overrides ? "override" : "host", s->name) >=
        (int)sizeof header)
        return false;
    struct config *c = read_text(header, 0, NULL);
    bool same = c && c->section_count == 1 && strcmp(c->sections[0].name, s->name) == 0;
    if (c)
        config_discard(c);
    return same;
}
