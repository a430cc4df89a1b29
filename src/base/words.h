/* SPDX-License-Identifier: MIT
 *
 * Letters and digits as protocols and configurations have them, in any locale of the program: its
 * setlocale() must not make three hosts of one, nor change what a file says. What <ctype.h>,
 * strcasecmp() and fnmatch() answer follows the locale, in tr_TR for one with I and i.
 *
 *     ascii_same(host, "localhost")         without regard to case; other bytes must be equal
 *     ascii_glob("python3*", program)       *, ?, [a-z], [!a-z], and \ before any of these
 *
 * Pure functions. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline char ascii_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

bool ascii_same(const char *a, const char *b);
/* The same for the first n bytes; a text that ends before is not the same. */
bool ascii_same_n(const char *a, const char *b, size_t n);
/* The number that the text begins with; 0: none, and what is above a billion is a billion. */
long ascii_number(const char *s);
/* What a switch says: 1 for on, yes, true or 1; 0 for off, no, false or 0; -1: neither. */
int ascii_switch(const char *s);
bool ascii_glob(const char *pattern, const char *s);

#endif
