/* SPDX-License-Identifier: MIT */
#include "curl/gate.h"

#include "base/ascii.h"
#include "base/compiler.h"
#include "base/precondition.h"
#include "base/sizes.h"

#include <stdio.h>
#include <string.h>

/* No sane answer has more header bytes before its final block; past it we stop holding. */
#define HEADERS_HELD_MAX (160 * 1024)

static long long_info(const struct gate *g, CURLINFO info)
{
    long v = 0;
    g->shadow->api->easy_getinfo(g->shadow->handle, info, &v);
    return v;
}

/* ---- to the program ------------------------------------------------------------------------- */

static size_t program_body(const struct shadow *s, char *p, size_t n)
{
    return s->write_fn ? s->write_fn(p, 1, n, s->write_data) : fwrite(p, 1, n, s->write_data);
}

static bool wants_headers(const struct shadow *s)
{
    return s->header_fn || s->header_data;
}

/* libcurl's fallbacks: HEADERFUNCTION, else WRITEFUNCTION, else fwrite; always with HEADERDATA. */
static size_t program_header(const struct shadow *s, char *p, size_t n)
{
    if (!wants_headers(s))
        return n;
    curl_write_callback fn = s->header_fn ? s->header_fn : s->write_fn;
    return fn ? fn(p, 1, n, s->header_data) : fwrite(p, 1, n, s->header_data);
}

static size_t give(struct gate *g, bool header, char *p, size_t n)
{
    const struct shadow *s = g->shadow;
    if (header && !wants_headers(s))
        return n;
    size_t taken = header ? program_header(s, p, n) : program_body(s, p, n);
    g->delivered = true;
    if (taken != n && taken != CURL_WRITEFUNC_PAUSE)
        g->refused = true;
    return taken;
}

/* 0: all taken; else what libcurl must be told. */
static size_t replay(struct gate *g)
{
    struct held *e;
    while ((e = hold_first(&g->hold))) {
        g->replaying = hold_block_of(&g->hold, e);
        size_t taken = give(g, e->kind == HELD_HEADER, e->bytes, e->n);
        g->replaying = NULL;
        if (taken == CURL_WRITEFUNC_PAUSE)
            return taken;
        if (taken != e->n) {
            g->untaken = (struct untaken){true, e->kind == HELD_HEADER, e->n, taken};
            return taken == CURL_WRITEFUNC_ERROR ? taken : 1;
        }
        hold_next(&g->hold);
    }
    return 0;
}

static size_t forward(struct gate *g, bool header, char *p, size_t n)
{
    if (unlikely(!hold_empty(&g->hold))) {
        size_t stopped = replay(g);
        if (stopped == CURL_WRITEFUNC_PAUSE || stopped == CURL_WRITEFUNC_ERROR)
            return stopped;
        if (stopped)
            return n ? 0 : 1;
    }
    return give(g, header, p, n);
}

static void pass(struct gate *g)
{
    g->state = GATE_PASS;
    g->late = g->block_open = false;
    g->committed(g->ctx);
}

/* ---- what is held --------------------------------------------------------------------------- */

static size_t keep(struct gate *g, enum held_kind kind, char *p, size_t n)
{
    bool header = kind == HELD_HEADER;
    size_t *sum = header ? &g->held_headers : &g->held_body;
    size_t max = header ? HEADERS_HELD_MAX : (size_t)g->policy->hold_limit;
    if (kind == HELD_MAYBE) /* most probably a header line */
        max += HEADERS_HELD_MAX;
    *sum += n;
    if (*sum > max || !hold_add(&g->hold, kind, p, n)) {
        pass(g);
        return forward(g, header, p, n);
    }
    return n;
}

static void note_block_end(struct gate *g)
{
    const struct shadow *s = g->shadow;
    char *url = NULL;
    s->api->easy_getinfo(s->handle, CURLINFO_EFFECTIVE_URL, &url);
    struct block_info info = {
        .url = url ? strdup(url) : NULL,
        .response_code = long_info(g, CURLINFO_RESPONSE_CODE),
        .connect_code = long_info(g, CURLINFO_HTTP_CONNECTCODE),
        .redirect_count = long_info(g, CURLINFO_REDIRECT_COUNT),
    };
    hold_mark(&g->hold, &info);
}

static int status_of_line(const char *p, size_t n)
{
    const char *sp = memchr(p, ' ', n);
    int status = 0;
    for (const char *d = sp ? sp + 1 : p + n; d < p + n && d <= sp + 3; d++) {
        if (*d < '0' || *d > '9')
            return 0;
        status = status * 10 + (*d - '0');
    }
    return status;
}

static bool is_status_line(const char *p, size_t n)
{
    return n > 5 && !memcmp(p, "HTTP/", 5);
}

static bool is_block_end(const char *p, size_t n)
{
    return n <= 2 && (p[0] == '\r' || p[0] == '\n');
}

/* True at the end of a block after which nothing else can come but the body. */
static bool block_is_final(struct gate *g, long status)
{
    if (status != g->line_status)
        return false; /* a proxy's answer to CONNECT */
    if (status < 200)
        return status == 101 && !g->h2c; /* after "Upgrade: h2c" the answer is still to come */
    if (status < 300)
        return true;
    if (status < 400)
        return !g->shadow->follow;
    return status != 401 && status != 407 && status != 417; /* libcurl may ask again by itself */
}

