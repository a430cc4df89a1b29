/* SPDX-License-Identifier: MIT */
#include "curl/gate/held_info.h"

#include "base/words.h"
#include "curl/gate/header_line.h"

#include <string.h>

/* The first version that stores a header before the body callback gets its line. */
#define VERSION_STORES_FIRST 0x080700

#define NUMBER(info) ((int)(info) & CURLINFO_MASK)
#define TYPE(info)   ((int)(info) & CURLINFO_TYPEMASK)
/* Not in every version of libcurl's header. */
#define SIZE_DOWNLOAD  (CURLINFO_DOUBLE + 8)
#define SIZE_DELIVERED (CURLINFO_OFF_T + 71)
#define HTTPAUTH_USED  69
#define PROXYAUTH_USED 70

/* ---- lines ---------------------------------------------------------------------------------- */

/* Whether the line has this name; with "": whether it ends the block. */
static bool is_line(const char *p, size_t n, const char *name)
{
    size_t length = strlen(name);
    return length ? n > length && ascii_same_n(p, name, length) : header_line_is_blank(p, n);
}

/* ---- values --------------------------------------------------------------------------------- */

/* The lines of a block that set a value. */
static const struct {
    int number;
    const char *line;
} set_by[] = {
    {NUMBER(CURLINFO_CONTENT_TYPE), "Content-Type:"},
    {NUMBER(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T), ""},
    {NUMBER(CURLINFO_FILETIME), "Last-Modified:"},
    {NUMBER(CURLINFO_HTTPAUTH_AVAIL), "WWW-Authenticate:"},
    {NUMBER(CURLINFO_PROXYAUTH_AVAIL), "Proxy-Authenticate:"},
    {NUMBER(CURLINFO_RETRY_AFTER), "Retry-After:"},
    {HTTPAUTH_USED, ""},
    {PROXYAUTH_USED, ""},
    {NUMBER(CURLINFO_COOKIELIST), "Set-Cookie:"}, /* not known before the first block */
};

/* The value at the end of what is held. */
static bool newest_value(const struct held_info *held, CURLINFO info, void *out)
{
    return held->restored ? saved_info_get(held->restored, info, out)
                          : held->api->easy_getinfo(held->handle, info, out) == CURLE_OK;
}

static bool line_follows(const struct held_info *held, const char *line)
{
    const struct held *e = held->shown;
    for (const struct held *x = hold_each(held->hold, e); x && x->block == e->block;
         x = hold_each(held->hold, x))
        if (held_is_header(x) && is_line(x->bytes, x->n, line))
            return true;
    return held->line && e->block == held->hold->block && is_line(held->line, held->line_n, line);
}

/* Whether the line that sets the value has not been delivered yet. */
static bool is_set_later(const struct held_info *held, const struct saved_info *saved, int number)
{
    if (!held_is_header(held->shown))
        return false;
    if (number == NUMBER(CURLINFO_HTTP_CONNECTCODE)) /* set after the status line */
        return saved && saved->tunnel && header_line_is_status(held->shown->bytes, held->shown->n);
    for (size_t i = 0; i < sizeof set_by / sizeof set_by[0]; i++)
        if (set_by[i].number == number)
            return line_follows(held, set_by[i].line);
    return false;
}

/* The value before the block. */
static bool value_before_block(const struct held_info *held, CURLINFO info, void *out)
{
    uint32_t block = held->shown->block;
    const struct saved_info *saved = block ? hold_block_info(held->hold, block - 1) : NULL;
    int number = NUMBER(info);
    bool length = number == NUMBER(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T);
    int unknown = length || number == NUMBER(CURLINFO_FILETIME) ? -1 : 0;
    if (saved && !length) /* libcurl forgets the length when it sends the next request */
        return saved_info_get(saved, info, out);
    if (TYPE(info) == CURLINFO_SLIST || !newest_value(held, info, out))
        return false;
    switch (TYPE(info)) {
    case CURLINFO_STRING:
        *(char **)out = NULL;
        break;
    case CURLINFO_LONG:
        *(long *)out = unknown;
        break;
    case CURLINFO_DOUBLE:
        *(double *)out = unknown;
        break;
    default:
        *(curl_off_t *)out = unknown;
    }
    return true;
}

/* A counter of delivered bytes is known for the end of the block, or for now. From there this
 * counts back, or on, to the piece that is being delivered, by the sizes of the held pieces. A
 * header line counts for HEADER_SIZE once the header callback has returned; a piece for the body
 * callback counts for SIZE_DELIVERED once that one has. */
static curl_off_t count_delivered(const struct held_info *held, curl_off_t known, bool delivered)
{
    const struct held *e = held->shown;
    curl_off_t sum = 0, at_shown = 0, at_known = -1;
    for (const struct held *x = hold_each(held->hold, NULL); x; x = hold_each(held->hold, x)) {
        if (x == e)
            at_shown = delivered && e->body_done ? sum + e->n : sum;
        if (x->block != e->block)
            continue;
        bool arriving = held->arriving && !hold_each(held->hold, x);
        bool last =
            at_known < 0 && held_is_header(x) && (arriving || header_line_is_blank(x->bytes, x->n));
        if (last && !delivered)
            at_known = sum;
        if (delivered ? x->kind != HELD_HEADER : held_is_header(x))
            sum += x->n;
        if (last && delivered)
            at_known = sum;
    }
    return known + at_shown - (at_known < 0 ? sum : at_known);
}

