/* SPDX-License-Identifier: MIT
 *
 * What an attempt has delivered so far and the program has not seen yet: header lines and body
 * pieces in their order, in one growing piece of memory.
 *
 *     struct hold h = {0};
 *     hold_add(&h, HELD_HEADER, p, n);                   false: no memory; nothing was added
 *     while ((e = hold_first(&h)))  { deliver e->bytes; hold_next(&h); }
 *
 * hold_mark ends a header block and notes what libcurl says of it, so that a program which asks
 * during the replay gets the answer of that block and not of the last. Adding moves the memory:
 * pointers to events are valid until the next hold_add. One thread. */
#ifndef CURL_HOLD_H
#define CURL_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum held_kind {
    HELD_HEADER,
    HELD_BODY,
    HELD_MAYBE, /* body callback under CURLOPT_HEADER: a header line if the header callback follows
                 */
};

/* What libcurl said at the end of a block. */
struct block_info {
    long response_code;
    long connect_code;
    long redirect_count;
    char *url; /* effective; owned by the hold; NULL: no memory */
};

struct held {
    enum held_kind kind;
    uint32_t block;   /* index of its header block */
    uint32_t n;       /* bytes */
    const void *from; /* address that libcurl passed, to recognise the same line again */
    char bytes[];
};

#define HOLD_BLOCKS_MAX 32

struct hold {
    char *memory;
    size_t capacity;
    size_t begin, end;
    size_t last; /* offset of the newest event; end when there is none */
    uint32_t block;
    struct block_info blocks[HOLD_BLOCKS_MAX]; /* of the blocks that ended */
};

bool hold_add(struct hold *h, enum held_kind kind, const char *p, size_t n);
struct held *hold_first(struct hold *h);
struct held *hold_last(struct hold *h);
void hold_next(struct hold *h);
/* Nothing is held; the memory stays. */
void hold_clear(struct hold *h);
void hold_free(struct hold *h);
static inline bool hold_empty(const struct hold *h)
{
    return h->begin == h->end;
}
/* The block that is being held has ended; takes info->url over. */
void hold_mark(struct hold *h, const struct block_info *info);
/* What was noted for the event's block; NULL: it is the current one, libcurl's own answer holds. */
const struct block_info *hold_block_of(const struct hold *h, const struct held *e);

#endif
