/* SPDX-License-Identifier: MIT
 *
 * All that libcurl says of a transfer at one moment, by curl_easy_getinfo, so that it can be said
 * again later: the end of a header block that is held while the transfer goes on, to another host
 * and in another protocol perhaps.
 *
 *     struct saved_info *m = saved_info_take(api, handle, before);  before: of the block before it, or NULL
 *     if (saved_info_get(m, info, out))  ...                    else libcurl's own answer holds
 *     saved_info_free(m);
 *
 * Which values there are is asked of libcurl, not listed here, so that those of a later version are
 * in it too. Not in it are the program's own pointers, what never changes, and which socket and TLS
 * objects there were: one that has been closed meanwhile must not be given to anybody.
 *
 * Strings belong to the moment, as libcurl's belong to the handle. One moment costs a few
 * microseconds: nothing for a good answer, whose only block is not held when it has ended. */
#ifndef CURL_GATE_SAVED_INFO_H
#define CURL_GATE_SAVED_INFO_H

#include "curl/api.h"
#include "curl/gate/headers.h"

#include <stdbool.h>

struct saved_value {
    CURLINFO info;
    union {
        char *string; /* owned; may be NULL */
        long number;
        double real;
        curl_off_t offset;
    };
};

struct saved_info {
    const struct curl_api *api;
    int request;                /* its number for curl_easy_header */
    bool tunnel;                /* the block is a proxy's answer to CONNECT */
    bool socket;                /* ACTIVESOCKET said one */
    struct curl_slist *cookies; /* owned */
    struct headers *headers;    /* owned; NULL: not taken */
    int count;
    struct saved_value values[]; /* by number, ascending */
};

/* NULL: no memory. */
struct saved_info *saved_info_take(const struct curl_api *api, CURL *h,
                                   const struct saved_info *before);
/* What curl_easy_header says too, for when libcurl has forgotten it. No memory: without. */
void saved_info_take_headers(struct saved_info *m, CURL *h);
void saved_info_free(struct saved_info *m);
/* A list is a copy for the program, as libcurl's would be. */
bool saved_info_get(const struct saved_info *m, CURLINFO info, void *out);
/* The number of the newest request for curl_easy_header, not smaller than `from`. */
int saved_info_last_request(const struct curl_api *api, CURL *h, int from);

#endif
