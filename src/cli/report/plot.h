/* SPDX-License-Identifier: MIT
 *
 * Plots as inline SVG. They stretch to the available width, but their text does not: x is a share
 * of the width from 0 to 1; y is in px or, for values, a share of the height of the plot from 0 to
 * 1.
 *
 *     plot_begin(&p, f, "axis", "requests", "Requests per second", "...", "requests-data", 170);
 *     plot_values(&p, scale);                        first, so that the grid is behind the data
 *     plot_steps(&p, "first", steps, n, true);
 *     plot_times(&p, from_ns, to_ns);
 *     plot_end(&p);
 *
 * For screen readers, a plot has a title, a description and a reference to the table with its
 * data. */
#ifndef CLI_REPORT_PLOT_H
#define CLI_REPORT_PLOT_H

#include "cli/report/scale.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct plot {
    FILE *f;
    int top_px, height_px; /* of the area for values */
};

/* A value from x0 to x1. If the next step does not begin at x1, there is a gap. rough: only an
 * average. */
struct step {
    double x0, x1, y;
    bool rough;
};

/* css_class: "axis" reserves room for the labels of plot_values; or "". data_id: the id of the
 * table. */
void plot_begin(struct plot *p, FILE *f, const char *css_class, const char *id, const char *title,
                const char *description, const char *data_id, int height_px);
void plot_end(struct plot *p);

/* A line; area: also fills the area below it. css_class: a class of the style sheet. */
void plot_steps(struct plot *p, const char *css_class, const struct step *steps, size_t n,
                bool area);
void plot_bars(struct plot *p, const char *css_class, const struct step *bars, size_t n);
/* A vertical line with a label, which is placed in this row, counted from the top. */
void plot_mark(struct plot *p, double x, int row, const char *label);
/* A single bar with a tooltip. */
void plot_bar(struct plot *p, const char *css_class, double x0, double x1, int y_px, int height_px,
              const char *tooltip);
/* Escaped text, truncated to this many bytes. */
void plot_label(struct plot *p, const char *css_class, int y_px, const char *text,
                size_t max_bytes);

/* Horizontal grid lines with labels left of the plot. */
void plot_values(struct plot *p, struct scale s);
/* An x axis with ticks between two wall clock times. */
void plot_times(struct plot *p, int64_t from_ns, int64_t to_ns);
/* A logarithmic x axis with a tick at each power of ten; both ends are powers of ten. */
void plot_decades(struct plot *p, double low_ms, double high_ms);

#endif
