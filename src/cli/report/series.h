/* SPDX-License-Identifier: MIT
 *
 * What happened between the samples of the history (engine/board/history.h): differences of sums, and where
 * there is none.
 *
 *     n = series_of(samples, count, usual_ns, rough_ns, out);    at most count - 1
 *     out[i].counted[SUM_REQUESTS] in (out[i].from_ns, out[i].to_ns]
 *
 * Samples are as far apart as programs run. Where nothing was counted for longer than usual, nothing
 * ran: that is a gap. Where something was, a job that comes and goes for instance, the average over
 * that time is all that is known: it is rough, or, over a very long time, no average worth drawing,
 * and a gap too. A sum that became smaller was reset. Pure. */
#ifndef CLI_REPORT_SERIES_H
#define CLI_REPORT_SERIES_H

#include "engine/board/history.h"

#include <stddef.h>
#include <stdint.h>

enum interval_kind {
    INTERVAL_KNOWN,
    INTERVAL_ROUGH,
    INTERVAL_SILENT, /* gaps, from here on */
    INTERVAL_LONG,
    INTERVAL_RESET, /* counted[] is nothing */
};

struct interval {
    int64_t from_ns, to_ns;
    enum interval_kind kind;
    uint64_t counted[SUM_UNHEALTHY]; /* the sums; those of a moment are not */
    uint64_t unhealthy, open;        /* as found at to_ns */
};

/* usual_ns: how far apart samples are while a program runs; rough_ns: how far apart they may be for an
 * average to say something. */
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
