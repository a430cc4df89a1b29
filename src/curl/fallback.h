/* SPDX-License-Identifier: MIT
 *
 * The result of an attempt that is repeated, kept until the next attempt brings a response. If our
 * time limit cuts the next attempt short, there is none: the program then gets the result before
 * it, with its code, error text, CURLINFO, headers, and the response that the gate holds.
 *
 *     fallback_keep(t, r);                 the attempt ended with r, and another one follows
 *     r = fallback_restore(t);             that one was cut short
 *     fallback_clear(&t->fallback);
 *
 * CURLINFO and the headers of a restored result stay with the handle until its next transfer,
 * curl_easy_reset, or its end (shadow->last_info). Without memory for them, libcurl's own answers
 * are used, which are those of the last attempt. */
#ifndef CURL_FALLBACK_H
#define CURL_FALLBACK_H

#include "curl/api.h"

#include <stdbool.h>

struct transfer;
struct headers;
struct saved_info;
struct shadow;

struct fallback {
    bool kept;
    CURLcode result;
    struct saved_info *info; /* NULL: no memory */
    char error[CURL_ERROR_SIZE];
};

void fallback_keep(struct transfer *t, CURLcode r);
CURLcode fallback_restore(struct transfer *t);
void fallback_clear(struct fallback *f);
/* For curl_easy_getinfo and curl_easy_header after fallback_restore; false, NULL: ask libcurl. */
bool fallback_getinfo(const struct shadow *s, CURLINFO info, void *out);
struct headers *fallback_headers(const struct shadow *s);

#endif
