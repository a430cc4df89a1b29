/* SPDX-License-Identifier: MIT
 *
 * The answer of an attempt that is made again, until it is certain that the next one brings a better
 * one. An attempt that a bound of ours cuts short is no answer: the program then gets the one before
 * it, with its code, its text, its CURLINFO, its headers, and what the gate holds of it.
 *
 *     fallback_keep(t, r);               the attempt ended with r, and another follows
 *     r = fallback_restore(t);        that one was cut short
 *     fallback_clear(&t->fallback);
 *
 * What CURLINFO and curl_easy_header say of it stays with the handle until its next transfer,
 * curl_easy_reset, or its end (shadow->last_info). No memory for that: libcurl's own, which is that of
 * the last attempt. */
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
/* After it was brought back: curl_easy_getinfo, and what answers for curl_easy_header; NULL: libcurl. */
bool fallback_getinfo(const struct shadow *s, CURLINFO info, void *out);
struct headers *fallback_headers(const struct shadow *s);

#endif
