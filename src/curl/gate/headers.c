/* SPDX-License-Identifier: MIT */
#include "curl/gate/headers.h"

#include "base/words.h"

#include <stdlib.h>
#include <string.h>

#define ANY_ORIGIN (CURLH_HEADER | CURLH_TRAILER | CURLH_CONNECT | CURLH_1XX | CURLH_PSEUDO)

/* ---- of one request ------------------------------------------------------------------------- */

void header_list_free(struct header_list *l)
{
    free(l->headers);
    *l = (struct header_list){0};
}

bool header_list_read(struct header_list *l, const struct curl_api *api, CURL *h, int request)
{
    size_t room = 0;
    *l = (struct header_list){0};
    for (struct curl_header *x = NULL; (x = api->easy_nextheader(h, ANY_ORIGIN, request, x));) {
        if (l->count == room) {
            struct curl_header *more = realloc(l->headers, (room = room * 2 + 16) * sizeof *more);
            if (!more) {
                header_list_free(l);
                return false;
            }
            l->headers = more;
        }
        l->headers[l->count++] = *x;
    }
    return true;
}

static bool matches(const struct curl_header *h, const char *name, unsigned origin)
{
    return h->origin & origin && ascii_same(h->name, name);
}

/* The i-th header, with the index and amount that it has among the first n. */
static void answer_with(struct curl_header *to, const struct header_list *l, size_t i, size_t n,
                        unsigned origin)
{
    *to = l->headers[i];
    to->amount = 0;
    for (size_t k = 0; k < n; k++) {
        if (!matches(&l->headers[k], to->name, origin))
            continue;
        if (k == i)
            to->index = to->amount;
        to->amount++;
    }
}

CURLHcode header_list_find(const struct header_list *l, size_t n, const char *name, size_t index,
                           unsigned origin, struct curl_header *answer)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        if (!matches(&l->headers[i], name, origin) || found++ != index)
            continue;
        answer_with(answer, l, i, n, origin);
        return CURLHE_OK;
    }
    return found ? CURLHE_BADINDEX : CURLHE_MISSING;
}

bool header_list_next(const struct header_list *l, size_t n, unsigned origin, const void *anchor,
                      struct curl_header *answer)
{
    size_t i = 0;
    for (size_t k = 0; anchor && k < l->count; k++)
        if (l->headers[k].anchor == anchor)
            i = k + 1;
    while (i < n && !(l->headers[i].origin & origin))
        i++;
    if (i < n)
        answer_with(answer, l, i, n, origin);
    return i < n;
}

/* ---- a copy of all -------------------------------------------------------------------------- */

/* False: no memory; each string is a copy or NULL. */
static bool copy_strings(struct header_list *l)
{
    bool whole = true;
    for (size_t i = 0; i < l->count; i++) {
        struct curl_header *h = &l->headers[i];
        whole &= (h->name = strdup(h->name)) != NULL;
        whole &= (h->value = strdup(h->value)) != NULL;
        h->anchor = h;
    }
    return whole;
}

struct headers *headers_copy(const struct curl_api *api, CURL *handle, int last)
{
    struct headers *h = calloc(1, sizeof *h + ((size_t)last + 1) * sizeof *h->lists);
    bool whole = h;
    for (int i = 0; whole && i <= last; i++) {
        h->last = i;
        whole = header_list_read(&h->lists[i], api, handle, i) && copy_strings(&h->lists[i]);
    }
    if (!whole) {
        headers_free(h);
        return NULL;
    }
    return h;
}

void headers_free(struct headers *h)
{
    for (int i = 0; h && i <= h->last; i++) {
        for (size_t k = 0; k < h->lists[i].count; k++) {
            free(h->lists[i].headers[k].name);
            free(h->lists[i].headers[k].value);
        }
        header_list_free(&h->lists[i]);
    }
    free(h);
}

CURLHcode headers_find(struct headers *h, const char *name, size_t index, unsigned origin,
                       int request, struct curl_header **out)
{
    if (!h->last && !h->lists[0].count)
        return CURLHE_NOHEADERS;
    if (request > h->last)
        return CURLHE_NOREQUEST;
    const struct header_list *l = &h->lists[request < 0 ? h->last : request];
    CURLHcode r = header_list_find(l, l->count, name, index, origin, &h->answers[0]);
    if (r == CURLHE_OK)
        *out = &h->answers[0];
    return r;
}

struct curl_header *headers_next(struct headers *h, unsigned origin, int request,
                                 const struct curl_header *previous)
{
    if (request > h->last)
        return NULL;
    const struct header_list *l = &h->lists[request < 0 ? h->last : request];
    const void *anchor = previous ? previous->anchor : NULL;
    return header_list_next(l, l->count, origin, anchor, &h->answers[1]) ? &h->answers[1] : NULL;
}
