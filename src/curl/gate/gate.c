/* SPDX-License-Identifier: MIT */
#include "curl/gate/gate.h"

#include "base/compiler.h"
#include "base/precondition.h"
#include "base/sizes.h"
#include "base/words.h"
#include "curl/gate/header_line.h"
#include "engine/policy/hint_fields.h"

#include <string.h>

/* Bytes of headers. With more, the response passes: hardly any server sends that much. */
#define HEADERS_HELD_MAX (160 * 1024)

static long info_long(const struct gate *g, CURLINFO info)
{
    long v = 0;
    g->shadow->api->easy_getinfo(g->shadow->handle, info, &v);
    return v;
}

static void commit(struct gate *g)
{
    g->state = GATE_PASS;
    g->awaits_body = g->in_block = false;
    g->committed(g->ctx);
}

static size_t hold_piece(struct gate *g, enum held_kind kind, char *p, size_t n)
{
    bool header = kind == HELD_HEADER;
    size_t *sum = header ? &g->held_headers : &g->held_body;
    size_t max = header ? HEADERS_HELD_MAX : (size_t)g->policy->hold_limit;
    if (kind == HELD_MAYBE) /* probably a header line */
        max += HEADERS_HELD_MAX;
    *sum += n;
    if (*sum > max || !hold_add(&g->hold, kind, p, n)) {
        g->limit_exceeded = g->state == GATE_CAPTURE;
        commit(g);
        return gate_forward(g, header, p, n);
    }
    if (!header && !g->in_block)
        g->shadow->api->easy_getinfo(g->shadow->handle, CURLINFO_SIZE_DOWNLOAD_T,
                                     &hold_last(&g->hold)->downloaded);
    return n;
}

/* A block that has ended stays held: saves its CURLINFO, for the program when the block is
 * delivered. */
static bool save_block_info(struct gate *g)
{
    struct hold *h = &g->hold;
    struct saved_info *saved =
        saved_info_take(g->shadow->api, g->shadow->handle, hold_block_info(h, h->block - 1));
    if (!saved)
        return false;
    saved->tunnel = info_long(g, CURLINFO_RESPONSE_CODE) != g->line_status;
    hold_end_block(h, saved);
    return true;
}

/* Whether libcurl has followed a redirect to a protocol that is not HTTP. */
static bool has_left_http(struct gate *g)
{
    const char *scheme = NULL;
    const struct shadow *s = g->shadow;
    if (g->in_block || g->line_status / 100 != 3 ||
        s->api->easy_getinfo(s->handle, CURLINFO_SCHEME, &scheme) != CURLE_OK || !scheme)
        return false;
    g->left_http = (scheme[0] | 0x20) != 'h' && (scheme[0] | 0x20) != 'w'; /* http(s), ws(s) */
    return g->left_http;
}

/* Of a block that has ended: whether only the body can follow. */
static bool block_is_final(struct gate *g, long status)
{
    if (status != g->line_status)
        return false; /* a proxy's answer to CONNECT */
    if (status < 200)
        return status == 101 && !g->h2c; /* after "Upgrade: h2c" the response is still to come */
    if (status < 300)
        return true;
    if (status < 400)
        return !g->shadow->follow;
    return status != 401 && status != 407 && status != 417; /* libcurl may repeat the request */
}

static void judge_status(struct gate *g, int status, bool first_body_byte)
{
    bool again = !g->awaits_body && g->would_retry(g->ctx, status);
    g->status = status;
    if (again)
        g->state = GATE_CAPTURE;
    else if (first_body_byte || status == 101 || g->policy->commit == COMMIT_HEADERS)
        commit(g);
    else
        g->awaits_body = true;
}

/* By its first character: a header that is of no interest, as most are. */
static bool is_irrelevant(const struct gate *g, char first)
{
    return !(g->relevant >> (first & 63) & 1);
}

static void begin_block(struct gate *g, const char *line, size_t n)
{
    g->line_status = header_line_status(line, n);
    g->in_block = true;
    g->h2c = false;
    g->relevant = g->policy->hint_letters | HINT_LETTER('h');
    if (g->line_status == 101)
        g->relevant |= HINT_LETTER('u');
    hold_begin_block(&g->hold);
    hints_reset(&g->hints);
}

static void read_field(struct gate *g, const char *p, size_t n)
{
    if (unlikely(g->line_status == 101) && n > 8 && ascii_same_n(p, "Upgrade:", 8))
        g->h2c = memmem(p, n, "h2c", 3) != NULL;
    hints_line(&g->hints, g->policy, p, n);
}

static void read_line(struct gate *g, const char *p, size_t n)
{
    if (g->in_block && n > 2 && is_irrelevant(g, p[0]))
        hints_other_line(&g->hints);
    else if (header_line_is_status(p, n))
        begin_block(g, p, n);
    else if (header_line_is_blank(p, n))
        g->in_block = false;
    else if (g->in_block)
        read_field(g, p, n);
}

