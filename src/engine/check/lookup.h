/* SPDX-License-Identifier: MIT
 *
 * getaddrinfo() with a bound: asked in a thread of its own, which is left to itself when the time is
 * over and ends when the resolver does. At most CHECK_LOOKUPS_MAX questions are open at once; who
 * comes while they are waits for its turn, within its time. For the thread of the checks only.
 *
 *     struct addrinfo *list;
 *     int answer = check_lookup("db.example.com", "5432", until_ns, &list);
 *     if (!answer)
 *         freeaddrinfo(list);
 *
 * 0 or EAI_*; CHECK_LOOKUP_TIMEOUT: no answer in time; EAI_MEMORY also when there can be no thread.
 */
#ifndef ENGINE_CHECK_LOOKUP_H
#define ENGINE_CHECK_LOOKUP_H

#include <netdb.h>
#include <stdint.h>

#define CHECK_LOOKUPS_MAX    4
#define CHECK_LOOKUP_TIMEOUT (-1000)

int check_lookup(const char *host, const char *port, int64_t until_ns, struct addrinfo **list);

#endif
