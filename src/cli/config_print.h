/* SPDX-License-Identifier: MIT
 *
 * Prints the effective configuration, each value with its origin in a comment. The output is a
 * valid configuration file with the same meaning. Used by `harden config` and `harden report`. */
#ifndef CLI_CONFIG_PRINT_H
#define CLI_CONFIG_PRINT_H

#include "engine/config/config.h"

#include <stdio.h>

/* for_others: prints only the origin of each check's target, because user, path and query may be
 * secret. The output is then not equivalent to the configuration. */
void config_print(FILE *f, const struct config *c, bool for_others);

#endif
