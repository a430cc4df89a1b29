/* SPDX-License-Identifier: MIT
 *
 * How many lines of each kind fit into a window, of which the first is the head, and the last says what is
 * not shown:
 *
 *     HEAD                    one line
 *     lines about the board   pauses, what was observed, ...
 *                             an empty line before each table, unless the window is low
 *     HOST ...                the title, then the hosts, the worst first
 *     CHECK ...               the title, then the checks
 *     LAST                    one line, unless all is shown
 *
 *     struct status_layout l = status_layout_fit(24, (struct status_layout){.lines = 2, .hosts = 60}); */
#ifndef CLI_STATUS_LAYOUT_H
#define CLI_STATUS_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

struct status_layout {
    uint32_t lines, hosts, checks;
    bool gaps; /* empty lines */
    bool last; /* the last line */
};

/* rows: of the window, 0: no window. want: what there is; `last`: the last line is wanted even if all is
 * shown. The result is never more than `rows` lines, nor less than the head. */
struct status_layout status_layout_fit(uint32_t rows, struct status_layout want);

#endif
