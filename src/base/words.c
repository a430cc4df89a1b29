/* SPDX-License-Identifier: MIT */
#include "base/words.h"

#include "base/compiler.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool ascii_same(const char *a, const char *b)
{
    while (*a && ascii_lower(*a) == ascii_lower(*b)) {
        a++;
        b++;
    }
    return ascii_lower(*a) == ascii_lower(*b);
}

bool ascii_same_n(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++)
        if (!*a || ascii_lower(*a) != ascii_lower(*b))
            return false;
    return true;
}

long ascii_number(const char *s)
{
    const long most = 1000000000;
    long n = 0;
    for (; ascii_is_digit(*s); s++)
        n = n < most / 10 ? n * 10 + (*s - '0') : most;
    return n;
}

/* Whether c is in the set that begins after the bracket at `at`. *end is what follows the set; NULL
 * if no bracket closes it, so that the opening one is an ordinary character. */
static bool in_set(const char *at, unsigned char c, const char **end)
{
    bool negated = *at == '!' || *at == '^', hit = false;
    at += negated;
    const char *first = at;
    for (; *at && (*at != ']' || at == first); at++) {
        unsigned char low = (unsigned char)*at, high = low;
        if (at[1] == '-' && at[2] && at[2] != ']') {
            high = (unsigned char)at[2];
            at += 2;
        }
        hit |= c >= low && c <= high;
    }
    *end = *at ? at + 1 : NULL;
    return hit != negated;
}

/* Whether the first element of the pattern, which is not a star, matches c. *next is the element
 * after it. */
static bool matches_one(const char *pattern, char c, const char **next)
{
    if (*pattern == '[') {
        const char *end;
        bool hit = in_set(pattern + 1, (unsigned char)c, &end);
        if (end) {
            *next = end;
            return hit;
        }
    }
    bool any = *pattern == '?';
    pattern += *pattern == '\\' && pattern[1];
    *next = pattern + 1;
    return *pattern && (any || *pattern == c);
}

int ascii_switch(const char *s)
{
    static const char words[][8] = {"off", "on", "no", "yes", "false", "true", "0", "1"};
    for (int i = 0; i < (int)array_size(words); i++)
        if (ascii_same(words[i], s))
            return i & 1;
    return -1;
}

/* A `*` first matches nothing. On a mismatch the last `*` matches one character more; earlier ones
 * need not be tried again. */
bool ascii_glob(const char *pattern, const char *s)
{
    const char *star = NULL, *retry = NULL, *next;
    while (*s) {
        if (*pattern == '*') {
            star = ++pattern;
            retry = s;
        } else if (matches_one(pattern, *s, &next)) {
            pattern = next;
            s++;
        } else if (star) {
            pattern = star;
            s = ++retry;
        } else {
            return false;
        }
    }
    return !pattern[strspn(pattern, "*")];
}

const char *word_next(const char **at, size_t *n)
{
    const char *s = *at + strspn(*at, " \t,");
    *n = strcspn(s, " \t,");
    *at = s + *n;
    return *n ? s : NULL;
}

bool word_is(const char *s, size_t n, const char *word)
{
    return strlen(word) == n && ascii_same_n(word, s, n);
}

long whole_number(const char *s, size_t n)
{
    long v = 0;
    if (!n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (!ascii_is_digit(s[i]))
            return -1;
        v = v * 10 + (s[i] - '0');
        if (v > 1000000000)
            return -1;
    }
    return v;
}

bool wrong(char *why, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(why, size, fmt, ap);
    va_end(ap);
    return false;
}
