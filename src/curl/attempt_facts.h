/* SPDX-License-Identifier: MIT
 *
 * What an attempt was, told in the engine's neutral words: CURLcode, what getinfo and the gate
 * know, and predicate N, "nothing of the request was sent". A good answer that streams costs no
 * getinfo. */
#ifndef CURL_ATTEMPT_FACTS_H
#define CURL_ATTEMPT_FACTS_H

#include "curl/transfer.h"

/* At the end of the final header block: as far as is known. */
void attempt_facts_so_far(struct attempt *a, const struct transfer *t, int status);
/* After the perform. */
void attempt_facts_of_result(struct attempt *a, struct transfer *t, CURLcode result,
                             int64_t duration_ns);

/* A name was not found. */
bool attempt_facts_name_not_found(const struct attempt *a);

/* CURLINFO_OS_ERRNO as one transfer without attempts would leave it. Before an attempt is repeated,
 * what libcurl would still know of it, or would have known of the connection that it leaves open; then
 * the answer for the program. */
void attempt_facts_keep_errno(struct shadow *s, const struct attempt *a);
long attempt_facts_shown_errno(const struct shadow *s);

#endif
