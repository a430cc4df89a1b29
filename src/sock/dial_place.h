/* SPDX-License-Identifier: MIT
 *
 * Where a connection may go besides its own address: the places of `fallback`.
 *
 *     c->places = dial_places(&policy->fallback, to);     bit n: place n can be used; bit 0: its own
 *     struct dial_place at;
 *     if (dial_place(&at, &policy->fallback, 2, to, AF_INET)) connect(fd, &at.any, at.length)
 *
 * Only places that are written as addresses, because a look-up needs memory, time and files, and of
 * the address family of the connection, because the socket has only this one. A place that is the
 * connection's own address and port is no other place. Pure: no state, no system call. */
#ifndef SOCK_DIAL_PLACE_H
#define SOCK_DIAL_PLACE_H

#include "engine/policy/policy.h"
#include "sock/endpoint.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

struct dial_place {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t length;
};

/* n: 1 to f->count. domain: of the socket; AF_INET6 sockets connect to IPv4 addresses in mapped form.
 * False: a connection to this endpoint cannot go there. */
bool dial_place(struct dial_place *out, const struct fallback *f, int n, const struct endpoint *to,
                int domain);
unsigned dial_places(const struct fallback *f, const struct endpoint *to);

#endif
