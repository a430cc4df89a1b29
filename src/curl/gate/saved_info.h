/* SPDX-License-Identifier: MIT
 *
 * All that libcurl says of a transfer at one moment, by curl_easy_getinfo, so that it can be said
 * again later: the end of a header block that is held while the transfer goes on, to another host
 * and in another protocol perhaps.
 *
 *     struct moment *m = moment_take(api, handle, before);  before: of the block before it, or NULL
 *     if (moment_get(m, info, out))  ...                    else libcurl's own answer holds
 *     moment_free(m);
 *
 * Which values there are is asked of libcurl, not listed here, so that those of a later version are
 * in it too. Not in it are the program's own pointers, what never changes, and which socket and TLS
 * objects there were: one that has been closed meanwhile must not be given to anybody.
 *
 * Strings belong to the moment, as libcurl's belong to the handle. One moment costs a few
 * microseconds: nothing for a good answer, whose only block is not held when it has ended. */
#ifndef CURL_MOMENT_H
#define CURL_MOMENT_H

#include "curl/api.h"
#include "curl/gate/headers.h"

#include <stdbool.h>

struct moment_value {
    CURLINFO info;
    union {
        char *string; /* owned; may be NULL */
        long number;
        double real;
        curl_off_t offset;
    };
};

struct moment {
    const struct curl_api *api;
    int request;                /* its number for curl_easy_header */
    bool tunnel;                /* the block is a proxy's answer to CONNECT */
    bool socket;                /* ACTIVESOCKET said one */
    struct curl_slist *cookies; /* owned */
    struct headers *headers;    /* owned; NULL: not taken */
    int count;
    struct moment_value values[]; /* by number, ascending */
};

/* NULL: no memory. */
struct moment *moment_take(const struct curl_api *api, CURL *h, const struct moment *before);
/* What curl_easy_header says too, for when libcurl has forgotten it. No memory: without. */
void moment_take_headers(struct moment *m, CURL *h);
void moment_free(struct moment *m);
/* A list is a copy for the program, as libcurl's would be. */
bool moment_get(const struct moment *m, CURLINFO info, void *out);
/* The number of the newest request for curl_easy_header, not smaller than `from`. */
int moment_request(const struct curl_api *api, CURL *h, int from);

#endif
