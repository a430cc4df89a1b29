/* SPDX-License-Identifier: MIT */
#include "engine/budget.h"

#include "base/compiler.h"

#define MILLI          1000
#define CAPACITY_MILLI ((uint64_t)BUDGET_CAPACITY * MILLI)

/* Never more than the whole budget, or the smallest percentages would forbid what they ration. */
static uint64_t cost_milli(int percent, bool after_timeout)
{
    uint64_t cost = 100 * MILLI / (uint64_t)percent * (after_timeout ? 2 : 1);
    return cost < CAPACITY_MILLI ? cost : CAPACITY_MILLI;
}

static uint64_t clamp_milli(uint64_t spent)
{
    return spent < CAPACITY_MILLI ? spent : CAPACITY_MILLI;
}

static uint64_t spent_now(const struct budget *b)
{
    return clamp_milli(atomic_load_explicit(&b->spent_milli, memory_order_relaxed));
}

bool budget_would_allow(const struct budget *b, int percent, bool after_timeout)
{
    return percent <= 0 || spent_now(b) + cost_milli(percent, after_timeout) <= CAPACITY_MILLI;
}

bool budget_take(struct budget *b, int percent, bool after_timeout)
{
    if (percent <= 0)
        return true;
    uint64_t cost = cost_milli(percent, after_timeout);
    uint64_t raw = atomic_load_explicit(&b->spent_milli, memory_order_relaxed);
    uint64_t next;
    do {
        next = clamp_milli(raw) + cost;
        if (next > CAPACITY_MILLI)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&b->spent_milli, &raw, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static void give_back(struct budget *b, uint64_t amount)
{
    uint64_t raw = atomic_load_explicit(&b->spent_milli, memory_order_relaxed);
    uint64_t next;
    do {
        if (!raw)
            return;
        uint64_t spent = clamp_milli(raw);
        next = spent > amount ? spent - amount : 0;
    } while (!atomic_compare_exchange_weak_explicit(&b->spent_milli, &raw, next,
                                                    memory_order_relaxed, memory_order_relaxed));
}

void budget_give_back(struct budget *b, int percent, bool after_timeout)
{
    if (percent > 0)
        give_back(b, cost_milli(percent, after_timeout));
}

HOT void budget_success(struct budget *b)
{
    give_back(b, MILLI);
}

double budget_available(const struct budget *b)
{
    return (double)(CAPACITY_MILLI - spent_now(b)) / MILLI;
}
