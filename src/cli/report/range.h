/* SPDX-License-Identifier: MIT
 *
 * The time range of a plot: the last hour from the fine ring of samples, or the last two days from
 * the coarse one, followed by a sample taken now.
 *
 *     good = range_read(report, true, &hour);        false: out of memory
 *     ... hour.intervals[i], range_value(&hour.intervals[i], CURVE_REQUESTS) ...
 *     free(hour.intervals);                          also on failure */
#ifndef CLI_REPORT_RANGE_H
#define CLI_REPORT_RANGE_H

#include "cli/report/report.h"
#include "cli/report/series.h"

struct range {
    const char *id, *heading;
    bool fine;
    int64_t from_ns; /* start of the plots, which end now */
    struct interval *intervals;
    size_t count;
};

bool range_read(const struct report *r, bool fine, struct range *out);

/* The value of a curve: the first four are rates per second, the last two the state at the end. */
enum curve {
    CURVE_REQUESTS,
    CURVE_RETRIES,
    CURVE_REJECTED,
    CURVE_WAITED,
    CURVE_UNHEALTHY,
    CURVE_OPEN
};
double range_value(const struct interval *i, enum curve c);
/* The highest value drawn. *at_ns: the start of its interval; not set if the highest value is 0. */
double range_highest(const struct range *g, enum curve c, int64_t *at_ns);

#endif
