/* SPDX-License-Identifier: MIT
 *
 * Whether anybody uses a board now. Programs that are attached to it (engine/board/attached.h) and are there,
 * by the kernel's word, are; of others, in other name spaces, the last sign of life must do:
 *
 *     struct liveness life = liveness_of(board, clock_now_ns());
 *     if (liveness_is_stale(life))
 *         ... nobody */
#ifndef CLI_LIFE_H
#define CLI_LIFE_H

#include "engine/board/board.h"

#include <stdbool.h>
#include <stdint.h>

struct liveness {
    uint32_t running; /* programs that have the board mapped */
    bool never;       /* no program has looked after the board yet */
    int64_t age_ns;   /* since the last one did; 0: one is running */
    int64_t max_age_ns;
};

/* Damaged words must not look fresh. */
struct liveness liveness_of(const struct board *b, int64_t now_ns);
static inline bool liveness_is_stale(struct liveness l)
{
    return l.never || l.age_ns > l.max_age_ns;
}

#endif
