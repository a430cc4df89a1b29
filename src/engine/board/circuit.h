/* SPDX-License-Identifier: MIT
 *
 * The circuit of a slot has changed: who must know it. Call it after the change.
 *
 *     if (breaker_half_open(&s->breaker, now_ns))
 *         circuit_announce(b, s, &(struct circuit_change){.name = name, .reason = "check"}, now_ns);
 *
 * Counts an opening, emits the event, adds the change to the history unless the circuit is that of observing
 * programs (kind OBSERVED), which is not shown, and makes the snapshot due. Any thread, any process. */
#ifndef ENGINE_BOARD_CIRCUIT_H
#define ENGINE_BOARD_CIRCUIT_H

#include "engine/board/board.h"

struct circuit_change {
    const char *name;   /* of the host or proxy */
    uint32_t id;        /* of the request that changed it; 0: none */
    const char *reason; /* "slow", "check"; NULL: requests that failed or succeeded */
    bool observed;      /* it refuses nobody */
};
void circuit_announce(struct board *b, struct slot *s, const struct circuit_change *x,
                      int64_t now_ns);
/* A host that is healthy otherwise becomes degraded when its circuit opens, and healthy when it closes: notes
 * since when. While it is paused, it is degraded anyway. */
void circuit_note_since(const struct board *b, struct slot *s, int64_t now_ns, int64_t wall_ns);

#endif
