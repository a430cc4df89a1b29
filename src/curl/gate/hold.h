/* SPDX-License-Identifier: MIT
 *
 * What an attempt has delivered so far and the program has not seen yet: header lines and body
 * pieces in their order, in one growing piece of memory.
 *
 *     struct hold h = {0};
 *     hold_begin_block(&h);                                    a status line comes: a new header block
 *     hold_add(&h, HELD_HEADER, p, n);                   false: no memory; nothing was added
 *     hold_end_block(&h, moment);                             the block has ended
 *     while ((e = hold_first(&h)))  { deliver e->bytes; hold_next(&h); }
 *
 * The bytes lie as libcurl passes them: aligned as by malloc, writable, a NUL behind them. What was
 * taken out stays readable by hold_each until the hold is empty. The moments stay until the hold is
 * cleared: the program may keep a pointer that it got from one for as long as from libcurl.
 * Adding moves the memory: pointers to events are valid until the next hold_add. One thread. */
#ifndef CURL_GATE_HOLD_H
#define CURL_GATE_HOLD_H

#include "curl/gate/saved_info.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum held_kind {
    HELD_HEADER,
    HELD_BODY,
    HELD_BOTH,  /* a header line that goes to the body callback first, by the same pointer */
    HELD_MAYBE, /* body callback under CURLOPT_HEADER: HELD_BOTH if the header callback follows */
};

struct held {
    enum held_kind kind;
    uint32_t block;        /* number of its header block; 0: before the first */
    uint32_t n;            /* bytes */
    bool halfway;          /* HELD_BOTH that the body callback has had */
    const void *from;      /* address that libcurl passed, to recognise the same line again */
    curl_off_t downloaded; /* of a body piece: SIZE_DOWNLOAD_T with it */
    _Alignas(16) char bytes[];
};

/* More blocks than the hops that anybody follows. */
#define HOLD_BLOCKS_MAX 64

struct hold {
    char *memory;
    size_t capacity;
    size_t begin, end;
    size_t last;           /* offset of the newest event; end when there is none */
    uint32_t block;        /* number of the current block */
    uint32_t ended_blocks; /* number of the newest block that has a moment */
    struct saved_info *infos[HOLD_BLOCKS_MAX + 1];
};

bool hold_add(struct hold *h, enum held_kind kind, const char *p, size_t n);
struct held *hold_first(struct hold *h);
struct held *hold_last(struct hold *h);
void hold_next(struct hold *h);
/* All events in memory, those that were taken out too: the one after e, or with e NULL the first. */
const struct held *hold_each(const struct hold *h, const struct held *e);
/* Nothing is held, but the moments stay, and memory up to `kept` bytes. */
void hold_drop(struct hold *h, size_t kept);
/* Nothing is held or known; the memory stays. */
void hold_clear(struct hold *h);
void hold_free(struct hold *h);
static inline bool hold_empty(const struct hold *h)
{
    return h->begin == h->end;
}
static inline bool held_is_header(const struct held *e)
{
    return e->kind == HELD_HEADER || e->kind == HELD_BOTH;
}
/* Past the maximum all are one. */
static inline void hold_begin_block(struct hold *h)
{
    h->block += h->block < HOLD_BLOCKS_MAX;
}
/* Notes what libcurl says at the end of the current block; owns m from now on. */
void hold_end_block(struct hold *h, struct saved_info *m);
/* Of a block; NULL: it has not ended, libcurl's own answer holds. */
static inline const struct saved_info *hold_block_info(const struct hold *h, uint32_t block)
{
    return block <= h->ended_blocks ? h->infos[block] : NULL;
}

#endif
