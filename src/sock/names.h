/* SPDX-License-Identifier: MIT
 *
 * From an address back to the name that the program asked for: rules speak of names, connect() of
 * addresses, and between the two lies getaddrinfo, often in another thread.
 *
 *     names_learn_list("api.example.com", answer, now_ns);
 *     if (names_find(&to.address, now_ns, &name)) ... name.host
 *
 * Where several names lead to one address, the one that was asked for last holds; that it was
 * another one before is counted. An answer is remembered for an hour, and a bounded number of them.
 *
 * One memory for the whole process, without locks, in any thread and after fork: an entry that is
 * being written is skipped, and one whose writer is gone (killed thread, fork) is lost. Never fails. */
#ifndef SOCK_NAMES_H
#define SOCK_NAMES_H

#include "engine/config/pattern.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

#define NAMES_HOST_SIZE 256
#define NAMES_TTL_NS    (3600LL * 1000000000LL)

struct name {
    char host[NAMES_HOST_SIZE]; /* as it goes over the wire, without a trailing dot */
    bool more_follow;           /* the answer had other addresses after this one */
};

/* Literal addresses and names that are too long are not learnt. */
void names_learn_list(const char *host, const struct addrinfo *list, int64_t now_ns);
void names_learn_entry(const char *host, const struct hostent *entry, int64_t now_ns);
bool names_find(const struct address *a, int64_t now_ns, struct name *out);
/* Changes with everything that is learnt anew: what was found before still holds while it is the
 * same. */
uint32_t names_generation(void);
/* How often a name took the place of another one that was still remembered. */
uint32_t names_ambiguous(void);

#endif
