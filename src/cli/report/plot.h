/* SPDX-License-Identifier: MIT
 *
 * Plots as SVG within a page. As wide as their place, with letters that stay as large as they are:
 * x is a share of the width, from 0 to 1, and y is in px or, of values, a share of the plot's height.
 *
 *     plot_begin(&p, f, "axis", "requests", "Requests per second", "...", "requests-data", 170);
 *     plot_values(&p, scale);                        below the data
 *     plot_steps(&p, "first", steps, n, true);
 *     plot_times(&p, from_ns, to_ns);
 *     plot_end(&p);
 *
 * To who does not see it, a plot is its title and description, and the id of where its data are. */
#ifndef CLI_REPORT_PLOT_H
#define CLI_REPORT_PLOT_H

#include "cli/report/scale.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct plot {
    FILE *f;
    int top_px, height_px; /* of the place for values */
};

/* A value that holds from x0 to x1. Where the next one does not begin where it ends, there is a gap. */
struct step {
    double x0, x1, y;
    bool rough;
};

/* `look`: "axis" leaves room for the labels of values; else "". */
void plot_begin(struct plot *p, FILE *f, const char *look, const char *id, const char *title,
                const char *description, const char *data_id, int height_px);
void plot_end(struct plot *p);

/* A line, and the area below it if so. `look` is a class of the style. */
void plot_steps(struct plot *p, const char *look, const struct step *steps, size_t n, bool area);
void plot_bars(struct plot *p, const char *look, const struct step *bars, size_t n);
/* A line from top to bottom with a label, its row counted from the top. */
void plot_mark(struct plot *p, double x, int row, const char *label);
/* A bar of its own with what it says when pointed at. */
void plot_bar(struct plot *p, const char *look, double x0, double x1, int y_px, int height_px,
              const char *says);
/* Text that is not ours is escaped, and cut to `letters`. */
void plot_label(struct plot *p, const char *look, int y_px, const char *text, size_t letters);

/* Their labels stand left of the plot. */
void plot_values(struct plot *p, struct scale s);
/* Ticks of usual steps between two wall clock times. */
void plot_times(struct plot *p, int64_t from_ns, int64_t to_ns);
/* Ticks at each power of ten of ms between two such. */
void plot_decades(struct plot *p, double low_ms, double high_ms);

#endif