/* Values that change with each piece. */
static bool get_counter(const struct held_info *held, const struct saved_info *saved, CURLINFO info,
                        void *out)
{
    const struct held *e = held->shown;
    bool body = !held_is_header(e);
    switch ((int)info) {
    case CURLINFO_HEADER_SIZE:
        if ((saved && saved_info_get(saved, info, out)) || newest_value(held, info, out))
            *(long *)out = (long)count_delivered(held, *(long *)out, false);
        return true;
    case SIZE_DELIVERED:
        if (!(saved && saved_info_get(saved, info, out)) && !newest_value(held, info, out))
            return false;
        *(curl_off_t *)out = count_delivered(held, *(curl_off_t *)out, true);
        return true;
    case CURLINFO_SIZE_DOWNLOAD_T:
        if (body && saved)
            *(curl_off_t *)out = e->downloaded;
        return body && saved;
    case SIZE_DOWNLOAD:
        if (body && saved)
            *(double *)out = (double)e->downloaded;
        return body && saved;
    default:
        return false;
    }
}

bool held_info_get(const struct held_info *held, CURLINFO info, void *out)
{
    const struct held *e = held->shown;
    if (!e)
        return false;
    const struct saved_info *saved = hold_block_info(held->hold, e->block);
    if (get_counter(held, saved, info, out))
        return true;
    if (is_set_later(held, saved, NUMBER(info)))
        return value_before_block(held, info, out);
    return saved && saved_info_get(saved, info, out);
}

/* ---- headers -------------------------------------------------------------------------------- */

static int request_of(const struct held_info *held, uint32_t block)
{
    const struct saved_info *saved = NULL;
    for (uint32_t b = block; b; b--)
        if ((saved = hold_block_info(held->hold, b)))
            break;
    if (saved && saved == hold_block_info(held->hold, block))
        return saved->request;
    return held->restored
               ? held->restored->request
               : saved_info_last_request(held->api, held->handle, saved ? saved->request : 0);
}

/* Whether libcurl stores the line as a header. */
static bool is_stored(const char *p, size_t n)
{
    return !header_line_is_blank(p, n) && !header_line_is_status(p, n) && p[0] != ' ' &&
           p[0] != '\t';
}

/* How many of the request's headers are in lines that have not been delivered yet. */
static size_t stored_later(const struct held_info *held, int request)
{
    const struct held *e = held->shown;
    size_t n = e->kind == HELD_BOTH && !e->body_done &&
               held->api->version_num < VERSION_STORES_FIRST && is_stored(e->bytes, e->n);
    uint32_t block = e->block;
    for (const struct held *x = hold_each(held->hold, e); x; x = hold_each(held->hold, x)) {
        if (x->block != block && request_of(held, block = x->block) != request)
            return n;
        n += held_is_header(x) && is_stored(x->bytes, x->n);
    }
    bool line = held->line && is_stored(held->line, held->line_n);
    return n + (line && request_of(held, held->hold->block) == request);
}

static struct headers *restored_headers(const struct held_info *held)
{
    return held->restored ? held->restored->headers : NULL;
}

/* All headers of the request, also those that have not been delivered yet; NULL: no memory. */
static const struct header_list *all_headers(struct held_info *held, int request)
{
    struct headers *kept = restored_headers(held);
    if (kept)
        return &kept->lists[request];
    if (!held->list.count || held->request != request) {
        header_list_free(&held->list);
        held->request = request;
        if (!header_list_read(&held->list, held->api, held->handle, request))
            return NULL;
    }
    return &held->list;
}

static size_t shown_count(const struct held_info *held, const struct header_list *l, int request)
{
    size_t later = stored_later(held, request);
    return later < l->count ? l->count - later : 0;
}

CURLHcode held_info_header(struct held_info *held, const char *name, size_t index, unsigned origin,
                           int request, struct curl_header **out)
{
    struct curl_header *found;
    const struct header_list *l;
    struct headers *kept = restored_headers(held);
    int current = request_of(held, held->shown->block);
    CURLHcode r =
        held->api->easy_header(held->handle, name, 0, origin, request, out ? &found : NULL);
    if (!out || r == CURLHE_BAD_ARGUMENT || r == CURLHE_NOT_BUILT_IN ||
        !(l = all_headers(held, current)))
        return r;
    size_t n = shown_count(held, l, current);
    if (!n && !current)
        return CURLHE_NOHEADERS;
    if (request > current)
        return CURLHE_NOREQUEST;
    if (request >= 0 && request < current)
        return kept ? headers_find(kept, name, index, origin, request, out)
                    : held->api->easy_header(held->handle, name, index, origin, request, out);
    r = header_list_find(l, n, name, index, origin, &held->answers[0]);
    if (r == CURLHE_OK)
        *out = &held->answers[0];
    return r;
}

struct curl_header *held_info_nextheader(struct held_info *held, unsigned origin, int request,
                                         struct curl_header *previous)
{
    const struct header_list *l;
    struct headers *kept = restored_headers(held);
    int current = request_of(held, held->shown->block);
    if (request > current || !(l = all_headers(held, current)))
        return NULL;
    if (request >= 0 && request < current)
        return kept ? headers_next(kept, origin, request, previous)
                    : held->api->easy_nextheader(held->handle, origin, request, previous);
    return header_list_next(l, shown_count(held, l, current), origin,
                            previous ? previous->anchor : NULL, &held->answers[1])
               ? &held->answers[1]
               : NULL;
}

void held_info_end(struct held_info *held)
{
    held->shown = NULL;
    held->line = NULL;
    if (held->list.headers) /* rarely; saves a call of free() */
        header_list_free(&held->list);
}
