/* SPDX-License-Identifier: MIT
 *
 * The URL schemes that the library covers, and their default ports.
 *
 *     const struct scheme *s = scheme_find("https");     s->port is 443; NULL: not covered
 *
 * Pure. */
#ifndef BASE_SCHEME_H
#define BASE_SCHEME_H

#include <stdbool.h>
#include <stdint.h>

enum scheme_family { SCHEME_HTTP, SCHEME_FTP, SCHEME_OTHER };

struct scheme {
    char name[8];
    uint16_t port;
    enum scheme_family family;
};

/* name is in lower case. The result is static. */
const struct scheme *scheme_find(const char *name);
/* 0: not covered. */
uint16_t scheme_port(const char *name);

/* The default ports of connections that have no scheme, those of connect(). */
static inline bool scheme_is_web_port(uint16_t port)
{
    return port == 80 || port == 443;
}

#endif
