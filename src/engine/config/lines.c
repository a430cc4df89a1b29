/* SPDX-License-Identifier: MIT
 *
 * Reads the text of a file: finds its lines, reports those that are wrong, and lets inih parse the
 * rest. */
#include "engine/config/reader.h"

#include <ini.h>
#include <stdio.h>
#include <string.h>

/* The length of the question mark in front of a key, and of the blanks behind it; mostly 0. */
static size_t optional_length(const char *s, size_t n)
{
    size_t i = n && *s == '?';
    while (i && i < n && reader_is_blank(s[i]))
        i++;
    return i;
}

/* An indented "word =" is a key, although inih would take it for a continuation. */
static bool looks_like_key(const char *s, size_t n)
{
    size_t i = 0, start = optional_length(s, n);
    s += start;
    n -= start;
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

/* The length without a comment that begins with " ;" or " #", and without trailing blanks. */
static size_t without_comment(const char *s, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        if (reader_is_blank(s[i]) && (s[i + 1] == ';' || s[i + 1] == '#'))
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

static void put_piece(struct reader *r, const char *before)
{
    size_t n = r->rest_length < PIECE_LONGEST ? r->rest_length : PIECE_LONGEST;
    snprintf(r->text, sizeof(r->text), "%s|%.*s|\n", before, (int)n, r->rest);
    r->unread = r->text;
    r->rest += n;
    r->rest_length -= n;
}

/* Gives the value, or the first piece of it, to inih, within bars: inih would trim it, and take a
 * semicolon at its beginning for a comment. */
static void put_value(struct reader *r, const char *before, const char *s, size_t n)
{
    while (n && reader_is_blank(*s)) {
        s++;
        n--;
    }
    r->rest = s;
    r->rest_length = n;
    r->joined = false;
    put_piece(r, before);
}

static void report_key_line(struct reader *r, const char *s, size_t n, const char *what)
{
    char about[BUILDER_SUBJECT_SIZE];
    if (r->where == IN_REFUSED)
        return;
    snprintf(about, sizeof(about), "%s%s%s%.*s", *r->title ? "[" : "", r->title,
             *r->title ? "] " : "", shown_length(r, s, n, 80), s);
    builder_error(r->builder, r->line, about, "%s", what);
}

/* Gives the line of a key to inih. False, and reported, if it is none. */
static bool put_key_line(struct reader *r, const char *s, size_t n)
{
    char before[KEY_LONGEST + 4];
    const char *equals = NULL;
    size_t start = optional_length(s, n);
    for (size_t i = start; i < n && !equals; i++)
        equals = s[i] == '=' || s[i] == ':' ? s + i : NULL;
    size_t key = equals ? (size_t)(equals - s) - start : 0;
    while (key && reader_is_blank(s[start + key - 1]))
        key--;
    if (key == 0 || s[start] == '[' || s[start] == ';' || s[start] == '#') {
        report_key_line(r, s, n, "not a key and its value; write KEY = VALUE");
        return false;
    }
    if (key > KEY_LONGEST) {
        if (!start)
            report_key_line(r, s, n, "the key is longer than 49 characters: unknown");
        return false;
    }
    snprintf(before, sizeof(before), "%.*s = ", (int)key, s + start);
    put_value(r, before, equals + 1, (size_t)(s + n - equals - 1));
    r->optional = start > 0;
    return true;
}

/* False, and reported, if there is a fault that any line may have. Continuations of such a line are
 * dropped. */
static bool line_is_sound(struct reader *r, const char *s, size_t n)
{
    char about[BUILDER_SUBJECT_SIZE];
    if (!memchr(s, '\0', n))
        return true;
    if (r->where != IN_REFUSED || *s == '[') {
        int shown = shown_length(r, s, n, 40);
        snprintf(about, sizeof(about), "%s%s%s%.*s%s", *r->title ? "[" : "", r->title,
                 *r->title ? "] " : "", shown, s, n > (size_t)shown ? "..." : "");
        builder_error(r->builder, r->line, about, "a NUL byte; write plain text");
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
        reader_finish_key(r);
    if (!line_is_sound(r, s, n)) {
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
    if (r->continuing)
        put_value(r, " ", s, n);
    else
        r->dropped = !put_key_line(r, s, n);
    return !r->dropped;
}

/* Goes on to the next piece of the line, or to the next line that inih is to read. */
static bool find_line(struct reader *r)
{
    if (r->rest_length) {
        r->continuing = r->joined = true;
        put_piece(r, " ");
        return true;
    }
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
    if (r->length && !r->joined)
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
    append_value(r, value + 1, strlen(value) - 2); /* the bars */
    return 1;
}

void builder_read_text(struct builder *b, const char *text, size_t n)
{
    struct reader r = {.builder = b, .at = text, .end = text + n, .unread = ""};
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        r.at += 3;
    b->out_of_memory |= ini_parse_stream(read_for_inih, &r, take_key, &r) < 0; /* inih.c */
    reader_finish_key(&r);
}
