/* SPDX-License-Identifier: MIT
 *
 * The configuration as it is in force, each value with where it comes from: itself a file that could
 * be read. What `harden config` prints, and `harden report` shows. */
#ifndef CLI_CONFIG_PRINT_H
#define CLI_CONFIG_PRINT_H

#include "engine/config.h"

#include <stdio.h>

void config_print(FILE *f, const struct config *c);

#endif
