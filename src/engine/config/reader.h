/* SPDX-License-Identifier: MIT
 *
 * The state of reading one text, between lines.c, which reads lines and keys, and sections.c, which
 * reads the headers of sections. No other file uses it.
 *
 * inih reads only keys, with their values and continuations, and only lines that are known to be
 * sound, one at a time. It cannot be given section headers: it ends the name of [host [::1]:8080]
 * at the first bracket, and does not report a section without keys. */
#ifndef ENGINE_CONFIG_READER_H
#define ENGINE_CONFIG_READER_H

#include "engine/config/builder.h"

#include <stdbool.h>
#include <stddef.h>

/* inih cuts off what is longer, without an error. */
#define NAME_LONGEST 49 /* names of sections and keys */
#define LINE_LONGEST 199

struct reader {
    struct builder *builder;
    const char *at, *end;
    char text[LINE_LONGEST + 2]; /* the line that inih reads */
    const char *unread;          /* the part of it that inih has not read yet */
    int line;
    enum { BEFORE_ANY, IN_HARDEN, IN_HOST, IN_CHECK, IN_REFUSED } where;
    const char *name;              /* of a [host] or [check] section */
    char title[NAME_LONGEST + 16]; /* of the section, as written */

    /* The key whose value is being collected from its lines. */
    char key[NAME_LONGEST + 1];
    char *value;
    size_t length, room;
    int key_line;    /* 0: none */
    bool dropped;    /* the line of the key was wrong: its continuations are dropped, too */
    bool continuing; /* the line in text is a continuation */
};

static inline bool reader_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Reads a line that begins with a bracket; s has no surrounding blanks and no comment. */
void reader_section(struct reader *r, const char *s, size_t n);

#endif
