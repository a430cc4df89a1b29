/* SPDX-License-Identifier: MIT */
#include "curl/gate/gate.h"

#include "base/compiler.h"
#include "base/precondition.h"
#include "base/sizes.h"
#include "base/words.h"

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

static size_t give_held(struct gate *g, struct held *e)
{
    g->info.shown = e;
    if (e->kind == HELD_BOTH && !e->halfway) {
        size_t taken = give(g, false, e->bytes, e->n);
        if (taken != e->n)
            return taken;
        e->halfway = true; /* if it pauses now, the body callback has had it */
    }
    return give(g, held_is_header(e), e->bytes, e->n);
}

/* 0: all taken; else what libcurl must be told. */
static size_t replay(struct gate *g)
{
    struct held *e;
    size_t taken = 0, n = 0;
    g->info.api = g->shadow->api;
    g->info.handle = g->shadow->handle;
    g->info.hold = &g->hold;
    g->info.arriving = g->arriving != 0;
    while ((e = hold_first(&g->hold)) && (taken = give_held(g, e)) == (n = e->n))
        hold_next(&g->hold);
    held_info_end(&g->info);
    if (!e)
        return 0;
    if (taken == CURL_WRITEFUNC_PAUSE)
        return taken;
    g->untaken = (struct untaken){true, e->kind == HELD_HEADER || e->halfway, n, taken};
    return taken == CURL_WRITEFUNC_ERROR ? taken : 1;
}

/* The line that libcurl is delivering has been among what was held: all of it, unless libcurl has
 * put more behind it while the program paused. */
static size_t forward_rest(struct gate *g, char *p, size_t n)
{
    size_t had = g->arriving < n ? g->arriving : n;
    size_t taken = had < n ? give(g, true, p + had, n - had) : 0;
    if (taken == CURL_WRITEFUNC_PAUSE || taken == CURL_WRITEFUNC_ERROR)
        return taken;
    g->arriving = 0;
    return had + taken;
}

static size_t forward(struct gate *g, bool header, char *p, size_t n)
{
    if (unlikely(!hold_empty(&g->hold))) {
        g->info.line = header && !g->arriving && !g->elsewhere ? p : NULL;
        g->info.line_n = n;
        size_t stopped = replay(g);
        if (stopped == CURL_WRITEFUNC_PAUSE || stopped == CURL_WRITEFUNC_ERROR)
            return stopped;
        if (stopped)
            return n ? 0 : 1;
    }
    if (unlikely(g->arriving) && header)
        return forward_rest(g, p, n);
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
    if (!header && !g->block_open)
        g->shadow->api->easy_getinfo(g->shadow->handle, CURLINFO_SIZE_DOWNLOAD_T,
                                     &hold_last(&g->hold)->downloaded);
    return n;
}

/* The block that has ended stays held: what libcurl says of it now is what the program is told when
 * it is shown the block. */
static bool mark(struct gate *g)
{
    struct hold *h = &g->hold;
    struct saved_info *m =
        saved_info_take(g->shadow->api, g->shadow->handle, hold_block_info(h, h->block - 1));
    if (!m)
        return false;
    m->tunnel = long_info(g, CURLINFO_RESPONSE_CODE) != g->line_status;
    hold_end_block(h, m);
    return true;
}

/* What comes is not HTTP: a redirect was followed to another protocol. */
static bool left_http(struct gate *g)
{
    const char *scheme = NULL;
    const struct shadow *s = g->shadow;
    if (g->block_open || g->line_status / 100 != 3 ||
        s->api->easy_getinfo(s->handle, CURLINFO_SCHEME, &scheme) != CURLE_OK || !scheme)
        return false;
    g->elsewhere = (scheme[0] | 0x20) != 'h' && (scheme[0] | 0x20) != 'w'; /* http(s), ws(s) */
    return g->elsewhere;
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
    if (n > 5 && !memcmp(p, "HTTP/", 5)) {
        g->line_status = status_of_line(p, n);
        g->block_open = true;
        g->h2c = false;
        hold_begin_block(&g->hold);
        hints_reset(&g->hints);
    } else if (is_block_end(p, n)) {
        g->block_open = false;
    } else if (g->block_open) {
        hints_line(&g->hints, p, n);
        if (g->line_status == 101 && n > 8 && ascii_same_n(p, "Upgrade:", 8))
            g->h2c = memmem(p, n, "h2c", 3) != NULL;
    }
}

