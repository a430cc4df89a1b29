/* SPDX-License-Identifier: MIT
 *
 * The judgement as data: which row covers a CURLcode, a CURLproxycode, an HTTP status, an errno of
 * connect(), an answer of getaddrinfo(). A row covers a range; the first that fits counts. What no
 * row covers is local (class E), because the unknown is never repeated. Used by classify.c alone. */
#ifndef ENGINE_POLICY_CLASSIFY_TABLE_H
#define ENGINE_POLICY_CLASSIFY_TABLE_H

#include "engine/policy/classify.h"

enum {
    COUNTED = 1,    /* speaks against the host */
    ALIVE = 2,      /* proof of life */
    PROXY = 4,      /* the proxy's doing */
    UNSENT = 8,     /* as the row says only if nothing was sent; else `otherwise` */
    FTP_4XX = 16,   /* class B for a download that got a 4xx reply; else as the row says */
    BY_STATUS = 32, /* an HTTP error status weighs more than the code */
    NAME = 64,      /* a name was not found; what getaddrinfo() said of it weighs more */
    HEARD = 128,    /* with an HTTP status the host is alive, and not to blame */
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
/* never NULL for a status >= 100 */
const struct outcome_row *outcome_of_http(int status);
const struct outcome_row *outcome_of_errno(int os_errno);
/* The answer of a proxy to CONNECT, >= 400. */
const struct outcome_row *outcome_of_proxy(int status);
/* CURLINFO_PROXY_ERROR, of CURLE_PROXY: where no row covers it, that code's own holds. */
const struct outcome_row *outcome_of_proxy_error(int proxy_error);
/* An EAI_ code. */
const struct outcome_row *outcome_of_lookup(int eai);
/* Whether some row covers it: class E is deliberate then. */
bool outcome_is_known(const struct outcome_row *row);

#endif
