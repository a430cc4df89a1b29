/* SPDX-License-Identifier: MIT
 *
 * Between config_file.c, which reads lines and keys, and config_section.c, which reads the headers of
 * sections. */
#ifndef ENGINE_CONFIG_READER_H
#define ENGINE_CONFIG_READER_H

#include "engine/loader.h"

#include <stdbool.h>
#include <stddef.h>

#define NAME_LONGEST 49 /* of sections and keys */
#define LINE_LONGEST 199
#define SUBJECT_SIZE 320

/* Where the reader is. */
struct reader {
    struct loader *loader;
    const char *at, *end;
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
    bool continuing; /* the line goes on with its value */
};

static inline bool reader_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* The collected key is complete: another one begins, or the section ends. */
void reader_finish_key(struct reader *r);
/* A line that begins with a bracket, without blanks and comment around it. */
void reader_section(struct reader *r, const char *s, size_t n);

#endif
