/* SPDX-License-Identifier: MIT */
#include "engine/board/gcra.h"

double gcra_available(int64_t tat_ns, int64_t now_ns, const struct rate *r)
{
    int64_t tat = gcra_clamp(tat_ns, now_ns);
    if (tat <= now_ns || r->interval_ns <= 0)
        return r->burst;
    double used = (double)(tat - now_ns) / (double)r->interval_ns;
    return used < r->burst ? r->burst - used : 0;
}