static void decide(struct gate *g, int status, bool first_body_byte)
{
    bool again = !g->late && g->would_retry(g->ctx, status);
    g->status = status;
    if (again)
        g->state = GATE_CAPTURE;
    else if (first_body_byte || status == 101 || g->policy->commit == COMMIT_HEADERS)
        pass(g);
    else
        g->late = true;
}

/* Most header lines are none that we look at: the first letter tells. */
static bool tells_nothing(const struct gate *g, char first)
{
    switch (first | 0x20) {
    case 'h': /* a status line */
    case 'r':
    case 'd':
    case 'x':
        return false;
    case 'u':
        return g->line_status != 101;
    default:
        return true;
    }
}

static void read_line(struct gate *g, const char *p, size_t n)
{
    if (g->block_open && n > 2 && tells_nothing(g, p[0]))
        return;
    if (is_status_line(p, n)) {
        g->line_status = status_of_line(p, n);
        g->block_open = true;
        g->h2c = false;
        hints_reset(&g->hints);
    } else if (is_block_end(p, n)) {
        g->block_open = false;
    } else if (g->block_open) {
        hints_line(&g->hints, p, n);
        if (g->line_status == 101 && n > 8 && ascii_same_n(p, "Upgrade:", 8))
            g->h2c = memmem(p, n, "h2c", 3) != NULL;
    }
}

size_t gate_header(char *p, size_t size, size_t n, void *gate)
{
    struct gate *g = gate;
    n *= size;
    if (g->state == GATE_PASS) {
        if (g->watch)
            read_line(g, p, n);
        return forward(g, true, p, n);
    }
    read_line(g, p, n);

    struct held *last = g->shadow->include_header ? hold_last(&g->hold) : NULL;
    if (last && last->kind == HELD_MAYBE && last->from == p && last->n == n)
        last->kind = HELD_BODY; /* confirmed: the program gets it by both callbacks */

    if (g->state == GATE_HOLD && is_block_end(p, n) && g->line_status) {
        long status = long_info(g, CURLINFO_RESPONSE_CODE);
        if (block_is_final(g, status))
            decide(g, (int)status, false);
        if (g->state == GATE_PASS)
            return forward(g, true, p, n);
        size_t taken = wants_headers(g->shadow) ? keep(g, HELD_HEADER, p, n) : n;
        if (g->state == GATE_HOLD && !g->late)
            note_block_end(g);
        return taken;
    }
    if (!wants_headers(g->shadow)) {
        g->held_headers += n;
        if (g->held_headers > HEADERS_HELD_MAX && g->state == GATE_HOLD)
            pass(g);
        return n;
    }
    return keep(g, HELD_HEADER, p, n);
}

size_t gate_body(char *p, size_t size, size_t n, void *gate)
{
    struct gate *g = gate;
    n *= size;
    if (likely(g->state == GATE_PASS))
        return forward(g, false, p, n);
    if (g->state == GATE_CAPTURE)
        return keep(g, HELD_BODY, p, n);
    if (g->shadow->include_header && !g->late) {
        /* A header line comes here first and then, as the same bytes, as a header. Only a second
         * piece without that proves that the one before was body. */
        struct held *last = hold_last(&g->hold);
        if (!last || last->kind != HELD_MAYBE)
            return keep(g, HELD_MAYBE, p, n);
        last->kind = HELD_BODY;
    }
    decide(g, (int)long_info(g, CURLINFO_RESPONSE_CODE), true);
    if (g->state == GATE_CAPTURE)
        return keep(g, HELD_BODY, p, n);
    return forward(g, false, p, n);
}

/* ---- life of an attempt --------------------------------------------------------------------- */

void gate_begin(struct gate *g, bool pass_at_once)
{
    precondition(g->shadow && g->policy && g->would_retry && g->committed);
    hold_clear(&g->hold);
    hints_reset(&g->hints);
    g->state = pass_at_once ? GATE_PASS : GATE_HOLD;
    g->watch = pass_at_once;
    g->late = g->h2c = g->block_open = g->delivered = g->refused = false;
    g->line_status = g->status = 0;
    g->held_body = g->held_headers = 0;
    g->replaying = NULL;
    g->untaken.happened = false;
}

void gate_end(struct gate *g)
{
    g->replaying = NULL;
    hold_clear(&g->hold);
    if (g->hold.capacity > HOLD_KEPT_BYTES)
        hold_free(&g->hold);
}

void gate_discard(struct gate *g)
{
    hold_clear(&g->hold);
}

size_t gate_deliver(struct gate *g)
{
    precondition(!g->replaying);
    if (hold_empty(&g->hold) || g->refused)
        return 0;
    return replay(g) == CURL_WRITEFUNC_PAUSE ? CURL_WRITEFUNC_PAUSE : g->refused;
}

bool gate_getinfo(const struct gate *g, CURLINFO info, void *out)
{
    const struct block_info *block = g->replaying;
    if (!block)
        return false;
    switch (info) {
    case CURLINFO_RESPONSE_CODE:
        *(long *)out = block->response_code;
        return true;
    case CURLINFO_HTTP_CONNECTCODE:
        *(long *)out = block->connect_code;
        return true;
    case CURLINFO_REDIRECT_COUNT:
        *(long *)out = block->redirect_count;
        return true;
    case CURLINFO_EFFECTIVE_URL:
        *(char **)out = block->url;
        return block->url != NULL;
    default:
        return false;
    }
}
