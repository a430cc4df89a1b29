/* SPDX-License-Identifier: MIT
 *
 * Computes the increase of each sum between the samples of the history (engine/board/history.h),
 * and finds gaps.
 *
 *     n = series_of(samples, count, usual_ns, rough_ns, out);    at most count - 1
 *     out[i].counted[SUM_REQUESTS] in (out[i].from_ns, out[i].to_ns]
 *
 * Only running programs take samples. If two samples are further apart than usual and nothing was
 * counted between them, nothing ran: a gap. If something was counted, for instance by a job that
 * ran briefly, only the average is known: the interval is rough, or, if it is too long for a useful
 * average, a gap as well. A sum that decreased was reset. No side effects. */
#ifndef CLI_REPORT_SERIES_H
#define CLI_REPORT_SERIES_H

#include "engine/board/history.h"

#include <stddef.h>
#include <stdint.h>

enum interval_kind {
    INTERVAL_KNOWN,
    INTERVAL_ROUGH,  /* only the average is known */
    INTERVAL_SILENT, /* this and the following are gaps: nothing counted */
    INTERVAL_LONG,   /* counted, but too long to draw an average */
    INTERVAL_RESET,  /* counted[] is invalid */
};

struct interval {
    int64_t from_ns, to_ns;
    enum interval_kind kind;
    uint64_t counted[SUM_UNHEALTHY]; /* increase of each sum that only grows */
    uint64_t unhealthy, open;        /* state at to_ns */
};

/* usual_ns: distance of samples while a program runs; rough_ns: largest distance for which an
 * average is useful. out has room for count - 1. */
size_t series_of(const struct history_sample *sample, size_t count, int64_t usual_ns,
                 int64_t rough_ns, struct interval *out);

static inline int interval_is_gap(const struct interval *i)
{
    return i->kind >= INTERVAL_SILENT;
}
static inline double interval_s(const struct interval *i)
{
    return (double)(i->to_ns - i->from_ns) / 1e9;
}

#endif
