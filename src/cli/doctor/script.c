/* SPDX-License-Identifier: MIT */
#include "cli/doctor/script.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The next word of a line; *at moves behind it. NULL: no more words. */
static const char *next_word(const char **at, const char *end, size_t *n)
{
    const char *s = *at;
    while (s < end && (*s == ' ' || *s == '\t'))
        s++;
    const char *begin = s;
    while (s < end && *s != ' ' && *s != '\t')
        s++;
    *n = (size_t)(s - begin);
    *at = s;
    return *n ? begin : NULL;
}

static bool is_env(const char *path, size_t n)
{
    return n >= 4 && !memcmp(path + n - 4, "/env", 4);
}

/* The program name after env, its options and its NAME=VALUE arguments. */
static const char *after_env(const char *at, const char *end, size_t *n)
{
    const char *w;
    while ((w = next_word(&at, end, n))) {
        if (*w == '-' && *n > 2 && w[1] == 'S') { /* -Sname */
            *n -= 2;
            return w + 2;
        }
        if (*w != '-' && !memchr(w, '=', *n))
            return w;
    }
    return NULL;
}

enum script script_parse(const char *head, size_t n, char *out, size_t size)
{
    out[0] = '\0';
    if (n < 2 || memcmp(head, "#!", 2))
        return n && !memchr(head, '\0', n) ? SCRIPT_PLAIN : SCRIPT_NONE;
    const char *end = memchr(head, '\n', n), *at = head + 2;
    size_t length = 0, name_length = 0;
    if (!end)
        end = head + n;
    const char *path = next_word(&at, end, &length);
    if (!path || memchr(path, '\0', length))
        return SCRIPT_NONE;
    const char *name = is_env(path, length) ? after_env(at, end, &name_length) : NULL;
    snprintf(out, size, "%.*s", (int)(name ? name_length : length), name ? name : path);
    return name ? SCRIPT_ENV : SCRIPT_DIRECT;
}
