/* SPDX-License-Identifier: MIT
 *
 * Header lines as libcurl delivers them: n bytes with their line end, no NUL. */
#ifndef CURL_GATE_HEADER_LINE_H
#define CURL_GATE_HEADER_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* It ends a block. */
static inline bool header_line_is_blank(const char *p, size_t n)
{
    return n <= 2 && (p[0] == '\r' || p[0] == '\n');
}

/* It begins a block. */
static inline bool header_line_is_status(const char *p, size_t n)
{
    return n > 5 && !memcmp(p, "HTTP/", 5);
}

/* Of a status line; 0: it has none. */
static inline int header_line_status(const char *p, size_t n)
{
    const char *sp = memchr(p, ' ', n);
    int status = 0;
    for (const char *d = sp ? sp + 1 : p + n; d < p + n && d <= sp + 3; d++) {
        if (*d < '0' || *d > '9')
            return 0;
        status = status * 10 + (*d - '0');
    }
    return status;
}

#endif
