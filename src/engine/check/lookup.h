/* SPDX-License-Identifier: MIT
 *
 * getaddrinfo() with a deadline. It is called in a thread of its own, which is abandoned at the deadline
 * and ends when the resolver returns. At most CHECK_LOOKUPS_MAX such threads exist at once; a further
 * lookup waits for one to end, until its own deadline. For the thread of the checks only.
 *
 *     struct addrinfo *list;
 *     int answer = check_lookup("db.example.com", "5432", deadline_ns, &list);
 *     if (!answer)
 *         freeaddrinfo(list);
 *
 * Returns 0, EAI_*, or CHECK_LOOKUP_TIMEOUT: no answer until the deadline. EAI_MEMORY also means that no
 * thread could be started. */
#ifndef ENGINE_CHECK_LOOKUP_H
#define ENGINE_CHECK_LOOKUP_H

#include <netdb.h>
#include <stdint.h>

#define CHECK_LOOKUPS_MAX    4
#define CHECK_LOOKUP_TIMEOUT (-1000)

int check_lookup(const char *host, const char *port, int64_t deadline_ns, struct addrinfo **list);

#endif
