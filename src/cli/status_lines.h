/* SPDX-License-Identifier: MIT
 *
 * The lines above the tables of `harden status`: the mode, pauses, objectives, last errors, denied retries
 * and what was observed. Each speaks of a few hosts, the worst first, and says how many more there are.
 *
 *     status_lines_print(f, &lines);       each ends in \n */
#ifndef CLI_STATUS_LINES_H
#define CLI_STATUS_LINES_H

#include "cli/check_list.h"
#include "cli/status_view.h"

struct status_lines {
    const struct status_view *view;
    const struct host *hosts; /* those that are selected */
    uint32_t n;
    const struct check *checks;
    uint32_t checks_n;
    int64_t now_ns, wall_ns; /* the same moment */
};

void status_lines_print(FILE *f, const struct status_lines *l);

#endif
