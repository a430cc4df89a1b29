/* SPDX-License-Identifier: MIT
 *
 * Reads a section line: [harden], [host PATTERN], [override PATTERN], [check NAME] or
 * [program GLOB]. */
#include "base/words.h"
#include "engine/config/pattern.h"
#include "engine/config/reader.h"

#include <stdio.h>
#include <string.h>

static void begin_host(struct reader *r, const char *name, size_t n, bool overrides,
                       const char *about)
{
    char why[256];
    struct pattern p;
    r->where = IN_REFUSED;
    r->overrides = overrides;
    if (n > NAME_LONGEST) {
        builder_error(r->builder, r->line, about,
                      "the name is longer than %d characters; write [host LABEL], with the pattern "
                      "as match = PATTERN. The section is not used",
                      NAME_LONGEST);
    } else if (n == 0) {
        builder_error(r->builder, r->line, about,
                      "a host section needs a pattern; write [host *] or [host api.example.com]");
    } else if (memchr(name, ' ', n) || memchr(name, '\t', n) || memchr(name, ',', n)) {
        builder_error(
            r->builder, r->line, about,
            "a section has one pattern; write [host LABEL] with a key match = PATTERN...");
    } else if (!pattern_parse(name, n, &p, why, sizeof(why))) {
        builder_error(r->builder, r->line, about, "%s", why);
    } else {
        struct section *s = NULL;
        char *own = builder_keep(r->builder, n + 1);
        if ((r->name = own)) {
            pattern_name(own, name, n);
            s = builder_host_section(r->builder, own, r->overrides);
        }
        r->where = s ? IN_HOST : IN_REFUSED;
    }
}

static bool is_check_name(const char *name, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool alphanumeric = ascii_is_digit(c) || ascii_is_letter(c);
        if (!alphanumeric && (i == 0 || (c != '-' && c != '_' && c != '.')))
            return false;
    }
    return n > 0;
}

static void begin_check(struct reader *r, const char *name, size_t n, const char *about)
{
    struct section *s = NULL;
    r->where = IN_REFUSED;
    if (!is_check_name(name, n)) {
        builder_error(r->builder, r->line, about,
                      "a check needs a name of letters, digits, dots and dashes; write for example "
                      "[check database]");
        return;
    }
    if (n >= CHECK_NAME_SIZE) {
        builder_error(r->builder, r->line, about,
                      "the name of a check has at most %d characters; write a shorter one",
                      CHECK_NAME_SIZE - 1);
        return;
    }
    if ((r->name = builder_copy(r->builder, name, n)))
        s = builder_check_section(r->builder, r->name);
    if (s && !s->at.file)
        s->at = (struct origin){.file = r->builder->file, .line = r->line};
    r->where = s ? IN_CHECK : IN_REFUSED;
}

static const char *why_not_program(const char *glob, size_t n)
{
    if (n == 0)
        return "a program section needs a name; write for example [program curl] or [program php*]";
    if (memchr(glob, ' ', n) || memchr(glob, '\t', n) || memchr(glob, ',', n))
        return "a section names one program, or several by a pattern; write a section for each";
    if (memchr(glob, '/', n))
        return "a program is named by its base name; write for example [program curl]";
    if (*glob == '!')
        return "a section cannot exclude a program; write the keys of the others into [harden]";
    return NULL;
}

static void begin_program(struct reader *r, const char *glob, size_t n, const char *about)
{
    struct section *s = NULL;
    const char *why = n > NAME_LONGEST ? "the name is longer than 255 characters; write a shorter "
                                         "one with a star"
                                       : why_not_program(glob, n);
    r->where = IN_REFUSED;
    if (why) {
        builder_error(r->builder, r->line, about, "%s", why);
        return;
    }
    if ((r->name = builder_copy(r->builder, glob, n)))
        s = builder_program_section(r->builder, r->name);
    if (s && !s->at.line)
        s->at.line = r->line;
    r->where = s ? IN_PROGRAM : IN_REFUSED;
}

/* What follows the word that a header begins with; NULL: it begins with another word. */
static const char *after_word(const char *s, size_t *n, const char *word)
{
    size_t length = strlen(word);
    if (*n < length || memcmp(s, word, length) != 0 || (*n > length && !reader_is_blank(s[length])))
        return NULL;
    for (s += length, *n -= length; *n && reader_is_blank(*s); s++, --*n)
        ;
    return s;
}

/* For a header without its closing bracket: the section that is probably meant. */
static const char *likely_section(const char *s, size_t n)
{
    return n > 2 && memcmp(s, "[ho", 3) == 0  ? "host PATTERN"
           : n > 1 && memcmp(s, "[o", 2) == 0 ? "override PATTERN"
           : n > 1 && memcmp(s, "[c", 2) == 0 ? "check NAME"
           : n > 1 && memcmp(s, "[p", 2) == 0 ? "program NAME"
                                              : "harden";
}

static void put_title(struct reader *r, const char *s, size_t n)
{
    bool fits = n < sizeof(r->title);
    snprintf(r->title, sizeof(r->title), "%.*s%s", (int)(fits ? n : sizeof(r->title) - 4), s,
             fits ? "" : "...");
}

void reader_section(struct reader *r, const char *s, size_t n)
{
    char about[BUILDER_SUBJECT_SIZE];
    const char *name;
    r->where = IN_REFUSED;
    snprintf(about, sizeof(about), "%.*s", (int)(n < 80 ? n : 80), s);
    if (s[n - 1] != ']') {
        builder_error(r->builder, r->line, about, "a section ends with its bracket; write [%s]",
                      likely_section(s, n));
        return;
    }
    for (s++, n -= 2; n && reader_is_blank(*s); s++, n--)
        ;
    while (n && reader_is_blank(s[n - 1]))
        n--;
    put_title(r, s, n);
    if (n == 6 && memcmp(s, "harden", n) == 0)
        r->where = IN_HARDEN;
    else if ((name = after_word(s, &n, "host")))
        begin_host(r, name, n, false, about);
    else if ((name = after_word(s, &n, "override")))
        begin_host(r, name, n, true, about);
    else if ((name = after_word(s, &n, "check")))
        begin_check(r, name, n, about);
    else if ((name = after_word(s, &n, "program")))
        begin_program(r, name, n, about);
    else
        builder_error(r->builder, r->line, about,
                      "unknown section; write [harden], [host PATTERN] as in [host *], [check "
                      "NAME] or [program NAME]");
}
