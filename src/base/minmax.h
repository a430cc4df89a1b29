/* SPDX-License-Identifier: MIT
 *
 * The smaller and the larger of two times or durations, and a sum that cannot overflow. */
#ifndef BASE_MINMAX_H
#define BASE_MINMAX_H

#include <stdint.h>

static inline int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* t + d, for d >= 0; INT64_MAX ("never") if that is out of range. */
static inline int64_t later_by(int64_t t, int64_t d)
{
    int64_t sum;
    return __builtin_add_overflow(t, d, &sum) ? INT64_MAX : sum;
}

#endif
