/* SPDX-License-Identifier: MIT
 *
 * Whether a program uses a board now. An attached program (engine/board/attached.h) counts if it is
 * running and has the board mapped, according to /proc. Programs in other PID namespaces are not
 * visible there; for them, the time of the last update of the board decides:
 *
 *     struct liveness life = liveness_of(board, clock_now_ns());
 *     if (liveness_is_stale(life))
 *         ... no program uses the board */
#ifndef CLI_LIVENESS_H
#define CLI_LIVENESS_H

#include "engine/board/board.h"

#include <stdbool.h>
#include <stdint.h>

struct liveness {
    uint32_t running;   /* attached programs of this namespace */
    bool never;         /* no program has updated the board yet */
    int64_t age_ns;     /* of the last update; 0: a program is running */
    int64_t max_age_ns; /* an older update is stale: three snapshot intervals */
};

/* Implausible values on the board, which may be damaged, count as stale. */
struct liveness liveness_of(const struct board *b, int64_t now_ns);
static inline bool liveness_is_stale(struct liveness l)
{
    return l.never || l.age_ns > l.max_age_ns;
}

#endif
