/* SPDX-License-Identifier: MIT
 *
 * Between files.c, which reads lines and keys, and sections.c, which reads the headers of
 * sections. */
#ifndef ENGINE_CONFIG_READER_H
#define ENGINE_CONFIG_READER_H

#include "engine/config/builder.h"

#include <stdbool.h>
#include <stddef.h>

#define NAME_LONGEST 49  /* inih cuts section names and keys there, and lines at the other, */
#define LINE_LONGEST 199 /* without a word */
#define SUBJECT_SIZE 320

/* Where the reader is. Section headers are its own business, because inih ends a name at the first
 * bracket of [host [::1]:8080] and never tells of a section without keys; inih gets the keys, with
 * their values and continuations, one sound line at a time. */
struct reader {
    struct builder *builder;
    const char *at, *end;
    char text[LINE_LONGEST + 2]; /* the line that inih is to have, */
    const char *unread;          /* and what it has not got of it yet */
    int line;
    enum { BEFORE_ANY, IN_HARDEN, IN_HOST, IN_CHECK, IN_REFUSED } where;
    const char *name;              /* of the section, IN_HOST and IN_CHECK */
    char title[NAME_LONGEST + 16]; /* of the section, as written */

    /* The key whose value is being collected over its lines. */
    char key[NAME_LONGEST + 1];
    char *value;
    size_t length, room;
    int key_line;    /* 0: none */
    bool dropped;    /* the key's line was wrong: so are its continuations */
    bool continuing; /* the line that inih has is a continuation */
};

static inline bool reader_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* A line that begins with a bracket, without blanks and comment around it. */
void reader_section(struct reader *r, const char *s, size_t n);

#endif
