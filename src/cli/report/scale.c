/* SPDX-License-Identifier: MIT */
#include "cli/report/scale.h"

#include "base/clock.h"
#include "base/compiler.h"

#include <math.h>

#define MINUTE_NS (60 * NS_PER_S)
#define HOUR_NS   (60 * MINUTE_NS)
#define DAY_NS    (24 * HOUR_NS)

struct scale scale_value(double max, int steps, bool whole)
{
    static const double nice[] = {1, 2, 5, 10};
    double at_least = max / steps;
    if (!(max > 0) || isinf(max))
        return (struct scale){.top = 1, .step = 1};
    double power = scale_decade_below(at_least), step = power;
    for (size_t i = 0; i < array_size(nice); i++) {
        step = nice[i] * power;
        if (step >= at_least * (1 - 1e-9))
            break;
    }
    if (whole && step < 1)
        step = 1;
    double count = ceil(max / step * (1 - 1e-9));
    return (struct scale){.top = step * (count > 1 ? count : 1), .step = step};
}

int64_t scale_time_step(int64_t span_ns, int steps)
{
    static const int64_t usual_ns[] = {
        NS_PER_S,  2 * NS_PER_S,  5 * NS_PER_S,  10 * NS_PER_S,  15 * NS_PER_S,  30 * NS_PER_S,
        MINUTE_NS, 2 * MINUTE_NS, 5 * MINUTE_NS, 10 * MINUTE_NS, 15 * MINUTE_NS, 30 * MINUTE_NS,
        HOUR_NS,   2 * HOUR_NS,   3 * HOUR_NS,   6 * HOUR_NS,    12 * HOUR_NS};
    for (size_t i = 0; i < array_size(usual_ns); i++)
        if (span_ns / usual_ns[i] <= steps)
            return usual_ns[i];
    int64_t days = span_ns / DAY_NS / steps + 1;
    return days * DAY_NS;
}

double scale_log(double v, double low, double high)
{
    if (!(v > low))
        return 0;
    return v >= high ? 1 : log(v / low) / log(high / low);
}

double scale_decade_below(double v)
{
    return pow(10, floor(log10(v) + 1e-9));
}

double scale_decade_above(double v)
{
    return pow(10, ceil(log10(v) - 1e-9));
}
