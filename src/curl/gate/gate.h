/* SPDX-License-Identifier: MIT
 *
 * The commit gate: the program sees exactly one response. While an attempt runs, our callbacks take
 * the place of the program's and hold what libcurl delivers until it is certain what the response
 * is:
 *
 *   HOLD      header lines are held. The status is known at the end of the final header block, at
 *             the first body byte, or after the perform. A block is not final if it is 1xx, an
 *             answer to CONNECT, a redirect that is followed, or a step of an authentication.
 *   PASS      the response is committed: what is held goes to the program's callbacks in its order,
 *             the rest is forwarded at once. From its first byte on the attempt cannot be repeated.
 *   CAPTURE   another attempt is to replace this response. Its body is held too, up to hold_limit:
 *             it must be delivered if no other attempt is possible.
 *
 * With commit = late a good response is held until its first body byte. After a redirect to a
 * protocol other than HTTP the gate passes from that protocol's first byte on: it has no status.
 *
 *     gate_begin(&g, false);                              before each attempt
 *     api->easy_perform(handle) with gate_header and gate_body as callbacks
 *     gate_keep_attempt(&g)  or  gate_deliver(&g)         after it
 *     gate_restore_attempt(&g, info)                      the next attempt brought no response
 *     gate_end(&g)                                        when the transfer has ended
 *
 * A struct gate is zeroed once and used for all transfers of a handle. The program's callbacks may
 * pause, refuse, throw, or change options: they are called with what the shadow says at that
 * moment. One thread at a time. When there is no memory to hold more, the response passes. */
#ifndef CURL_GATE_GATE_H
#define CURL_GATE_GATE_H

#include "curl/gate/held_info.h"
#include "curl/gate/hold.h"
#include "curl/shadow.h"
#include "engine/policy/hints.h"
#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* A callback of the program took less than the held piece that it was given. libcurl notices only
 * at a later callback, and would report the kind and the size of the piece of that one. */
struct short_write {
    bool happened, header;
    size_t passed, returned;
};

enum gate_state { GATE_HOLD, GATE_CAPTURE, GATE_PASS };

struct gate {
    struct shadow *shadow;
    const struct policy *policy;
    bool (*would_retry)(void *ctx, int http_status); /* called once an attempt at most */
    void (*committed)(void *ctx); /* called once, before the first byte is delivered */
    void *ctx;

    enum gate_state state;
    bool pass_through;       /* nothing is held; headers are only read */
    bool awaits_body;        /* a good response, held until its first body byte */
    bool h2c;                /* the block is a switch to HTTP/2 */
    bool in_block;           /* a header block has begun and not ended */
    bool delivered;          /* the program's callbacks were called */
    bool refused;            /* one of them took less than it was given */
    bool left_http;          /* a redirect has led to another protocol */
    bool limit_exceeded;     /* a response to be replaced was larger than what may be held */
    int line_status;         /* of the newest status line; 0: none yet */
    int status;              /* of the final response; 0: not known yet */
    struct hint_lines hints; /* of the newest block */
    /* The characters (& 63) that begin lines of interest in it. */
    uint64_t relevant;
    size_t arriving;  /* bytes of the line that libcurl is delivering, if they are held already */
    size_t held_body; /* bytes */
    size_t held_headers; /* bytes */
    struct hold hold;
    struct hold previous;  /* of the attempt before */
    struct held_info info; /* for the program while held data is delivered */
    struct short_write short_write;
};

/* pass_through: nothing is held (observe mode; protocols without a status). */
void gate_begin(struct gate *g, bool pass_through);
/* CURLOPT_HEADERFUNCTION and CURLOPT_WRITEFUNCTION. */
size_t gate_header(char *p, size_t size, size_t n, void *gate);
size_t gate_body(char *p, size_t size, size_t n, void *gate);
void gate_end(struct gate *g);
/* Drops what is held: the program has cancelled the transfer. */
void gate_discard(struct gate *g);
/* The attempt is repeated: what is held is kept until the next attempt ends. */
void gate_keep_attempt(struct gate *g);
/* Makes that attempt the current one again. info: its CURLINFO; NULL: not known. Nothing of the
 * attempt after it may have been delivered. */
void gate_restore_attempt(struct gate *g, const struct saved_info *info);
/* Delivers what is still held, after the perform. 0: all taken; CURL_WRITEFUNC_PAUSE: the program
 * paused, to be called again when it has unpaused; 1: it refused. */
size_t gate_deliver(struct gate *g);
/* Delivers a piece, and before it all that is held. For gate.c. */
size_t gate_forward(struct gate *g, bool header, char *p, size_t n);

#endif
