/* SPDX-License-Identifier: MIT */
#include "engine/policy/backoff.h"

#include "base/minmax.h"

/* Uniform in [lo, hi]. */
static int64_t between(int64_t lo, int64_t hi, uint64_t random)
{
    if (hi <= lo)
        return lo;
    unsigned __int128 span = (unsigned __int128)(uint64_t)(hi - lo) + 1;
    return lo + (int64_t)((span * random) >> 64);
}

/* min(max_delay, base * 2^(attempt - 1)), without ever leaving the range of the type. */
static int64_t ceiling_ns(int64_t base_ns, int64_t max_ns, int attempt)
{
    int64_t c = smaller(base_ns, max_ns);
    for (int i = 1; i < attempt && c > 0 && c < max_ns; i++)
        c = c > max_ns / 2 ? max_ns : 2 * c;
    return larger(c, 0);
}

int64_t backoff_delay_ns(const struct policy *p, int64_t base_ns, int attempt, int64_t previous_ns,
                         uint64_t random)
{
    int64_t c = ceiling_ns(base_ns, p->max_delay_ns, attempt);
    switch (p->jitter) {
    case JITTER_NONE:
        return c;
    case JITTER_EQUAL:
        return between(c / 2, c, random);
    case JITTER_DECORRELATED: {
        int64_t max = larger(p->max_delay_ns, 0);
        int64_t base = smaller(larger(base_ns, 0), max);
        int64_t previous = larger(previous_ns, base);
        int64_t high = previous > max / 3 ? max : 3 * previous;
        return between(base, high, random);
    }
    case JITTER_FULL:
    default:
        return between(0, c, random);
    }
}

int64_t backoff_after_hint_ns(int64_t hint_ns, uint64_t random)
{
    if (hint_ns <= 0)
        return 0;
    if (hint_ns > INT64_MAX / 2)
        return hint_ns;
    return between(hint_ns, hint_ns + hint_ns / 2, random);
}
