/* SPDX-License-Identifier: MIT
 *
 * Reads the text of a file: finds its lines, reports those that are wrong, and lets inih parse the
 * rest. */
#include "engine/config/reader.h"

#include <ini.h>
#include <stdio.h>
#include <string.h>

static void format_subject(const struct reader *r, char *out, const char *key, const char *value)
{
    char shown[200];
    if (r->where == IN_CHECK)
        builder_show_value(shown, sizeof(shown), key, value);
    else
        snprintf(shown, sizeof(shown), "%s", value);
    snprintf(out, BUILDER_SUBJECT_SIZE, "[%s] %.60s = %s", r->title, key, shown);
}

static enum option_section section_of(const struct reader *r)
{
    return r->where == IN_HOST    ? SECTION_HOST
           : r->where == IN_CHECK ? SECTION_CHECK
                                  : SECTION_HARDEN;
}

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
    else if (near)
        builder_error(r->builder, r->key_line, about, "unknown key; did you mean %s?", near);
    else
        builder_error(r->builder, r->key_line, about, "unknown key; see harden.ini(5) for all");
}

/* The collected key is complete: another one begins, or the section ends. */
static void finish_key(struct reader *r)
{
    char about[BUILDER_SUBJECT_SIZE];
    int line = r->key_line;
    r->dropped = false;
    if (!line || r->where == IN_REFUSED || !r->value) {
        r->key_line = 0;
        return;
    }
    format_subject(r, about, r->key, r->value);
    int option = option_find(section_of(r), r->key);
    if (r->where == BEFORE_ANY) {
        snprintf(about, sizeof(about), "%.60s = %.200s", r->key, r->value);
        builder_error(r->builder, line, about,
                      "the key is outside of any section; write [harden] or [host *] above it");
    } else if (option < 0) {
        report_unknown_key(r, about);
    } else {
        struct section *s = r->where == IN_HOST ? builder_host_section(r->builder, r->name, false)
                            : r->where == IN_CHECK ? builder_check_section(r->builder, r->name)
                                                   : NULL;
        if (s || r->where == IN_HARDEN)
            builder_set(r->builder, s, option, r->value, line, about);
    }
    r->key_line = 0;
}

