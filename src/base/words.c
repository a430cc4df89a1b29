/* SPDX-License-Identifier: MIT */
#include "base/words.h"

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
    for (; *s >= '0' && *s <= '9'; s++)
        n = n < most / 10 ? n * 10 + (*s - '0') : most;
    return n;
}

/* The set that begins after the bracket: whether c is in it, and in *end what follows. NULL there: no
 * bracket closes it, so it is no set. */
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

/* Whether one step of the pattern, other than a star, takes c; in *next what follows it. */
static bool step(const char *pattern, char c, const char **next)
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
    for (int i = 0; i < (int)(sizeof words / sizeof words[0]); i++)
        if (ascii_same(words[i], s))
            return i & 1;
    return -1;
}

/* After a `*` the shortest run is tried first; on a mismatch only the last `*` takes one more. */
bool ascii_glob(const char *pattern, const char *s)
{
    const char *star = NULL, *retry = NULL, *next;
    while (*s) {
        if (*pattern == '*') {
            star = ++pattern;
            retry = s;
        } else if (step(pattern, *s, &next)) {
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
