/* SPDX-License-Identifier: MIT */
#include "curl/gate/held_info.h"

#include "base/words.h"

#include <string.h>

/* From here on a header is stored before the body callback gets its line. */
#define VERSION_STORES_FIRST 0x080700

#define NUMBER(info) ((int)(info) & CURLINFO_MASK)
#define TYPE(info)   ((int)(info) & CURLINFO_TYPEMASK)
/* Not in every version's header. */
#define SIZE_DOWNLOAD  (CURLINFO_DOUBLE + 8)
#define SIZE_DELIVERED (CURLINFO_OFF_T + 71)
#define HTTPAUTH_USED  69
#define PROXYAUTH_USED 70

/* ---- lines ---------------------------------------------------------------------------------- */

static bool is_blank(const char *p, size_t n)
{
    return n <= 2 && (p[0] == '\r' || p[0] == '\n');
}

static bool is_status(const char *p, size_t n)
{
    return n > 5 && !memcmp(p, "HTTP/", 5);
}

/* Whether it is a line of that name; with "" whether it ends the block. */
static bool is_line(const char *p, size_t n, const char *name)
{
    size_t length = strlen(name);
    return length ? n > length && ascii_same_n(p, name, length) : is_blank(p, n);
}

/* ---- values --------------------------------------------------------------------------------- */

/* Which line of a block sets a value. */
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
    {NUMBER(CURLINFO_COOKIELIST), "Set-Cookie:"}, /* before the first block it is not known */
};

/* As of the end of what is held. */
static bool at_the_end(const struct held_info *t, CURLINFO info, void *out)
{
    return t->restored ? saved_info_get(t->restored, info, out)
                       : t->api->easy_getinfo(t->handle, info, out) == CURLE_OK;
}

static bool comes_later(const struct held_info *t, const char *line)
{
    const struct held *e = t->shown;
    for (const struct held *x = hold_each(t->hold, e); x && x->block == e->block;
         x = hold_each(t->hold, x))
        if (held_is_header(x) && is_line(x->bytes, x->n, line))
            return true;
    return t->line && e->block == t->hold->block && is_line(t->line, t->line_n, line);
}

/* Whether the line that sets the value is still to be shown. */
static bool is_unset(const struct held_info *t, const struct saved_info *m, int number)
{
    if (!held_is_header(t->shown))
        return false;
    if (number == NUMBER(CURLINFO_HTTP_CONNECTCODE)) /* libcurl sets it after the status line */
        return m && m->tunnel && is_status(t->shown->bytes, t->shown->n);
    for (size_t i = 0; i < sizeof set_by / sizeof set_by[0]; i++)
        if (set_by[i].number == number)
            return comes_later(t, set_by[i].line);
    return false;
}