/* An indented "word =" is a key, although inih would take it for a continuation. */
static bool looks_like_key(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && ((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z'))
        i++;
    while (i && i < n && (s[i] == '_' || ((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z')))
        i++;
    size_t word = i;
    while (i < n && reader_is_blank(s[i]))
        i++;
    return word && i < n && s[i] == '=';
}

/* An indented bracket may also begin an address in a list of patterns, which has a colon. */
static bool looks_like_section(const char *s, size_t n)
{
    size_t i = 1;
    while (i < n && s[i] != ']' && s[i] != ':' && !reader_is_blank(s[i]))
        i++;
    return n && s[0] == '[' && (i == n || s[i] != ':');
}

/* The length without a comment that begins with " ;", and without trailing blanks. */
static size_t without_comment(const char *s, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        if (reader_is_blank(s[i]) && s[i + 1] == ';')
            n = i;
    while (n && reader_is_blank(s[n - 1]))
        n--;
    return n;
}

/* How much of a wrong line is shown: in a [check], whose values may be secret, only the key. */
static int shown_length(const struct reader *r, const char *s, size_t n, size_t most)
{
    for (size_t i = 0; i < n && r->where == IN_CHECK && *s != '['; i++)
        if (s[i] == '=' || s[i] == ':')
            n = i + 1;
    return (int)(n < most ? n : most);
}

/* False, and reported, if inih would read the line of a key as something else. */
static bool key_line_is_sound(struct reader *r, const char *s, size_t n)
{
    char about[BUILDER_SUBJECT_SIZE];
    const char *equals = NULL;
    for (size_t i = 0; i < n && !equals; i++)
        equals = s[i] == '=' || s[i] == ':' ? s + i : NULL;
    size_t key = equals ? (size_t)(equals - s) : 0;
    while (key && reader_is_blank(s[key - 1]))
        key--;
    if (r->where == IN_REFUSED)
        return true;
    snprintf(about, sizeof(about), "%s%s%s%.*s", *r->title ? "[" : "", r->title,
             *r->title ? "] " : "", shown_length(r, s, n, 80), s);
    if (key == 0)
        builder_error(r->builder, r->line, about, "not a key and its value; write KEY = VALUE");
    else if (key > NAME_LONGEST)
        builder_error(r->builder, r->line, about, "the key is longer than %d characters: unknown",
                      NAME_LONGEST);
    return key > 0 && key <= NAME_LONGEST;
}

/* False, and reported, if there is a fault that any line may have. Continuations of such a line are
 * dropped. */
static bool line_is_sound(struct reader *r, const char *s, size_t n, size_t raw)
{
    char about[BUILDER_SUBJECT_SIZE];
    bool nul = memchr(s, '\0', n) != NULL;
    if (!nul && raw <= LINE_LONGEST)
        return true;
    if (r->where != IN_REFUSED || *s == '[') {
        int shown = shown_length(r, s, n, 40);
        snprintf(about, sizeof(about), "%s%s%s%.*s%s", *r->title ? "[" : "", r->title,
                 *r->title ? "] " : "", shown, s, n > (size_t)shown ? "..." : "");
        if (nul)
            builder_error(r->builder, r->line, about, "a NUL byte; write plain text");
        else
            builder_error(
                r->builder, r->line, about,
                "the line is longer than %d characters; continue it in a next line that is "
                "indented",
                LINE_LONGEST);
    }
    return false;
}

/* Examines one line. True: it is in r->text, for inih. */
static bool examine_line(struct reader *r, const char *s, size_t raw)
{
    size_t n = raw;
    const char *start = s;
    while (n && reader_is_blank(*s)) {
        s++;
        n--;
    }
    if (!n || *s == ';' || *s == '#')
        return false;
    bool indented = s > start;
    bool header = *s == '[' && (!indented || looks_like_section(s, n));
    r->continuing = indented && !header && (r->key_line || r->dropped) && !looks_like_key(s, n);
    if (r->continuing && r->dropped)
        return false;
    if (!r->continuing)
        finish_key(r);
    if (!line_is_sound(r, s, n, raw)) {
        r->where = header ? IN_REFUSED : r->where;
        r->key_line = 0;
        r->dropped = !header;
        return false;
    }
    n = without_comment(s, n);
    if (header) {
        reader_section(r, s, n);
        return false;
    }
    if (!r->continuing && !key_line_is_sound(r, s, n)) {
        r->dropped = true;
        return false;
    }
    snprintf(r->text, sizeof(r->text), "%s%.*s\n", r->continuing ? " " : "", (int)n, s);
    r->unread = r->text;
    return true;
}

/* Goes on to the next line that inih is to read. */
static bool find_line(struct reader *r)
{
    while (r->at < r->end) {
        const char *s = r->at, *newline = memchr(s, '\n', (size_t)(r->end - s));
        size_t n = (size_t)((newline ? newline : r->end) - s);
        r->at = newline ? newline + 1 : r->end;
        r->line++;
        if (n && s[n - 1] == '\r')
            n--;
        if (examine_line(r, s, n))
            return true;
    }
    return false;
}

/* fgets() for inih. If a line fills inih's buffer, its newline is left for the next call: some
 * versions read on, with a buffer of a few bytes, until they get it. */
static char *read_for_inih(char *out, int size, void *stream)
{
    struct reader *r = stream;
    if (!*r->unread && !find_line(r))
        return NULL;
    size_t n = strlen(r->unread);
    if (n > (size_t)size - 1)
        n = (size_t)size - 1;
    memcpy(out, r->unread, n);
    out[n] = '\0';
    r->unread += n;
    return out;
}

static void append_value(struct reader *r, const char *s, size_t n)
{
    size_t needed = r->length + n + 2;
    if (needed > r->room) {
        char *grown = builder_keep(r->builder, 2 * needed);
        if (!grown)
            return;
        if (r->length)
            memcpy(grown, r->value, r->length);
        r->value = grown;
        r->room = 2 * needed;
    }
    if (r->length)
        r->value[r->length++] = ' ';
    memcpy(r->value + r->length, s, n);
    r->length += n;
    r->value[r->length] = '\0';
}

/* Called by inih for each key and each continuation of its value. */
static int take_key(void *user, const char *section, const char *name, const char *value)
{
    struct reader *r = user;
    (void)section;
    if (!r->continuing) {
        snprintf(r->key, sizeof(r->key), "%s", name);
        r->key_line = r->line;
        r->length = 0;
    }
    append_value(r, value, strlen(value));
    return 1;
}

void builder_read_text(struct builder *b, const char *text, size_t n)
{
    struct reader r = {.builder = b, .at = text, .end = text + n, .unread = ""};
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        r.at += 3;
    b->out_of_memory |= ini_parse_stream(read_for_inih, &r, take_key, &r) < 0; /* inih.c */
    finish_key(&r);
}
