/* SPDX-License-Identifier: MIT
 *
 * A copy of all values of curl_easy_getinfo for a later answer. It is taken at the end of a header
 * block that is held while the transfer continues, perhaps to another host and with another
 * protocol.
 *
 *     struct saved_info *saved = saved_info_take(api, handle, before);  of the last block, or NULL
 *     if (saved_info_get(saved, info, out))  ...                        false: ask libcurl
 *     saved_info_free(saved);
 *
 * All numbers of values are tried instead of listed here, so those of later versions are included.
 * Left out are the program's own pointers, values that never change, and sockets and TLS objects:
 * the program must not get one that has been closed.
 *
 * The strings belong to the copy. Taking one costs a few microseconds; a good response needs none,
 * because its only block is not held when it has ended. */
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
    int request;                /* number of the last request, for curl_easy_header */
    bool tunnel;                /* the block is a proxy's answer to CONNECT */
    bool socket;                /* there was an ACTIVESOCKET */
    struct curl_slist *cookies; /* owned */
    struct headers *headers;    /* owned; NULL: not taken */
    int count;
    struct saved_value values[]; /* ascending by number */
};

/* NULL: no memory. */
struct saved_info *saved_info_take(const struct curl_api *api, CURL *h,
                                   const struct saved_info *before);
/* Also copies the headers, for curl_easy_header. No memory: `headers` stays NULL. */
void saved_info_take_headers(struct saved_info *saved, CURL *h);
void saved_info_free(struct saved_info *saved);
/* A list is a new copy that the program frees, like one of libcurl's. */
bool saved_info_get(const struct saved_info *saved, CURLINFO info, void *out);
/* The number of the last request for curl_easy_header, which is at least `from`. */
int saved_info_last_request(const struct curl_api *api, CURL *h, int from);

#endif
