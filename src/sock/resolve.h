/* SPDX-License-Identifier: MIT
 *
 * getaddrinfo() of a program: what it answers is remembered (names.h), and EAI_AGAIN, the name
 * server's "not now", is asked again with back-off, as often as the policy says, counted as `dns` for
 * the host. EAI_NONAME and all else are answers. It blocks by nature, so it may wait. A signal ends
 * the back-off.
 *
 *     return resolve(real, node, service, hints, list);
 *
 * Returns what the last real call returned, with its *list and its errno. Any thread. */
#ifndef SOCK_RESOLVE_H
#define SOCK_RESOLVE_H

#include <netdb.h>

typedef int resolve_function(const char *node, const char *service, const struct addrinfo *hints,
                             struct addrinfo **list);

int resolve(resolve_function *real, const char *node, const char *service,
            const struct addrinfo *hints, struct addrinfo **list);

#endif
