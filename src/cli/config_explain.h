/* SPDX-License-Identifier: MIT
 *
 * `harden config --explain`: which sections match a destination, and what then applies. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include "engine/config/config.h"

/* 0, or EXIT_USAGE for what is no destination; said. */
int explain(const struct config *c, const char *url);

#endif