/* The body callback has had the line by the same address: the program gets it by both. */
static bool confirm(struct gate *g, const char *p, size_t n)
{
    struct held *last = hold_last(&g->hold);
    if (!last || last->kind != HELD_MAYBE || last->from != p || last->n != n)
        return false;
    last->kind = HELD_BOTH;
    last->block = g->hold.block;
    return true;
}

static size_t hold_line(struct gate *g, char *p, size_t n, bool held)
{
    if (held)
        return n;
    if (wants_headers(g->shadow))
        return keep(g, HELD_HEADER, p, n);
    g->held_headers += n;
    if (g->held_headers > HEADERS_HELD_MAX && g->state == GATE_HOLD)
        pass(g);
    return n;
}

static __attribute__((noinline)) size_t take_line(struct gate *g, char *p, size_t n)
{
    if (g->state == GATE_PASS) {
        if (g->watch)
            read_line(g, p, n);
        return forward(g, true, p, n);
    }
    bool was_open = g->block_open;
    read_line(g, p, n);
    bool ended = was_open && !g->block_open && g->line_status;
    bool held = g->shadow->include_header && confirm(g, p, n);

    if (g->state == GATE_HOLD) {
        if (ended) {
            long status = long_info(g, CURLINFO_RESPONSE_CODE);
            if (block_is_final(g, status))
                decide(g, (int)status, false);
        } else if (g->block_open ? g->hold.block == HOLD_BLOCKS_MAX : left_http(g)) {
            pass(g);
        }
    }
    if (ended && g->state != GATE_PASS && !mark(g))
        pass(g); /* while libcurl still says what belongs to it */
    if (g->state == GATE_PASS) {
        g->arriving = held ? n : 0;
        return forward(g, true, p, n);
    }
    return hold_line(g, p, n, held);
}

/* Most lines of an answer tell nothing, and go to no program that does not ask for them. */
HOT size_t gate_header(char *p, size_t size, size_t n, void *gate)
{
    struct gate *g = gate;
    const struct shadow *s = g->shadow;
    n *= size;
    if (g->state == GATE_HOLD && g->block_open && n > 2 && tells_nothing(g, p[0]) &&
        !s->include_header && !wants_headers(s) && g->hold.block != HOLD_BLOCKS_MAX)
        return hold_line(g, p, n, false);
    return take_line(g, p, n);
}

size_t gate_body(char *p, size_t size, size_t n, void *gate)
{
    struct gate *g = gate;
    n *= size;
    if (likely(g->state == GATE_PASS))
        return forward(g, false, p, n);
    if (g->state == GATE_CAPTURE)
        return keep(g, HELD_BODY, p, n);
    if (left_http(g)) {
        pass(g);
        return forward(g, false, p, n);
    }
    if (g->shadow->include_header && !g->late) {
        /* A header line comes here first and then, as the same bytes, as a header. While no block
         * is open, a second piece without that proves that the one before was body. */
        struct held *last = hold_last(&g->hold);
        if (g->block_open || !last || last->kind != HELD_MAYBE)
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
    g->late = g->h2c = g->block_open = g->delivered = g->refused = g->elsewhere = false;
    g->line_status = g->status = 0;
    g->held_body = g->held_headers = g->arriving = 0;
    g->untaken.happened = false;
    g->info.restored = NULL;
    held_info_end(&g->info);
}

void gate_end(struct gate *g)
{
    held_info_end(&g->info);
    hold_drop(&g->hold, HOLD_KEPT_BYTES);
    if (unlikely(g->aside.capacity || g->aside.ended_blocks))
        hold_free(&g->aside);
}

void gate_discard(struct gate *g)
{
    hold_drop(&g->hold, SIZE_MAX);
}

static void swap(struct gate *g)
{
    struct hold h = g->hold;
    g->hold = g->aside;
    g->aside = h;
}

void gate_keep_attempt(struct gate *g)
{
    hold_clear(&g->aside);
    if (!hold_empty(&g->hold) || g->hold.ended_blocks) /* before the first attempt there is nothing */
        swap(g);
}

void gate_restore_attempt(struct gate *g, const struct saved_info *info)
{
    hold_clear(&g->hold);
    swap(g);
    g->info.restored = info;
    g->state = GATE_CAPTURE;
    g->late = g->block_open = false;
    g->arriving = 0;
}

size_t gate_deliver(struct gate *g)
{
    precondition(!g->info.shown);
    if (hold_empty(&g->hold) || g->refused)
        return 0;
    return replay(g) == CURL_WRITEFUNC_PAUSE ? CURL_WRITEFUNC_PAUSE : g->refused;
}