/* The body callback was given the line at the same address before: the program gets it by both. */
static bool confirm_header(struct gate *g, const char *p, size_t n)
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
    if (shadow_wants_headers(g->shadow))
        return hold_piece(g, HELD_HEADER, p, n);
    g->held_headers += n;
    if (g->held_headers > HEADERS_HELD_MAX && g->state == GATE_HOLD)
        commit(g);
    return n;
}

static __attribute__((noinline)) size_t take_line(struct gate *g, char *p, size_t n)
{
    if (g->state == GATE_PASS) {
        if (g->pass_through)
            read_line(g, p, n);
        return gate_forward(g, true, p, n);
    }
    bool was_in_block = g->in_block;
    read_line(g, p, n);
    bool ended = was_in_block && !g->in_block && g->line_status;
    bool held = g->shadow->include_header && confirm_header(g, p, n);

    if (g->state == GATE_HOLD) {
        if (ended) {
            long status = info_long(g, CURLINFO_RESPONSE_CODE);
            if (block_is_final(g, status))
                judge_status(g, (int)status, false);
        } else if (g->in_block ? g->hold.block == HOLD_BLOCKS_MAX : has_left_http(g)) {
            commit(g);
        }
    }
    if (ended && g->state != GATE_PASS && !save_block_info(g))
        commit(g); /* while libcurl's own answers are still those of this block */
    if (g->state == GATE_PASS) {
        g->arriving = held ? n : 0;
        return gate_forward(g, true, p, n);
    }
    return hold_line(g, p, n, held);
}

/* A short way for the fields of a response, if the program does not ask for headers. */
HOT size_t gate_header(char *p, size_t size, size_t n, void *gate)
{
    struct gate *g = gate;
    const struct shadow *s = g->shadow;
    n *= size;
    if (g->state == GATE_HOLD && g->in_block && n > 2 && !s->include_header &&
        !shadow_wants_headers(s) && g->hold.block != HOLD_BLOCKS_MAX) {
        if (likely(is_irrelevant(g, p[0]))) {
            hints_other_line(&g->hints);
            return hold_line(g, p, n, false);
        }
        if (likely(!header_line_is_status(p, n))) {
            read_field(g, p, n);
            return hold_line(g, p, n, false);
        }
    }
    return take_line(g, p, n);
}

size_t gate_body(char *p, size_t size, size_t n, void *gate)
{
    struct gate *g = gate;
    n *= size;
    if (likely(g->state == GATE_PASS))
        return gate_forward(g, false, p, n);
    if (g->state == GATE_CAPTURE)
        return hold_piece(g, HELD_BODY, p, n);
    if (has_left_http(g)) {
        commit(g);
        return gate_forward(g, false, p, n);
    }
    if (g->shadow->include_header && !g->awaits_body) {
        /* A header line comes here first, and then to gate_header at the same address. Outside a
         * block, a second piece without that proves that the first one was body. */
        struct held *last = hold_last(&g->hold);
        if (g->in_block || !last || last->kind != HELD_MAYBE)
            return hold_piece(g, HELD_MAYBE, p, n);
        last->kind = HELD_BODY;
    }
    judge_status(g, (int)info_long(g, CURLINFO_RESPONSE_CODE), true);
    if (g->state == GATE_CAPTURE)
        return hold_piece(g, HELD_BODY, p, n);
    return gate_forward(g, false, p, n);
}

/* ---- life of an attempt --------------------------------------------------------------------- */

void gate_begin(struct gate *g, bool pass_through)
{
    precondition(g->shadow && g->policy && g->would_retry && g->committed);
    hold_clear(&g->hold);
    hints_reset(&g->hints);
    g->state = pass_through ? GATE_PASS : GATE_HOLD;
    g->pass_through = pass_through;
    g->awaits_body = g->h2c = g->in_block = g->delivered = g->refused = g->left_http = false;
    g->line_status = g->status = 0;
    g->held_body = g->held_headers = g->arriving = 0;
    g->short_write.happened = g->limit_exceeded = false;
    g->info.restored = NULL;
    held_info_end(&g->info);
}

void gate_end(struct gate *g)
{
    held_info_end(&g->info);
    hold_drop(&g->hold, HOLD_KEPT_BYTES);
    if (unlikely(g->previous.capacity || g->previous.ended_blocks))
        hold_free(&g->previous);
}

void gate_discard(struct gate *g)
{
    hold_drop(&g->hold, SIZE_MAX);
}

static void swap_holds(struct gate *g)
{
    struct hold h = g->hold;
    g->hold = g->previous;
    g->previous = h;
}

void gate_keep_attempt(struct gate *g)
{
    hold_clear(&g->previous);
    if (!hold_empty(&g->hold) || g->hold.ended_blocks) /* nothing before the first attempt */
        swap_holds(g);
}

void gate_restore_attempt(struct gate *g, const struct saved_info *info)
{
    hold_clear(&g->hold);
    swap_holds(g);
    g->info.restored = info;
    g->state = GATE_CAPTURE;
    g->awaits_body = g->in_block = false;
    g->arriving = 0;
}
