/* SPDX-License-Identifier: MIT
 *
 * The configuration as it is in force, each value with where it comes from: itself a file that could
 * be read. What `harden config` prints, and `harden report` shows. */
#ifndef CLI_CONFIG_PRINT_H
#define CLI_CONFIG_PRINT_H

#include "engine/config/config.h"

#include <stdio.h>

/* for_others: the targets of checks without what may be secret in them; then it is not the same
 * configuration any more. */
void config_print(FILE *f, const struct config *c, bool for_others);

#endif
