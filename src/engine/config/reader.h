/* SPDX-License-Identifier: MIT
 *
 * The state of reading one text, between lines.c, which finds lines and keys, keys.c, which applies a
 * complete key, and sections.c, which reads the headers of sections. No other file uses it.
 *
 * inih reads only keys, with their values and continuations, and only lines that are known to be
 * sound, one at a time. It cannot be given section headers: it ends the name of [host [::1]:8080]
 * at the first bracket, and does not report a section without keys. It cuts off lines of more than 199
 * characters without an error, so a longer one is given to it in pieces, as a value that continues. */
#ifndef ENGINE_CONFIG_READER_H
#define ENGINE_CONFIG_READER_H

#include "engine/config/builder.h"

#include <stdbool.h>
#include <stddef.h>

#define KEY_LONGEST   49  /* inih cuts off what is longer, without an error */
#define NAME_LONGEST  255 /* of a section, without the word it begins with */
#define PIECE_LONGEST 120 /* of a value that inih reads at once */

struct reader {
    struct builder *builder;
    const char *at, *end;
    char text[KEY_LONGEST + PIECE_LONGEST + 16]; /* what inih reads next, as one line */
    const char *unread;                          /* the part of it that inih has not read yet */
    const char *rest; /* what follows of the value in its line, if that is longer than a piece */
    size_t rest_length;
    int line;
    enum { BEFORE_ANY, IN_HARDEN, IN_HOST, IN_CHECK, IN_PROGRAM, IN_REFUSED } where;
    const char *name; /* of a [host], [override], [check] or [program] section */
    bool overrides;   /* IN_HOST: the section is [override] */
    char title[112];  /* of the section, as written; a longer one is cut, with dots */

    /* The key whose value is being collected from its lines. */
    char key[KEY_LONGEST + 1];
    char *value;
    size_t length, room;
    int key_line;    /* 0: none */
    bool optional;   /* it was written as ?key: unknown, it is skipped */
    bool dropped;    /* the line of the key was wrong: its continuations are dropped, too */
    bool continuing; /* what is in text continues the value */
    bool joined;     /* without a blank: it is a further piece of a line */
};

static inline bool reader_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* Reads a line that begins with a bracket; s has no surrounding blanks and no comment. */
void reader_section(struct reader *r, const char *s, size_t n);
/* The collected key is complete: another one begins, or the section ends. */
void reader_finish_key(struct reader *r);

#endif
