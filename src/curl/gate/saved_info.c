/* SPDX-License-Identifier: MIT */
#include "curl/gate/saved_info.h"

#include <stdlib.h>
#include <string.h>

/* libcurl numbers the values from 1; 8.22 has 71. */
#define NUMBERS_MAX 96

#define LASTSOCKET 29 /* CURLINFO_LASTSOCKET is deprecated */

#define NUMBER(info) ((int)(info) & CURLINFO_MASK)
#define TYPE(info)   ((int)(info) & CURLINFO_TYPEMASK)

static const int types[] = {CURLINFO_STRING, CURLINFO_LONG, CURLINFO_DOUBLE, CURLINFO_OFF_T};
#define TYPES (int)(sizeof types / sizeof types[0])

/* Values that are not saved. */
static bool is_left_out(int number)
{
    switch (number) {
    case NUMBER(CURLINFO_PRIVATE):
    case NUMBER(CURLINFO_RTSP_SESSION_ID):
    case NUMBER(CURLINFO_CAINFO):
    case NUMBER(CURLINFO_CAPATH):
    case LASTSOCKET:
        return true;
    default:
        return false;
    }
}

static int read_all(const struct curl_api *api, CURL *h, struct saved_value *values)
{
    int n = 0;
    for (int number = 1; number <= NUMBERS_MAX; number++)
        for (int t = 0; t < TYPES && !is_left_out(number); t++) {
            struct saved_value *v = &values[n];
            v->info = (CURLINFO)(types[t] + number);
            v->offset = 0;
            n += api->easy_getinfo(h, v->info, &v->offset) == CURLE_OK;
        }
    return n;
}

/* Replaces libcurl's strings by copies. False: no memory; each is a copy or NULL. */
static bool copy_strings(struct saved_info *saved)
{
    bool whole = true;
    for (int i = 0; i < saved->count; i++) {
        struct saved_value *v = &saved->values[i];
        if (TYPE(v->info) == CURLINFO_STRING && v->string)
            whole &= (v->string = strdup(v->string)) != NULL;
    }
    return whole;
}

int saved_info_last_request(const struct curl_api *api, CURL *h, int from)
{
    struct curl_header *out;
    if (!api->easy_header)
        return from;
    for (;;
         from++) { /* no header is named "?", so CURLHE_MISSING says that there is such a request */
        CURLHcode r = api->easy_header(h, "?", 0, CURLH_HEADER, from + 1, &out);
        if (r != CURLHE_MISSING)
            return from;
    }
}

struct saved_info *saved_info_take(const struct curl_api *api, CURL *h,
                                   const struct saved_info *before)
{
    struct saved_value values[NUMBERS_MAX * TYPES];
    int n = read_all(api, h, values);
    struct saved_info *saved = calloc(1, sizeof *saved + (size_t)n * sizeof *values);
    if (!saved)
        return NULL;
    saved->api = api;
    saved->count = n;
    memcpy(saved->values, values, (size_t)n * sizeof *values);
    if (!copy_strings(saved)) {
        saved_info_free(saved);
        return NULL;
    }
    curl_socket_t fd = CURL_SOCKET_BAD;
    saved->socket =
        api->easy_getinfo(h, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK && fd != CURL_SOCKET_BAD;
    saved->request = saved_info_last_request(api, h, before ? before->request : 0);
    if (api->slist_append && api->slist_free_all)
        api->easy_getinfo(h, CURLINFO_COOKIELIST, &saved->cookies);
    return saved;
}

void saved_info_free(struct saved_info *saved)
{
    if (!saved)
        return;
    for (int i = 0; i < saved->count; i++)
        if (TYPE(saved->values[i].info) == CURLINFO_STRING)
            free(saved->values[i].string);
    if (saved->cookies)
        saved->api->slist_free_all(saved->cookies);
    headers_free(saved->headers);
    free(saved);
}

void saved_info_take_headers(struct saved_info *saved, CURL *h)
{
    if (saved->api->easy_header && saved->api->easy_nextheader)
        saved->headers = headers_copy(saved->api, h, saved->request);
}

static bool copy_cookies(const struct saved_info *saved, struct curl_slist **out)
{
    struct curl_slist *copy = NULL;
    for (struct curl_slist *c = saved->cookies; c; c = c->next) {
        struct curl_slist *longer = saved->api->slist_append(copy, c->data);
        if (!longer) {
            saved->api->slist_free_all(copy);
            return false;
        }
        copy = longer;
    }
    *out = copy;
    return true;
}

static size_t size_of(const struct saved_value *v)
{
    switch (TYPE(v->info)) {
    case CURLINFO_STRING:
        return sizeof v->string;
    case CURLINFO_LONG:
        return sizeof v->number;
    case CURLINFO_DOUBLE:
        return sizeof v->real;
    default:
        return sizeof v->offset;
    }
}

bool saved_info_get(const struct saved_info *saved, CURLINFO info, void *out)
{
    if (info == CURLINFO_COOKIELIST)
        return saved->api->slist_append && copy_cookies(saved, out);
    if (info == CURLINFO_ACTIVESOCKET && !saved->socket) {
        *(curl_socket_t *)out = CURL_SOCKET_BAD;
        return true;
    }
    if ((int)info == CURLINFO_LONG + LASTSOCKET && !saved->socket) {
        *(long *)out = -1;
        return true;
    }
    for (int i = 0; i < saved->count; i++) {
        const struct saved_value *v = &saved->values[i];
        if (v->info != info)
            continue;
        memcpy(out, &v->string, size_of(v));
        return true;
    }
    return false;
}
