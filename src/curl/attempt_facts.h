/* SPDX-License-Identifier: MIT
 *
 * Describes an attempt in the engine's neutral terms (struct attempt): from the CURLcode, from what
 * getinfo and the gate know, and whether nothing of the request was sent. A good response that has
 * been committed costs no getinfo. */
#ifndef CURL_ATTEMPT_FACTS_H
#define CURL_ATTEMPT_FACTS_H

#include "curl/transfer.h"

/* At the end of the final header block: what is known by then. */
void attempt_facts_so_far(struct attempt *a, const struct transfer *t, int status);
/* After the perform. */
void attempt_facts_of_result(struct attempt *a, struct transfer *t, CURLcode result,
                             int64_t duration_ns);

/* Whether it failed because a name was not found. */
bool attempt_facts_name_not_found(const struct attempt *a);

/* CURLINFO_OS_ERRNO as a single transfer would leave it. _keep_errno, before an attempt is
 * repeated, notes what libcurl will still report of it, or would have reported of the connection
 * that it leaves open; _shown_errno is the answer for the program. */
void attempt_facts_keep_errno(struct shadow *s, const struct attempt *a);
long attempt_facts_shown_errno(const struct shadow *s);

#endif
