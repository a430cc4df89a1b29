/* SPDX-License-Identifier: MIT
 *
 * Comparing and splitting words of ASCII text: host names, header names, configuration values.
 *
 * None of these functions depends on the program's locale. strcasecmp(), fnmatch() and <ctype.h>
 * do: after setlocale(LC_ALL, "tr_TR"), "I" and "i" are different letters to them.
 *
 *     ascii_same(host, "localhost")         ignores the case of A-Z; all other bytes must be equal
 *     ascii_glob("python3*", program)       *, ?, [a-z], [!a-z], and \ before any of these
 *
 *     while ((word = word_next(&list, &n)))          "one, two three"
 *         if (!word_is(word, n, "two"))
 *             return wrong(why, size, "%.*s is not known; write two", (int)n, word);
 *
 * Functions with a length n do not need a NUL behind the n bytes. Pure functions. */
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

static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool ascii_is_letter(char c)
{
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

bool ascii_same(const char *a, const char *b);
/* Compares the first n bytes; false if either string ends before that. */
bool ascii_same_n(const char *a, const char *b, size_t n);
/* The number at the beginning of s, at most a billion; 0 if there is none. */
long ascii_number(const char *s);
/* 1 for on, yes, true or 1; 0 for off, no, false or 0; -1 for anything else. */
int ascii_switch(const char *s);
bool ascii_glob(const char *pattern, const char *s);

/* The next word of a list separated by blanks or commas, and its length in *n; NULL at the end. *at
 * begins at the list and is moved behind the word. */
const char *word_next(const char **at, size_t *n);
/* Whether the n bytes at s are `word`, ignoring case. */
bool word_is(const char *s, size_t n, const char *word);
/* The number that all n bytes at s form; -1 if they form none, or one above a billion. */
long whole_number(const char *s, size_t n);

/* Writes to `why` (size bytes) what is wrong with a value. Always false, so that a parser can
 * return it. */
__attribute__((format(printf, 3, 4))) bool wrong(char *why, size_t size, const char *fmt, ...);

#endif
