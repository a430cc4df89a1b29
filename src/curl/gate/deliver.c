/* SPDX-License-Identifier: MIT
 *
 * From the gate to the program's callbacks: what is held first, then what libcurl delivers. */
#include "curl/gate/gate.h"

#include "base/compiler.h"
#include "base/precondition.h"

#include <stdio.h>

static size_t call_write_function(const struct shadow *s, char *p, size_t n)
{
    return s->write_fn ? s->write_fn(p, 1, n, s->write_data) : fwrite(p, 1, n, s->write_data);
}

/* libcurl's fallbacks: HEADERFUNCTION, else WRITEFUNCTION, else fwrite; always with HEADERDATA. */
static size_t call_header_function(const struct shadow *s, char *p, size_t n)
{
    if (!shadow_wants_headers(s))
        return n;
    curl_write_callback fn = s->header_fn ? s->header_fn : s->write_fn;
    return fn ? fn(p, 1, n, s->header_data) : fwrite(p, 1, n, s->header_data);
}

static size_t call_program(struct gate *g, bool header, char *p, size_t n)
{
    const struct shadow *s = g->shadow;
    if (header && !shadow_wants_headers(s))
        return n;
    size_t taken = header ? call_header_function(s, p, n) : call_write_function(s, p, n);
    g->delivered = true;
    if (taken != n && taken != CURL_WRITEFUNC_PAUSE)
        g->refused = true;
    return taken;
}

static size_t call_program_held(struct gate *g, struct held *e)
{
    g->info.shown = e;
    if (e->kind == HELD_BOTH && !e->body_done) {
        size_t taken = call_program(g, false, e->bytes, e->n);
        if (taken != e->n)
            return taken;
        e->body_done =
            true; /* if the header callback pauses, the body callback is not called again */
    }
    return call_program(g, held_is_header(e), e->bytes, e->n);
}

/* 0: all taken; else what our callback must return to libcurl. */
static size_t deliver_held(struct gate *g)
{
    struct held *e;
    size_t taken = 0, n = 0;
    g->info.api = g->shadow->api;
    g->info.handle = g->shadow->handle;
    g->info.hold = &g->hold;
    g->info.arriving = g->arriving != 0;
    while ((e = hold_first(&g->hold)) && (taken = call_program_held(g, e)) == (n = e->n))
        hold_next(&g->hold);
    held_info_end(&g->info);
    if (!e)
        return 0;
    if (taken == CURL_WRITEFUNC_PAUSE)
        return taken;
    g->short_write = (struct short_write){true, e->kind == HELD_HEADER || e->body_done, n, taken};
    return taken == CURL_WRITEFUNC_ERROR ? taken : 1;
}

/* The line that libcurl is delivering was held, and so has been delivered: all of it, unless
 * libcurl has appended more to it while the program paused. */
static size_t forward_rest(struct gate *g, char *p, size_t n)
{
    size_t had = g->arriving < n ? g->arriving : n;
    size_t taken = had < n ? call_program(g, true, p + had, n - had) : 0;
    if (taken == CURL_WRITEFUNC_PAUSE || taken == CURL_WRITEFUNC_ERROR)
        return taken;
    g->arriving = 0;
    return had + taken;
}

size_t gate_forward(struct gate *g, bool header, char *p, size_t n)
{
    if (unlikely(!hold_empty(&g->hold))) {
        g->info.line = header && !g->arriving && !g->left_http ? p : NULL;
        g->info.line_n = n;
        size_t stopped = deliver_held(g);
        if (stopped == CURL_WRITEFUNC_PAUSE || stopped == CURL_WRITEFUNC_ERROR)
            return stopped;
        if (stopped)
            return n ? 0 : 1;
    }
    if (unlikely(g->arriving) && header)
        return forward_rest(g, p, n);
    return call_program(g, header, p, n);
}

size_t gate_deliver(struct gate *g)
{
    precondition(!g->info.shown);
    if (hold_empty(&g->hold) || g->refused)
        return 0;
    return deliver_held(g) == CURL_WRITEFUNC_PAUSE ? CURL_WRITEFUNC_PAUSE : g->refused;
}
