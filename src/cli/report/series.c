/* SPDX-License-Identifier: MIT */
#include "cli/report/series.h"

#include <stdbool.h>

/* Longer than 3.5 times the usual distance is late. */
#define LATE_TENTHS 35

static enum interval_kind classify_interval(const struct interval *i, bool reset, int64_t usual_ns,
                                            int64_t rough_ns)
{
    bool counted = false;
    if (reset)
        return INTERVAL_RESET;
    for (int k = 0; k < SUM_UNHEALTHY; k++)
        counted |= i->counted[k] > 0;
    int64_t span_ns = i->to_ns - i->from_ns;
    if (span_ns / LATE_TENTHS <= usual_ns / 10)
        return INTERVAL_KNOWN;
    if (!counted)
        return INTERVAL_SILENT;
    return span_ns <= rough_ns ? INTERVAL_ROUGH : INTERVAL_LONG;
}

size_t series_of(const struct history_sample *sample, size_t count, int64_t usual_ns,
                 int64_t rough_ns, struct interval *out)
{
    size_t n = 0, last = 0;
    for (size_t i = 1; i < count; i++) {
        const struct history_sample *a = &sample[last], *b = &sample[i];
        struct interval *o = &out[n];
        bool reset = false;
        if (b->at_ns <= a->at_ns) { /* two writers at once, or damage */
            last = n ? last : i;    /* do not count anything twice */
            continue;
        }
        last = i;
        *o = (struct interval){.from_ns = a->at_ns,
                               .to_ns = b->at_ns,
                               .unhealthy = b->sum[SUM_UNHEALTHY],
                               .open = b->sum[SUM_OPEN]};
        for (int k = 0; k < SUM_UNHEALTHY; k++) {
            reset |= b->sum[k] < a->sum[k];
            o->counted[k] = b->sum[k] - a->sum[k];
        }
        o->kind = classify_interval(o, reset, usual_ns, rough_ns);
        n++;
    }
    return n;
}
