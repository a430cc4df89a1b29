/* SPDX-License-Identifier: MIT
 *
 * `harden config --explain`: which sections match a destination, and which values apply to it.
 * config_live.h adds the state at the moment. */
#ifndef CLI_CONFIG_EXPLAIN_H
#define CLI_CONFIG_EXPLAIN_H

#include "cli/destination.h"
#include "engine/config/config.h"

#include <stdbool.h>
#include <stdio.h>

/* False: out of memory. */
bool config_explain(FILE *f, const struct config *c, const struct destination *d);

#endif
