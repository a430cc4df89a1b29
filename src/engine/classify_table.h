/* SPDX-License-Identifier: MIT
 *
 * The judgement as data: which row covers a CURLcode, an HTTP status, an errno of connect(). A row
 * covers a range; the first that fits counts. What no row covers is local (class E), because the
 * unknown is never repeated. Used by classify.c alone. */
#ifndef ENGINE_CLASSIFY_TABLE_H
#define ENGINE_CLASSIFY_TABLE_H

#include "engine/classify.h"

enum {
    COUNTED = 1,    /* speaks against the host */
    ALIVE = 2,      /* proof of life */
    PROXY = 4,      /* the proxy's doing */
    UNSENT = 8,     /* as the row says only if nothing was sent; else `otherwise` */
    FTP_4XX = 16,   /* class B for a download that got a 4xx reply; else as the row says */
    BY_STATUS = 32, /* an HTTP error status weighs more than the code */
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
/* CURLINFO_PROXY_ERROR: the proxy knows us and says no. */
bool outcome_proxy_denied(int proxy_error);

#endif
