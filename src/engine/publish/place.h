/* SPDX-License-Identifier: MIT
 *
 * Where a board is, as far as its metrics must tell: the label `board`.
 *
 *     char place[PLACE_SIZE];
 *     context.place = place_of(board, config->state, user, place);
 *
 *     /dev/shm/harden-1000     NULL: of user 1000, no label is needed
 *     /run/agent/harden        "/run/agent/harden"
 *     private memory           "private-4711", by the process that has made it; its children use it, too
 *
 * A user may have several boards, so without it two of them would be one series. It is the same in all
 * processes of a board, however each of them spells the directory: links are resolved, if /proc is
 * mounted. Any thread; errno is not preserved. */
#ifndef ENGINE_PUBLISH_PLACE_H
#define ENGINE_PUBLISH_PLACE_H

#include "engine/board/board.h"

#include <limits.h>

#define PLACE_SIZE PATH_MAX

/* NULL, or `out`. dir: the state directory; not read of private memory. */
const char *place_of(const struct board *b, const char *dir, unsigned user, char out[PLACE_SIZE]);

#endif