/* As it was before the block. */
static bool before(const struct held_info *t, CURLINFO info, void *out)
{
    uint32_t block = t->shown->block;
    const struct saved_info *m = block ? hold_block_info(t->hold, block - 1) : NULL;
    int number = NUMBER(info);
    bool length = number == NUMBER(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T);
    int unknown = length || number == NUMBER(CURLINFO_FILETIME) ? -1 : 0;
    if (m && !length) /* a length is forgotten when the next request is made */
        return saved_info_get(m, info, out);
    if (TYPE(info) == CURLINFO_SLIST || !at_the_end(t, info, out))
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

/* What libcurl counts of its deliveries is known for the end of the block, or for now: back from there
 * to the shown piece, or on to it, by what is held. A header line counts for HEADER_SIZE when the
 * header callback has had it, all that goes to the body callback for SIZE_DELIVERED when that has. */
static curl_off_t counted(const struct held_info *t, curl_off_t known, bool delivered)
{
    const struct held *e = t->shown;
    curl_off_t sum = 0, at_shown = 0, at_known = -1;
    for (const struct held *x = hold_each(t->hold, NULL); x; x = hold_each(t->hold, x)) {
        if (x == e)
            at_shown = delivered && e->halfway ? sum + e->n : sum;
        if (x->block != e->block)
            continue;
        bool arriving = t->arriving && !hold_each(t->hold, x);
        bool last = at_known < 0 && held_is_header(x) && (arriving || is_blank(x->bytes, x->n));
        if (last && !delivered)
            at_known = sum;
        if (delivered ? x->kind != HELD_HEADER : held_is_header(x))
            sum += x->n;
        if (last && delivered)
            at_known = sum;
    }
    return known + at_shown - (at_known < 0 ? sum : at_known);
}

/* Values that change from one piece to the next. */
static bool moving(const struct held_info *t, const struct saved_info *m, CURLINFO info, void *out)
{
    const struct held *e = t->shown;
    bool body = !held_is_header(e);
    switch ((int)info) {
    case CURLINFO_HEADER_SIZE:
        if ((m && saved_info_get(m, info, out)) || at_the_end(t, info, out))
            *(long *)out = (long)counted(t, *(long *)out, false);
        return true;
    case SIZE_DELIVERED:
        if (!(m && saved_info_get(m, info, out)) && !at_the_end(t, info, out))
            return false;
        *(curl_off_t *)out = counted(t, *(curl_off_t *)out, true);
        return true;
    case CURLINFO_SIZE_DOWNLOAD_T:
        if (body && m)
            *(curl_off_t *)out = e->downloaded;
        return body && m;
    case SIZE_DOWNLOAD:
        if (body && m)
            *(double *)out = (double)e->downloaded;
        return body && m;
    default:
        return false;
    }
}

bool held_info_get(const struct held_info *t, CURLINFO info, void *out)
{
    const struct held *e = t->shown;
    if (!e)
        return false;
    const struct saved_info *m = hold_block_info(t->hold, e->block);
    if (moving(t, m, info, out))
        return true;
    if (is_unset(t, m, NUMBER(info)))
        return before(t, info, out);
    return m && saved_info_get(m, info, out);
}

/* ---- headers -------------------------------------------------------------------------------- */

static int request_of(const struct held_info *t, uint32_t block)
{
    const struct saved_info *m = NULL;
    for (uint32_t b = block; b; b--)
        if ((m = hold_block_info(t->hold, b)))
            break;
    if (m && m == hold_block_info(t->hold, block))
        return m->request;
    return t->restored ? t->restored->request
                       : saved_info_last_request(t->api, t->handle, m ? m->request : 0);
}

/* Whether libcurl stores it as a header of its own. */
static bool is_stored(const char *p, size_t n)
{
    return !is_blank(p, n) && !is_status(p, n) && p[0] != ' ' && p[0] != '\t';
}

/* How many of the request's headers are in lines that are still to be shown. */
static size_t stored_later(const struct held_info *t, int request)
{
    const struct held *e = t->shown;
    size_t n = e->kind == HELD_BOTH && !e->halfway && t->api->version_num < VERSION_STORES_FIRST &&
               is_stored(e->bytes, e->n);
    uint32_t block = e->block;
    for (const struct held *x = hold_each(t->hold, e); x; x = hold_each(t->hold, x)) {
        if (x->block != block && request_of(t, block = x->block) != request)
            return n;
        n += held_is_header(x) && is_stored(x->bytes, x->n);
    }
    bool line = t->line && is_stored(t->line, t->line_n);
    return n + (line && request_of(t, t->hold->block) == request);
}

static struct headers *kept_headers(const struct held_info *t)
{
    return t->restored ? t->restored->headers : NULL;
}

/* All headers of the request, those that are still to be shown too; NULL: no memory. */
static const struct header_list *list(struct held_info *t, int request)
{
    struct headers *kept = kept_headers(t);
    if (kept)
        return &kept->lists[request];
    if (!t->list.count || t->request != request) {
        header_list_free(&t->list);
        t->request = request;
        if (!header_list_read(&t->list, t->api, t->handle, request))
            return NULL;
    }
    return &t->list;
}

static size_t shown_count(const struct held_info *t, const struct header_list *l, int request)
{
    size_t later = stored_later(t, request);
    return later < l->count ? l->count - later : 0;
}

CURLHcode held_info_header(struct held_info *t, const char *name, size_t index, unsigned origin,
                           int request, struct curl_header **out)
{
    struct curl_header *found;
    const struct header_list *l;
    struct headers *kept = kept_headers(t);
    int current = request_of(t, t->shown->block);
    CURLHcode r = t->api->easy_header(t->handle, name, 0, origin, request, out ? &found : NULL);
    if (!out || r == CURLHE_BAD_ARGUMENT || r == CURLHE_NOT_BUILT_IN || !(l = list(t, current)))
        return r;
    size_t n = shown_count(t, l, current);
    if (!n && !current)
        return CURLHE_NOHEADERS;
    if (request > current)
        return CURLHE_NOREQUEST;
    if (request >= 0 && request < current)
        return kept ? headers_find(kept, name, index, origin, request, out)
                    : t->api->easy_header(t->handle, name, index, origin, request, out);
    r = header_list_find(l, n, name, index, origin, &t->answers[0]);
    if (r == CURLHE_OK)
        *out = &t->answers[0];
    return r;
}

struct curl_header *held_info_nextheader(struct held_info *t, unsigned origin, int request,
                                         struct curl_header *previous)
{
    const struct header_list *l;
    struct headers *kept = kept_headers(t);
    int current = request_of(t, t->shown->block);
    if (request > current || !(l = list(t, current)))
        return NULL;
    if (request >= 0 && request < current)
        return kept ? headers_next(kept, origin, request, previous)
                    : t->api->easy_nextheader(t->handle, origin, request, previous);
    return header_list_next(l, shown_count(t, l, current), origin,
                            previous ? previous->anchor : NULL, &t->answers[1])
               ? &t->answers[1]
               : NULL;
}

void held_info_end(struct held_info *t)
{
    t->shown = NULL;
    t->line = NULL;
    if (t->list.headers) /* seldom; free() is a call */
        header_list_free(&t->list);
}
