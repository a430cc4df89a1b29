/* SPDX-License-Identifier: MIT
 *
 * One attempt of a request, in neutral words: what src/curl and src/sock found out, without a type
 * of theirs. The engine judges from this alone. */
#ifndef ENGINE_POLICY_ATTEMPT_H
#define ENGINE_POLICY_ATTEMPT_H

#include "engine/policy/hints.h"

#include <stdbool.h>
#include <stdint.h>

enum protocol { PROTOCOL_HTTP, PROTOCOL_FTP, PROTOCOL_OTHER, PROTOCOL_CONNECT };

struct attempt {
    enum protocol protocol;
    int curl_code;    /* CURLcode; 0 for a plain connect(), 6 when its name was not resolved */
    int http_status;  /* of the last response, or the ftp reply; 0: none */
    int proxy_status; /* answer to CONNECT; 0: none */
    int proxy_error;  /* CURLINFO_PROXY_ERROR, for CURLE 97 */
    int lookup;       /* what getaddrinfo() said of a name that was not found; 0: unknown */
    int os_errno;

    char method[16];      /* of the first hop; "" when the protocol has none */
    bool idempotency_key; /* the request carries Idempotency-Key */
    bool upload;          /* the program sends a body */
    bool via_proxy;       /* a proxy stands between the program and the host */
    bool proxy_unreached; /* ended before the proxy had agreed to anything: its doing */
    bool shortened;       /* out of time, and of less than the program gave: by a bound of ours */
    bool nothing_sent;    /* predicate N: certainly nothing of the request left */
    bool redirected;      /* redirects were followed: an earlier hop may have acted on it */
    bool header_cut;      /* ended inside a header block although the code says success */
    bool refused_locally; /* libcurl, or the program in a callback, did not want it: nobody else
                             * was asked, and nobody else would answer otherwise */
    bool retried_by_libcurl; /* libcurl itself gave up after several tries */
    bool enhance_your_calm;  /* HTTP/2 asked for less */
    bool more_follow;        /* a connection: the name has further addresses to be tried */
    bool committed;          /* the program has seen a byte of it */
    bool replayable;         /* the request body can be sent again, byte for byte */

    struct hints hints; /* of the last response's headers */
    int64_t duration_ns;
};

#endif
