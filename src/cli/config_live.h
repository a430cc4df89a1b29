/* SPDX-License-Identifier: MIT
 *
 * What the board says about a destination at the moment, for `harden config --explain`: status, circuit,
 * pauses, tokens and retry budget of its host, and of the operation and limits that apply.
 *
 * Nothing is created or changed. Without a board there is nothing to say. */
#ifndef CLI_CONFIG_LIVE_H
#define CLI_CONFIG_LIVE_H

#include "cli/destination.h"
#include "engine/board/board.h"
#include "engine/config/config.h"
#include "engine/policy/policy.h"

#include <stdint.h>
#include <stdio.h>

void config_live(FILE *f, const struct config *c, struct board *b, const struct destination *d,
                 const struct policy *p, int64_t now_ns);

#endif
