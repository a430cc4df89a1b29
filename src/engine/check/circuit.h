/* SPDX-License-Identifier: MIT
 *
 * What the result of a tcp or http check means for the circuit of the host that is its target: if the check
 * passes, an open circuit becomes half-open now, so that the next request is a probe; if it is unhealthy, and
 * check_opens is on for the host, the circuit opens for all operations.
 *
 * A host may pass its check and yet fail all requests. So a check that has passed all the time helps only until
 * CHECK_PROBES probes in a row have failed; from then on, one that passes after it has failed.
 *
 * This concerns the slot of the host, that of programs that observe it, and those of the places (fallback) at
 * this address. The circuit of a host that has other places is not opened, only that of the place. A program with
 * mode = observe opens only that of observing programs. A host that no program has used has no circuit. By the
 * process that has run the check. */
#ifndef ENGINE_CHECK_CIRCUIT_H
#define ENGINE_CHECK_CIRCUIT_H

#include "engine/board/board.h"
#include "engine/config/config.h"

#include <stdbool.h>
#include <stdint.h>

#define CHECK_PROBES 3

struct check_verdict {
    bool passed;
    bool recovered; /* it had failed before */
    bool unhealthy; /* the check, after this result */
    int64_t now_ns, wall_ns;
};

void check_circuits(struct board *b, const struct config *config, const struct check_config *c,
                    const struct check_verdict *v);

#endif
