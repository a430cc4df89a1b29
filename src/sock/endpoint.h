/* SPDX-License-Identifier: MIT
 *
 * A destination of connect() that the library handles: an internet address (IPv4 as mapped into
 * IPv6) and a port, or a local socket.
 *
 *     struct endpoint to;
 *     if (endpoint_of(&to, address, length)) ...
 *
 * Pure: no state, no system call. */
#ifndef SOCK_ENDPOINT_H
#define SOCK_ENDPOINT_H

#include "engine/config/pattern.h"

#include <endian.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define ENDPOINT_DNS_PORT 53

struct endpoint {
    struct address address;
    uint16_t port;
    const char *local; /* name of a local socket instead: "unix:/run/app.sock"; NULL: not one */
};

/* Enough for the name of any local socket. */
#define ENDPOINT_LOCAL_SIZE 120

/* Written in the same two halves in which it is read: a load that spans recent smaller stores
 * would stall. */
static inline void endpoint_map_v4(struct address *out, const struct in_addr *v4)
{
    const uint64_t half[2] = {0, be64toh(0xffffULL << 32 | be32toh(v4->s_addr))};
    memcpy(out->bytes, &half[0], sizeof half[0]);
    memcpy(out->bytes + sizeof half[0], &half[1], sizeof half[1]);
}

/* False: another family, or too short. */
static inline bool endpoint_address(struct address *out, const struct sockaddr *a, socklen_t length)
{
    if (!a || length < (socklen_t)sizeof(struct sockaddr_in))
        return false;
    if (a->sa_family == AF_INET)
        endpoint_map_v4(out, &((const struct sockaddr_in *)(const void *)a)->sin_addr);
    else if (a->sa_family == AF_INET6 && length >= (socklen_t)sizeof(struct sockaddr_in6))
        memcpy(out->bytes, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, 16);
    else
        return false;
    return true;
}

/* False: not an internet address, or the port of name servers. Inline because every connect() of
 * the program comes here first. */
static inline bool endpoint_of(struct endpoint *e, const struct sockaddr *a, socklen_t length)
{
    if (!endpoint_address(&e->address, a, length))
        return false;
    e->local = NULL;
    e->port =
        /* at the same offset in sockaddr_in6 */
        ntohs(((const struct sockaddr_in *)(const void *)a)->sin_port);
    return e->port != ENDPOINT_DNS_PORT;
}

/* "unix:/run/app.sock", "unix:@abstract". False: not a local socket, or one without a name. */
bool endpoint_local(char name[ENDPOINT_LOCAL_SIZE], const struct sockaddr *a, socklen_t length);
/* "10.0.0.1", "fd00::1". out has room for INET6_ADDRSTRLEN bytes. */
void endpoint_text(const struct address *a, char *out);

#endif
