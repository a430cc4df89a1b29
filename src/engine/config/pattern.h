/* SPDX-License-Identifier: MIT
 *
 * One pattern of a [host] section, compiled:
 *
 *     *   *.example.com   api.example.com   api.example.com:8443   api.example.com/v1/search*
 *     10.0.0.1   10.0.0.0/8   fd00::/8   [::1]:8080   unix:/run/app.sock   unix:@abstract
 *
 * A `*` stands for any run of characters, dots included, so *.example.com is every name below
 * example.com and not that name itself. An address prefix applies to literal addresses. Hosts are
 * compared in the form that goes over the wire (idna.h), paths as they are; unix: names a local socket
 * by its whole path. Pure functions; nothing is allocated. */
#ifndef ENGINE_CONFIG_PATTERN_H
#define ENGINE_CONFIG_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PATTERN_SIZE 256

/* By rank, the least specific first. */
enum pattern_kind { PATTERN_ANY, PATTERN_PREFIX, PATTERN_GLOB, PATTERN_EXACT };

/* An IPv4 address is kept as the IPv6 address that it is mapped to. */
struct address {
    uint8_t bytes[16];
};

/* A destination. The strings are the caller's, valid for the call only. */
struct target {
    const char *scheme; /* lower case; "" for a plain connection */
    const char *host;   /* lower case, without brackets or a trailing dot */
    uint16_t port;
    bool default_port;             /* port is the scheme's own */
    const char *path;              /* from the first slash, without query; "" when unknown */
    const struct address *address; /* that the host is reached at; NULL: not known, or its name */
    uint64_t network;              /* name space, of hosts that it matters to (zone.h); else 0 */
};

struct pattern {
    enum pattern_kind kind;
    bool is_address; /* compared as such, PREFIX or EXACT */
    int bits;        /* of the address that must be equal */
    struct address address;
    uint16_t port;           /* 0: any */
    uint16_t path_at;        /* in text; an empty path is any */
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

/* On failure false, and `why` (size bytes) gets what is wrong and what would be right. */
bool pattern_parse(const char *s, size_t n, struct pattern *out, char *why, size_t size);
/* Whether the target's host is a literal address, and which. */
bool pattern_address(const char *host, struct address *out);
/* literal: the target's address, NULL when it has a name. */
bool pattern_matches(const struct pattern *p, const struct target *t,
                     const struct address *literal);

#endif
