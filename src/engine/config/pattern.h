/* SPDX-License-Identifier: MIT
 *
 * One pattern of a [host] section, compiled:
 *
 *     *   *.example.com   api.example.com   api.example.com:8443   api.example.com/v1/search*
 *     10.0.0.1   10.0.0.0/8   fd00::/8   [::1]:8080   unix:/run/app.sock   unix:@abstract
 *
 * A `*` matches any number of characters, dots included: *.example.com is every name below
 * example.com, but not example.com itself. A prefix matches literal addresses. Hosts are compared
 * in their ASCII form (base/idna.h), paths byte by byte; unix: is followed by the whole path of a
 * local socket. Pure functions; nothing is allocated. */
#ifndef ENGINE_CONFIG_PATTERN_H
#define ENGINE_CONFIG_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PATTERN_SIZE 257 /* of 255 characters */

/* The least specific first: rank depends on the order. */
enum pattern_kind { PATTERN_ANY, PATTERN_PREFIX, PATTERN_GLOB, PATTERN_EXACT };

/* An IPv4 address is kept as an IPv4-mapped IPv6 address. */
struct address {
    uint8_t bytes[16];
};

/* The destination of a request or connection. The strings need to be valid only for the call. */
struct target {
    const char *scheme; /* lower case; "" for a plain connection */
    const char *host;   /* lower case, without brackets or a trailing dot */
    uint16_t port;
    bool default_port;             /* port is the default of the scheme */
    const char *path;              /* from the first slash, without query; "": not known */
    const struct address *address; /* of the host; NULL: not known, or `host` says it */
    uint64_t network; /* network namespace, for hosts that depend on it (network_zone.h); else 0 */
};

struct pattern {
    enum pattern_kind kind;
    bool is_address; /* PREFIX or EXACT, compared as an address */
    int bits;        /* leading bits of the address that must be equal */
    struct address address;
    uint16_t port;           /* 0: any port */
    uint16_t path_at;        /* index of the path in text; empty: any path */
    uint32_t rank;           /* higher: more specific */
    char text[PATTERN_SIZE]; /* host, NUL, path */
};

#define PATTERN_LOCAL "unix:"

static inline bool pattern_is_local(const char *host)
{
    return strncmp(host, PATTERN_LOCAL, sizeof PATTERN_LOCAL - 1) == 0;
}

static inline bool pattern_is_operation(const struct pattern *p)
{
    return p->text[p->path_at] != '\0';
}

/* The name of a section with that pattern: the n characters with the host in lower case, and a NUL. */
void pattern_name(char *out, const char *s, size_t n);
/* On failure false, and `why` (size bytes) says what is wrong and what would be right. */
bool pattern_parse(const char *s, size_t n, struct pattern *out, char *why, size_t size);
/* Whether the host is a literal address, and which. */
bool pattern_address(const char *host, struct address *out);
/* literal: the target's address; NULL: its host is a name. */
bool pattern_matches(const struct pattern *p, const struct target *t,
                     const struct address *literal);

#endif
