/* SPDX-License-Identifier: MIT
 *
 * The history of a time that ends now, as it is drawn: the last hour from the fine ring of samples,
 * or the last two days from the coarse one, and the present moment after the last of them.
 *
 *     good = range_read(report, true, &hour);        false: out of memory
 *     ... hour.intervals[i], range_value(&hour.intervals[i], CURVE_REQUESTS) ...
 *     free(hour.intervals);                          in either case */
#ifndef CLI_REPORT_RANGE_H
#define CLI_REPORT_RANGE_H

#include "cli/report/report.h"
#include "cli/report/series.h"

struct range {
    const char *id, *heading;
    bool fine;
    int64_t from_ns; /* of the plots, which end now */
    struct interval *intervals;
    size_t count;
};

bool range_read(const struct report *r, bool fine, struct range *out);

/* What a curve shows of an interval: the first ones per second, the last two as found at its end. */
enum curve {
    CURVE_REQUESTS,
    CURVE_RETRIES,
    CURVE_REJECTED,
    CURVE_WAITED,
    CURVE_UNHEALTHY,
    CURVE_OPEN
};
double range_value(const struct interval *i, enum curve c);
/* Of all that are drawn; at_ns is where it begins, and is left alone where it is 0. */
double range_highest(const struct range *g, enum curve c, int64_t *at_ns);

#endif
