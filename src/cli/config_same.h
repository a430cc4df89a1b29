/* SPDX-License-Identifier: MIT
 *
 * Sections of one file with the same pattern, such as [host api.example.com] and a label that matches it.
 * The later one takes precedence, so what both set is never used of the earlier one.
 *
 * It is not reported of sections in different files, where the later one is meant to change the other. */
#ifndef CLI_CONFIG_SAME_H
#define CLI_CONFIG_SAME_H

#include "engine/config/config.h"

typedef void config_same_report(void *ctx, const struct section *s, int option,
                                const struct section *later);

/* Calls report() for each value that is never used. */
void config_same(const struct config *c, config_same_report *report, void *ctx);

#endif
