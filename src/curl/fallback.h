/* SPDX-License-Identifier: MIT
 *
 * The answer of an attempt that is made again, until it is certain that the next one brings a better
 * one. An attempt that a bound of ours cuts short is no answer: the program then gets the one before
 * it, with its code, its text, its CURLINFO, its headers, and what the gate holds of it.
 *
 *     earlier_keep(t, r);               the attempt ended with r, and another follows
 *     r = earlier_bring_back(t);        that one was cut short
 *     earlier_forget(&t->earlier);
 *
 * What CURLINFO and curl_easy_header say of it stays with the handle until its next transfer,
 * curl_easy_reset, or its end (shadow->answered). No memory for that: libcurl's own, which is that of
 * the last attempt. */
#ifndef CURL_EARLIER_H
#define CURL_EARLIER_H

#include "curl/api.h"

#include <stdbool.h>

struct transfer;
struct headers;
struct moment;
struct shadow;

struct earlier {
    bool kept;
    CURLcode result;
    struct moment *moment; /* NULL: no memory */
    char error[CURL_ERROR_SIZE];
};

void earlier_keep(struct transfer *t, CURLcode r);
CURLcode earlier_bring_back(struct transfer *t);
void earlier_forget(struct earlier *e);
/* After it was brought back: curl_easy_getinfo, and what answers for curl_easy_header; NULL: libcurl. */
bool earlier_getinfo(const struct shadow *s, CURLINFO info, void *out);
struct headers *earlier_headers(const struct shadow *s);

#endif
