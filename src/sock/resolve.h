/* SPDX-License-Identifier: MIT
 *
 * getaddrinfo() of a program. Remembers the answers (names.h). Repeats a look-up that failed for
 * the moment (EAI_AGAIN) with back-off, as often as the policy allows, and counts it as `dns` for
 * the host. EAI_NONAME and all other errors are final. Look-ups block anyway, so this one may wait.
 * A signal ends the back-off.
 *
 *     return resolve(real, node, service, hints, list);
 *
 * Returns what the last real call returned, with its *list and errno. Any thread. */
#ifndef SOCK_RESOLVE_H
#define SOCK_RESOLVE_H

#include <netdb.h>

typedef int resolve_function(const char *node, const char *service, const struct addrinfo *hints,
                             struct addrinfo **list);

int resolve(resolve_function *real, const char *node, const char *service,
            const struct addrinfo *hints, struct addrinfo **list);

#endif
