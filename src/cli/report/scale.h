/* SPDX-License-Identifier: MIT
 *
 * Maps values to positions on a plot: axes that end at round numbers, usual tick distances, and a
 * logarithmic axis for durations. No side effects.
 *
 *     scale_value(37, 4, false)      {.top = 40, .step = 10}
 *     scale_time_step(span, 6)       300 s: ticks at 10:05, 10:10, ...
 *     scale_log(ns, low, high)       0..1 */
#ifndef CLI_REPORT_SCALE_H
#define CLI_REPORT_SCALE_H

#include <stdbool.h>
#include <stdint.h>

struct scale {
    double top, step; /* top is a multiple of the step, and >= every value; both > 0 */
};
/* At most `steps` steps, each 1, 2 or 5 times a power of ten. whole: at least 1. */
struct scale scale_value(double max, int steps, bool whole);

/* The shortest usual step (1 s, 5 min, 3 h, ...) of which at most `steps` fit into the span. */
int64_t scale_time_step(int64_t span_ns, int steps);

/* The position of v between low and high on a logarithmic axis, clamped to 0..1. */
double scale_log(double v, double low, double high);
/* The nearest power of ten <= v, and >= v, for v > 0. */
double scale_decade_below(double v);
double scale_decade_above(double v);

#endif
