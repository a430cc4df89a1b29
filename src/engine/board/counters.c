/* SPDX-License-Identifier: MIT */
#include "engine/board/counters.h"

#include "engine/board/slot.h"

static uint64_t read_counter(const _Atomic uint64_t *from)
{
    return atomic_load_explicit(from, memory_order_relaxed);
}

void counters_read(const struct slot *s, uint64_t attempts, uint64_t count[COUNTERS_READ])
{
    for (int c = 0; c < FIRST_STRIPED; c++)
        count[c] = read_counter(&s->limit_count[c]);
    for (int c = FIRST_STRIPED; c < FIRST_SELDOM; c++) {
        count[c] = 0;
        for (int k = 0; k < STRIPES; k++)
            count[c] += read_counter(&s->stripe[k].count[c - FIRST_STRIPED]);
    }
    for (int c = FIRST_SELDOM; c < COUNTER_COUNT; c++)
        count[c] = read_counter(slot_counter_at((struct slot *)s, c));
    count[COUNT_ATTEMPTS] = attempts;
    count[COUNT_FAILED_ATTEMPTS] = read_counter(&s->failed_attempts);
}
