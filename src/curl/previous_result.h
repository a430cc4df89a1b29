/* SPDX-License-Identifier: MIT
 *
 * The result of an attempt that is repeated, kept until the next attempt brings a response. If our
 * time limit cuts the next attempt short, there is none: the program then gets the result before
 * it, with its code, error text, CURLINFO, headers, and the response that the gate holds.
 *
 *     previous_result_keep(t, r);                 the attempt ended with r, and another one follows
 *     r = previous_result_restore(t);             that one was cut short
 *     previous_result_clear(&t->previous);
 *
 * CURLINFO and the headers of a restored result stay with the handle until its next transfer,
 * curl_easy_reset, or its end (shadow->last_info). Without memory for them, libcurl's own answers
 * are used, which are those of the last attempt. */
#ifndef CURL_PREVIOUS_RESULT_H
#define CURL_PREVIOUS_RESULT_H

#include "curl/api.h"

#include <stdbool.h>

struct transfer;
struct headers;
struct saved_info;
struct shadow;

struct previous_result {
    bool kept;
    CURLcode result;
    struct saved_info *info; /* NULL: no memory */
    char error[CURL_ERROR_SIZE];
};

void previous_result_keep(struct transfer *t, CURLcode r);
CURLcode previous_result_restore(struct transfer *t);
void previous_result_clear(struct previous_result *f);
/* For curl_easy_getinfo and curl_easy_header after previous_result_restore; false, NULL: ask libcurl. */
bool previous_result_getinfo(const struct shadow *s, CURLINFO info, void *out);
struct headers *previous_result_headers(const struct shadow *s);

#endif
