/* SPDX-License-Identifier: MIT
 *
 * Answers curl_easy_header and curl_easy_nextheader from our own list: of only some of the headers,
 * or of headers that libcurl has forgotten.
 *
 *     struct header_list l = {0};
 *     if (header_list_read(&l, api, handle, request))        with libcurl's own strings
 *         r = header_list_find(&l, n, name, index, origin, &answer);     among the first n
 *     header_list_free(&l);
 *
 *     struct headers *h = headers_copy(api, handle, last);   of requests 0 to last; NULL: no memory
 *     r = headers_find(h, name, index, origin, request, &out);
 *     headers_free(h);
 *
 * As with libcurl, an answer's index and amount count the headers with its name and of the given
 * origins, and it is valid until the next call. One thread at a time, like the handle. */
#ifndef CURL_GATE_HEADERS_H
#define CURL_GATE_HEADERS_H

#include "curl/api.h"

#include <stdbool.h>
#include <stddef.h>

/* Of one request, in the order of arrival. */
struct header_list {
    struct curl_header *headers;
    size_t count;
};

/* False: no memory, and the list is empty. */
bool header_list_read(struct header_list *l, const struct curl_api *api, CURL *h, int request);
void header_list_free(struct header_list *l);
CURLHcode header_list_find(const struct header_list *l, size_t n, const char *name, size_t index,
                           unsigned origin, struct curl_header *answer);
/* The header after the one with this anchor; anchor NULL: the first. False: there is none. */
bool header_list_next(const struct header_list *l, size_t n, unsigned origin, const void *anchor,
                      struct curl_header *answer);

struct headers {
    int last;                      /* number of the last request */
    struct curl_header answers[2]; /* of headers_find and of headers_next */
    struct header_list lists[]; /* the strings are owned; an anchor is the address of its header */
};

struct headers *headers_copy(const struct curl_api *api, CURL *h, int last);
void headers_free(struct headers *h);
CURLHcode headers_find(struct headers *h, const char *name, size_t index, unsigned origin,
                       int request, struct curl_header **out);
struct curl_header *headers_next(struct headers *h, unsigned origin, int request,
                                 const struct curl_header *previous);

#endif
