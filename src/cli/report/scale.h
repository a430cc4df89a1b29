/* SPDX-License-Identifier: MIT
 *
 * From values to places on a plot: round upper ends, ticks that people count in, and a logarithmic
 * axis for durations. Pure.
 *
 *     scale_value(37, 4, false)      {.top = 40, .step = 10}
 *     scale_times(from, to, 6)       300 s: 10:05, 10:10, ...
 *     scale_log(ns, low, high)       0..1 */
#ifndef CLI_REPORT_SCALE_H
#define CLI_REPORT_SCALE_H

#include <stdbool.h>
#include <stdint.h>

struct scale {
    double top, step; /* top is a multiple of the step, and >= every value; both > 0 */
};
/* At most `steps` of them, of 1, 2 or 5 times a power of ten; whole: none is a fraction. */
struct scale scale_value(double max, int steps, bool whole);

/* The shortest usual step of which at most `steps` fit into a time. */
int64_t scale_time_step(int64_t span_ns, int steps);

/* Where v is between low and high, on a logarithmic axis: 0..1, and no further. */
double scale_log(double v, double low, double high);
/* The power of ten at or below, and at or above, v > 0. */
double scale_decade_below(double v);
double scale_decade_above(double v);

#endif
