/* SPDX-License-Identifier: MIT */
#include "cli/report/range.h"

#include "base/clock.h"
#include "engine/publish/sample.h"

#include <stdlib.h>

#define FINE_NS     (3600 * NS_PER_S)
#define COARSE_NS   (2 * 86400 * NS_PER_S)
#define SHORTEST_NS (120 * NS_PER_S)
/* Up to these times without samples, an average is drawn: a job that runs every five minutes, or,
 * in the range of two days, every hour. */
#define FINE_ROUGH_NS   (330 * NS_PER_S)
#define COARSE_ROUGH_NS (3900 * NS_PER_S)
/* No present sample is added if the last one is younger than this. */
#define PRESENT_NS (HISTORY_STEP_NS / 2)

/* Appends the current sums as a sample, without writing it to the board. */
static bool add_present(const struct report *r, struct history_sample *samples, size_t *n)
{
    if (*n && r->now_ns - samples[*n - 1].at_ns < PRESENT_NS)
        return true;
    struct history *own = calloc(1, sizeof *own);
    struct history_sample *one = calloc(HISTORY_FINE, sizeof *one);
    bool room = own && one;
    if (room) {
        sample_take(own, r->board, r->now_ns);
        if (history_samples(own, true, one) == 1)
            samples[(*n)++] = one[0];
    }
    free(own);
    free(one);
    return room;
}

static struct range range_of(bool fine)
{
    return fine ? (struct range){.id = "hour", .heading = "The last hour", .fine = true}
                : (struct range){.id = "days", .heading = "The last two days"};
}

/* The usual distance of samples while a program runs. */
static int64_t usual_ns(const struct report *r, bool fine)
{
    int64_t interval_ns = atomic_load(&r->board->header->alive_interval_ns);
    int64_t step_ns = fine ? HISTORY_STEP_NS : HISTORY_LONG_NS;
    if (interval_ns > FINE_NS)
        interval_ns = FINE_NS;
    return interval_ns > step_ns ? interval_ns : step_ns;
}

bool range_read(const struct report *r, bool fine, struct range *range)
{
    *range = range_of(fine);
    int64_t begin_ns = r->now_ns - (fine ? FINE_NS : COARSE_NS);
    size_t room = fine ? HISTORY_FINE : HISTORY_COARSE, n = 0;
    struct history_sample *samples = calloc(room + 1, sizeof *samples);
    range->intervals = calloc(room + 1, sizeof *range->intervals);
    bool good = samples && range->intervals;
    range->from_ns = r->now_ns - SHORTEST_NS;
    if (good) {
        size_t all = history_samples(r->board->history, fine, samples);
        for (size_t i = 0; i < all; i++)
            if (samples[i].at_ns <= r->now_ns && samples[i].at_ns > begin_ns)
                samples[n++] = samples[i];
        good = n == 0 || add_present(r, samples, &n);
        range->count = series_of(samples, n, usual_ns(r, fine),
                                 fine ? FINE_ROUGH_NS : COARSE_ROUGH_NS, range->intervals);
        if (range->count && range->intervals[0].from_ns < range->from_ns)
            range->from_ns = range->intervals[0].from_ns;
    }
    free(samples);
    return good;
}

double range_value(const struct interval *i, enum curve c)
{
    static const enum history_sum sums[] = {SUM_REQUESTS, SUM_RETRIES, SUM_REJECTED, SUM_WAITED_MS};
    if (c == CURVE_UNHEALTHY)
        return (double)i->unhealthy;
    if (c == CURVE_OPEN)
        return (double)i->open;
    return (double)i->counted[sums[c]] / interval_s(i) / (c == CURVE_WAITED ? 1000 : 1);
}

double range_highest(const struct range *g, enum curve c, int64_t *at_ns)
{
    double max = 0;
    for (size_t i = 0; i < g->count; i++)
        if (!interval_is_gap(&g->intervals[i]) && range_value(&g->intervals[i], c) > max) {
            max = range_value(&g->intervals[i], c);
            *at_ns = g->intervals[i].from_ns;
        }
    return max;
}
