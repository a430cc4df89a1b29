/* SPDX-License-Identifier: MIT
 *
 * Names that getaddrinfo() did not find, with its error code. libcurl reports a temporary failure and a
 * name that does not exist by the same CURLcode, and it resolves names in a thread of its own. So the
 * error code is stored here and looked up by name when the transfer has failed.
 *
 *     lookup_failure_note("api.example.com", EAI_AGAIN, now_ns);
 *     lookup_failure_error("api.example.com", began_ns)               EAI_AGAIN
 *
 * Only codes stored since `began_ns` count. If there are several for one name (look-ups of two address
 * families, two transfers), the temporary one wins.
 *
 * One table of fixed size per process, without locks. An entry may be overwritten by another name and is
 * unknown then. Any thread, after fork; never fails. */
#ifndef BASE_LOOKUP_FAILURES_H
#define BASE_LOOKUP_FAILURES_H

#include <stdint.h>

/* Case and a trailing dot do not matter. */
void lookup_failure_note(const char *name, int eai, int64_t now_ns);
/* An EAI_ code; 0: unknown. */
int lookup_failure_error(const char *name, int64_t since_ns);

#endif
