/* SPDX-License-Identifier: MIT
 *
 * The facts about one attempt of a request, in types that need neither libcurl's headers nor the socket
 * API's: src/curl and src/sock fill it in, and classify() needs nothing else. */
#ifndef ENGINE_POLICY_ATTEMPT_H
#define ENGINE_POLICY_ATTEMPT_H

#include "base/clock.h"
#include "engine/policy/hints.h"

#include <stdbool.h>
#include <stdint.h>

enum protocol { PROTOCOL_HTTP, PROTOCOL_FTP, PROTOCOL_OTHER, PROTOCOL_CONNECT };

struct attempt {
    enum protocol protocol;
    int curl_code;    /* CURLcode; for a plain connect() 0, or 6 if the name was not resolved */
    int http_status;  /* of the last response, or the FTP reply; 0: none */
    int proxy_status; /* answer to CONNECT; 0: none */
    int proxy_error;  /* CURLINFO_PROXY_ERROR, for CURLE_PROXY */
    int lookup;       /* error of getaddrinfo() for a name that was not found; 0: unknown */
    int os_errno;

    char method[16];      /* of the first hop; "" if the protocol has none */
    bool idempotency_key; /* the request has the header Idempotency-Key */
    bool upload;          /* the program sends a body */
    bool via_proxy;       /* the request goes through a proxy */
    bool proxy_unreached; /* it ended before the proxy accepted anything: the proxy's fault */
    bool shortened;       /* it timed out by the library's timeout, shorter than the program's */
    bool nothing_sent;    /* certainly no byte of the request was sent */
    bool redirected : 1;  /* redirects were followed: an earlier hop may have acted on it */
    bool left_name : 1;   /* of an attempt at another place: they led to another host */
    bool header_cut;      /* it ended inside a header block although the code is success */
    /* By libcurl or by a callback of the program: no request was made, and another attempt would end the
     * same way. */
    bool refused_locally;
    bool retried_by_libcurl; /* libcurl itself gave up after several tries */
    bool enhance_your_calm;  /* the HTTP/2 error code ENHANCE_YOUR_CALM */
    bool more_follow;        /* of a connect(): the name has more addresses to try */
    bool committed;          /* the program has seen a byte of the response */
    bool hold_exceeded;      /* because the response was larger than what is held */
    bool ended_by_program;   /* it made the attempt fail, or changed the request meanwhile */
    bool replayable;         /* the request body can be sent again, byte for byte */
    /* From its beginning to the first byte of the response, rounded up, so that a comparison with whole
     * milliseconds is exact. 0: not known. It fits here without making the struct larger. */
    uint32_t answered_ms;

    struct hint hint; /* of the last response's headers */
    int64_t duration_ns;
};

/* How long the client waited for the response, or for the end if that is not known. */
static inline int64_t attempt_answered_ns(const struct attempt *a)
{
    return a->answered_ms ? a->answered_ms * NS_PER_MS : a->duration_ns;
}

#endif
