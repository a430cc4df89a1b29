/* SPDX-License-Identifier: MIT
 *
 * URL schemes and their default ports.
 *
 *     const struct scheme *s = scheme_find("https");     s->port is 443; NULL: not covered
 *     uint16_t port = scheme_port("smbs");               445, although it is not covered
 *
 * Pure. */
#ifndef BASE_SCHEME_H
#define BASE_SCHEME_H

#include <stdbool.h>
#include <stdint.h>

enum scheme_family {
    SCHEME_HTTP,
    SCHEME_FTP,
    SCHEME_OTHER,
    SCHEME_UNCOVERED, /* the library passes transfers through; only the port is known */
};

struct scheme {
    char name[8];
    uint16_t port;
    enum scheme_family family;
};

/* A scheme that the library covers; NULL: any other. name is in lower case. The result is static. */
const struct scheme *scheme_find(const char *name);
/* The default port of any known scheme; 0: unknown. */
uint16_t scheme_port(const char *name);

/* The default ports of connections that have no scheme, those of connect(). */
static inline bool scheme_is_web_port(uint16_t port)
{
    return port == 80 || port == 443;
}

#endif
