/* SPDX-License-Identifier: MIT
 *
 * The part of a response that libcurl has delivered and the program has not seen yet: header lines
 * and pieces of the body, in their order, in one growing piece of memory. gate.h decides what is held,
 * and when it is delivered or dropped.
 *
 *     struct hold h = {0};
 *     hold_begin_block(&h);                              a status line: a new header block begins
 *     hold_add(&h, HELD_HEADER, p, n);                   false: no memory; nothing was added
 *     hold_end_block(&h, info);                          the block has ended
 *     while ((e = hold_first(&h)))  { deliver e->bytes; hold_next(&h); }
 *
 * The bytes are as libcurl passes them: aligned as by malloc, writable, followed by a NUL. A piece
 * that was taken out stays readable by hold_each until the hold is empty. The infos stay until the
 * hold is cleared: the program may use a pointer that it got from one for as long as one of
 * libcurl's. Adding moves the memory: a pointer to a piece is valid until the next hold_add. */
#ifndef CURL_GATE_HOLD_H
#define CURL_GATE_HOLD_H

#include "curl/gate/saved_info.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum held_kind {
    HELD_HEADER,
    HELD_BODY,
    HELD_BOTH,  /* CURLOPT_HEADER: a header line, for the body callback first */
    HELD_MAYBE, /* CURLOPT_HEADER: HELD_BOTH if the header callback follows, else HELD_BODY */
};

struct held {
    enum held_kind kind;
    uint32_t block;        /* number of its header block; 0: before the first */
    uint32_t n;            /* bytes */
    bool body_done;        /* HELD_BOTH: the body callback has had it */
    const void *from;      /* address that libcurl passed: the same line comes again at it */
    curl_off_t downloaded; /* of a body piece: SIZE_DOWNLOAD_T including it */
    _Alignas(16) char bytes[];
};

/* More blocks than there are hops in any chain of redirects that is followed. */
#define HOLD_BLOCKS_MAX 64

struct hold {
    char *memory;
    size_t capacity;
    size_t begin, end;
    size_t last;           /* offset of the newest piece; end when there is none */
    uint32_t block;        /* number of the current block */
    uint32_t ended_blocks; /* number of the newest block that has ended */
    struct saved_info *infos[HOLD_BLOCKS_MAX + 1];
};

bool hold_add(struct hold *h, enum held_kind kind, const char *p, size_t n);
struct held *hold_first(struct hold *h);
struct held *hold_last(struct hold *h);
void hold_next(struct hold *h);
/* All pieces in memory, also those that were taken out: the one after e; e NULL: the first. */
const struct held *hold_each(const struct hold *h, const struct held *e);
/* Drops all pieces. The infos stay, and memory of up to `kept` bytes. */
void hold_drop(struct hold *h, size_t kept);
/* Drops all pieces and infos; the memory stays. */
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
/* Above the maximum all blocks count as one. */
static inline void hold_begin_block(struct hold *h)
{
    h->block += h->block < HOLD_BLOCKS_MAX;
}
/* info: CURLINFO at the end of the current block; owned by the hold from now on. */
void hold_end_block(struct hold *h, struct saved_info *info);
/* Of a block; NULL: it has not ended, and libcurl's own answers are valid for it. */
static inline const struct saved_info *hold_block_info(const struct hold *h, uint32_t block)
{
    return block <= h->ended_blocks ? h->infos[block] : NULL;
}

#endif
