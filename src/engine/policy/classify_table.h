/* SPDX-License-Identifier: MIT
 *
 * The tables of outcomes: which row covers a CURLcode, a CURLproxycode, an HTTP status, an errno of
 * connect(), an error of getaddrinfo(). A row covers a range, and the first one that fits applies. What
 * no row covers is local (class E), because unknown outcomes are never repeated. For classify.c; hints.c asks
 * which statuses mean "throttled". */
#ifndef ENGINE_POLICY_CLASSIFY_TABLE_H
#define ENGINE_POLICY_CLASSIFY_TABLE_H

#include "engine/policy/classify.h"

enum {
    COUNTED = 1,    /* counts against the host */
    ALIVE = 2,      /* the host answered */
    PROXY = 4,      /* caused by the proxy */
    UNSENT = 8,     /* the row's class applies only if nothing was sent; else `otherwise` */
    FTP_4XX = 16,   /* an FTP download that got a 4xx reply: class B */
    BY_STATUS = 32, /* an HTTP error status takes precedence */
    NAME = 64,   /* a name was not found: the error of getaddrinfo(), if known, takes precedence */
    HEARD = 128, /* with an HTTP status: alive, and not counted */
};

struct outcome_row {
    short from, to;
    enum class class;
    enum reason reason;
    unsigned flags;
    int max_tries;
    enum class otherwise;
};

const struct outcome_row *outcome_of_curl(int code);
const struct outcome_row *outcome_of_http(int status);
const struct outcome_row *outcome_of_errno(int os_errno);
/* A proxy's answer to CONNECT, >= 400. */
const struct outcome_row *outcome_of_proxy(int status);
/* CURLINFO_PROXY_ERROR, for CURLE_PROXY. If no row covers it, use that of CURLE_PROXY. */
const struct outcome_row *outcome_of_proxy_error(int proxy_error);
/* An EAI_ code. */
const struct outcome_row *outcome_of_lookup(int eai);
/* Whether a row was found: then class E is deliberate. */
bool outcome_is_known(const struct outcome_row *row);

#endif
