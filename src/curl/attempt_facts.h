/* SPDX-License-Identifier: MIT
 *
 * Describes an attempt to the engine, which does not know libcurl (struct attempt): from the
 * CURLcode, the values of getinfo and the state of the gate. A good response that has been
 * committed costs no getinfo. One thread at a time, like the handle. */
#ifndef CURL_ATTEMPT_FACTS_H
#define CURL_ATTEMPT_FACTS_H

#include "curl/transfer.h"

/* As far as it is known at the end of the final header block. */
void attempt_facts_so_far(struct attempt *a, const struct transfer *t, int status);
/* After the perform. */
void attempt_facts_of_result(struct attempt *a, struct transfer *t, CURLcode result,
                             int64_t duration_ns);

/* The method of the first hop. HTTP only. */
const char *attempt_facts_method(const struct shadow *s);

/* Whether the attempt failed because a name was not found. */
bool attempt_facts_name_not_found(const struct attempt *a);

/* Whether it failed at another place in a way that says nothing about the name: that place is not found, has
 * no certificate of the name, or cannot be reached from here. */
bool attempt_facts_place_unfit(const struct attempt *a, const struct transfer *t);

/* Whether another attempt on the connection of this one, which libcurl may have kept, would fail. */
bool attempt_facts_spoils_connection(const struct attempt *a, const struct shadow *s);

/* CURLINFO_OS_ERRNO as one transfer without retries would leave it. keep_errno is called before an
 * attempt is repeated: it notes an errno that libcurl will still report although the program never
 * sees the failure, and one from making a connection that the next attempt may reuse. shown_errno
 * is the answer for the program. */
void attempt_facts_keep_errno(struct shadow *s, const struct attempt *a);
long attempt_facts_shown_errno(const struct shadow *s);

#endif
