/* SPDX-License-Identifier: MIT
 *
 * Prints the effective configuration with the origin of each value, as a file that is itself a
 * configuration with the same meaning: read instead of the files, without HARDEN_* in the environment,
 * it gives the same policy for each request. Used by `harden config` and `harden report`.
 *
 *     [host *]
 *     retry = expensive                       ; harden.ini:3
 *     ; max_attempts = 5                      ; by retry
 *     max_wait = 30s                          ; default
 *
 * A comment is what another line says already, or what has no effect. HARDEN_* of hosts are printed as
 * [override] sections, because they beat all [host] sections.
 *
 * for_others: for a page that others may read. The target of a check is printed without user, path and
 * query, so it is another configuration then. */
#ifndef CLI_CONFIG_PRINT_H
#define CLI_CONFIG_PRINT_H

#include "engine/config/config.h"

#include <stdbool.h>
#include <stdio.h>

void config_print(FILE *f, const struct config *c, bool for_others);

#endif
