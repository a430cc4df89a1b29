/* SPDX-License-Identifier: MIT
 *
 * Finds the name that the program looked up, given an address: rules refer to names, connect()
 * gets addresses, and getaddrinfo in between often runs in another thread.
 *
 *     names_learn_addrinfo("api.example.com", answer, now_ns);
 *     if (names_find(&to.address, now_ns, &name)) ... name.host
 *
 * If several names lead to one address, the last one that was looked up counts; such changes are
 * counted (names_ambiguous). Answers are remembered for an hour, up to a fixed number.
 *
 * One table for the process, without locks; any thread, also after fork. A reader skips an entry
 * that is being written; an entry whose writer was killed or did not survive a fork is lost. Never
 * fails. */
#ifndef SOCK_NAMES_H
#define SOCK_NAMES_H

#include "engine/config/pattern.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

#define NAMES_HOST_SIZE 256
#define NAMES_TTL_NS    (3600LL * 1000000000LL)

struct name {
    char host[NAMES_HOST_SIZE]; /* as sent over the wire, without a trailing dot */
    bool more_follow;           /* the answer had more addresses after this one */
};

/* Literal addresses and names that are too long are ignored. */
void names_learn_addrinfo(const char *host, const struct addrinfo *list, int64_t now_ns);
void names_learn_hostent(const char *host, const struct hostent *entry, int64_t now_ns);
bool names_find(const struct address *a, int64_t now_ns, struct name *out);
/* Changes whenever something new is learnt. While it is the same, earlier results of names_find
 * hold. */
uint32_t names_generation(void);
/* How often a name replaced a different one that had not expired. */
uint32_t names_ambiguous(void);

#endif
