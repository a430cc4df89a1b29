/* SPDX-License-Identifier: MIT
 *
 * Names that getaddrinfo() did not find, and what it said: libcurl tells the two apart from the rest,
 * "not now" and "no such name", by one code. It asks in a thread of its own, so what it was told is
 * noted here and looked up by name when the transfer has failed.
 *
 *     unfound_note("api.example.com", EAI_AGAIN, now_ns);
 *     unfound_why("api.example.com", began_ns)               EAI_AGAIN
 *
 * Only what was said since `began_ns` counts. Where different things were said of one name (two
 * questions for two kinds of addresses, two transfers), the temporary one counts: a question is open
 * as long as one answer to it is.
 *
 * One memory for the whole process, bounded, without locks, in any thread and after fork; a name may
 * be pushed out by another one, and is unknown then. Never fails. */
#ifndef BASE_UNFOUND_H
#define BASE_UNFOUND_H

#include <stdint.h>

/* Case and a trailing dot do not matter. */
void unfound_note(const char *name, int eai, int64_t now_ns);
/* An EAI_ code; 0: unknown. */
int unfound_why(const char *name, int64_t since_ns);

#endif
