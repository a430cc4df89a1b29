/* SPDX-License-Identifier: MIT
 *
 * The commit rule: the program sees exactly one response. While an attempt runs, our callbacks stand
 * in for the program's and hold what libcurl delivers until it is certain what the answer is:
 *
 *   HOLD      header lines are kept. At the end of a block that is certainly the last (not 1xx, not a
 *             CONNECT answer, not a redirect that will be followed, not an authentication round), or
 *             at the first body byte, or after the perform, the status is known:
 *   PASS      a good answer: what is held goes to the program's callbacks in its order, the rest
 *             streams straight through. From the first byte on the attempt can never be made again.
 *   CAPTURE   an answer that shall be tried again: its body is kept too, up to hold_limit, because it
 *             must still be delivered if another attempt turns out to be impossible.
 *
 * With commit = late a good answer stays held until its first body byte. A redirect that leads out of
 * HTTP ends the holding when the other protocol's first line or byte comes: what it says is no status.
 *
 *     gate_begin(&g, false);                              before each attempt
 *     api->easy_perform(handle) with gate_header and gate_body as callbacks
 *     gate_keep_attempt(&g)  or  gate_deliver(&g)            after it
 *     gate_restore_attempt(&g, moment)                         the next attempt brought no answer
 *     gate_end(&g)                                        when the transfer is over
 *
 * A struct gate is zeroed once and used for all transfers of a handle. The program's callbacks may
 * pause, refuse, throw, or change options: they are called with what the shadow says at that moment.
 * One thread at a time. When memory for holding is short, the answer passes. */
#ifndef CURL_GATE_GATE_H
#define CURL_GATE_GATE_H

#include "curl/gate/held_info.h"
#include "curl/gate/hold.h"
#include "curl/shadow.h"
#include "engine/policy/hints.h"
#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

/* What was held and the program did not take: libcurl is told so at a later callback, and would tell
 * the program that one's kind and numbers. */
struct untaken {
    bool happened, header;
    size_t passed, returned;
};

enum gate_state { GATE_HOLD, GATE_CAPTURE, GATE_PASS };

struct gate {
    struct shadow *shadow;
    const struct policy *policy;
    bool (*would_retry)(void *ctx, int http_status); /* asked once an attempt */
    void (*committed)(void *ctx); /* called once, before the first byte goes out */
    void *ctx;

    enum gate_state state;
    bool watch;         /* everything passes at once; headers are only read */
    bool late;          /* good, but held until the first body byte */
    bool h2c;           /* the block is a switch to HTTP/2 */
    bool block_open;    /* lines of a block came, its end did not */
    bool delivered;     /* the program's callbacks were called */
    bool refused;       /* the program took less than it was given */
    bool elsewhere;     /* a redirect has led out of HTTP */
    int line_status;    /* from the newest status line; 0: none yet */
    int status;         /* of the final answer, once known; 0: not yet */
    struct hints hints; /* of the newest block */
    size_t arriving;    /* bytes of the line that libcurl is delivering, when it is held already */
    size_t held_body;
    size_t held_headers;
    struct hold hold;
    struct hold aside;     /* of the attempt before */
    struct held_info info; /* while the program is being shown what was held */
    struct untaken untaken;
};

/* pass_at_once: nothing is held (observe mode; protocols without a status). */
void gate_begin(struct gate *g, bool pass_at_once);
size_t gate_header(char *p, size_t size, size_t n, void *gate);
size_t gate_body(char *p, size_t size, size_t n, void *gate);
void gate_end(struct gate *g);
/* Drops what is held: the program has cancelled. */
void gate_discard(struct gate *g);
/* The attempt is made again: what is held stays to be had until the next one that is. */
void gate_keep_attempt(struct gate *g);
/* It is as if the attempt that was set aside had ended just now: answered is what libcurl said of it
 * then, NULL when that is not known. Nothing of the one after it has been delivered. */
void gate_restore_attempt(struct gate *g, const struct saved_info *info);
/* Hands out what is still held, after the perform. 0: all taken; CURL_WRITEFUNC_PAUSE: the program
 * paused, call again when it has unpaused; 1: it refused. */
size_t gate_deliver(struct gate *g);

#endif
