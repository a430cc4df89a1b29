/* SPDX-License-Identifier: MIT
 *
 * What `harden status` shows of one board, as text that fits its window: a head, lines about the board, the
 * hosts and the active checks, the worst first, and a line that says what is not shown.
 *
 *     struct status_view v = {.found = &found, .config = config, .filter = &filter};
 *     int shown = status_view_print(stdout, &v);       how many hosts and checks the filter selects
 *
 * Without a window (rows and columns 0), as for scripts, all hosts and columns are printed. */
#ifndef CLI_STATUS_VIEW_H
#define CLI_STATUS_VIEW_H

#include "cli/board_choice.h"
#include "cli/host_filter.h"
#include "cli/request_rate.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct status_view {
    const struct board_found *found;
    const struct config *config;
    const struct host_filter *filter;
    struct request_rates *rates; /* of repeated views; NULL: only one */
    int columns, rows;           /* of the window; 0: none */
    bool colours;
    const char *hint; /* at the end of the last line; NULL: none */
};

/* Less than 0: out of memory. */
int status_view_print(FILE *f, const struct status_view *v);

#endif
