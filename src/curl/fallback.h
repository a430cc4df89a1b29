/* SPDX-License-Identifier: MIT
 *
 * The result of an attempt that is repeated, kept until the next attempt brings a response. An
 * attempt that is cut short by a time limit of ours brings none: the program then gets the result
 * before it, with its code, its error text, its CURLINFO, its headers, and the response that the
 * gate holds.
 *
 *     fallback_keep(t, r);                 the attempt ended with r, and another one follows
 *     r = fallback_restore(t);             that one was cut short
 *     fallback_clear(&t->fallback);
 *
 * What CURLINFO and curl_easy_header say of a restored result stays with the handle until its next
 * transfer, curl_easy_reset, or its end (shadow->last_info). Without memory for that, libcurl's own
 * answers are used, which are those of the last attempt. */
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
void fallback_clear(struct fallback *e);
/* For curl_easy_getinfo and curl_easy_header after fallback_restore; false, NULL: ask libcurl. */
bool fallback_getinfo(const struct shadow *s, CURLINFO info, void *out);
struct headers *fallback_headers(const struct shadow *s);

#endif
