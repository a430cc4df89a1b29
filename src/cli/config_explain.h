/* SPDX-License-Identifier: MIT
 *
 * `harden config --explain`: which sections match a destination, and which values apply to it. */
#ifndef CLI_CONFIG_EXPLAIN_H
#define CLI_CONFIG_EXPLAIN_H

#include "cli/cli.h"

/* Prints the explanation on stdout. 0; or EXIT_USAGE for an invalid destination, after an error
 * message in the name of `cmd`. */
int config_explain(const struct command *cmd, const struct config *c, const char *url);

#endif
