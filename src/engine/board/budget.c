/* SPDX-License-Identifier: MIT */
#include "engine/board/budget.h"

#include "base/clock.h"
#include "base/compiler.h"

#define MILLI          1000
#define CAPACITY_MILLI ((uint64_t)BUDGET_CAPACITY * MILLI)
#define SPENT_BITS     17
#define SPENT_MASK     ((1ULL << SPENT_BITS) - 1)
#define MS_MAX         (UINT64_MAX >> SPENT_BITS)
/* Another thread may have read the clock later; a time further ahead is damage. */
#define SKEW_MS 60000

_Static_assert(CAPACITY_MILLI <= SPENT_MASK, "all of it can be spent");

struct account {
    uint64_t spent, ms;
};

/* At most the whole budget, so that the smallest percentages still allow a retry. */
static uint64_t cost_milli(int percent)
{
    uint64_t cost = 100 * MILLI / (uint64_t)percent;
    return cost < CAPACITY_MILLI ? cost : CAPACITY_MILLI;
}

static struct account account_unpack(uint64_t word)
{
    uint64_t spent = word & SPENT_MASK;
    return (struct account){.spent = spent < CAPACITY_MILLI ? spent : CAPACITY_MILLI,
                            .ms = word >> SPENT_BITS};
}

static uint64_t account_pack(struct account a)
{
    return a.spent ? a.spent | (a.ms < MS_MAX ? a.ms : MS_MAX) << SPENT_BITS : 0;
}

static uint64_t read_word(const struct budget *b)
{
    return atomic_load_explicit(&b->word, memory_order_relaxed);
}

static bool swap_word(struct budget *b, uint64_t *seen, uint64_t next)
{
    return atomic_compare_exchange_weak_explicit(&b->word, seen, next, memory_order_relaxed,
                                                 memory_order_relaxed);
}

/* With the tokens that time has returned. Less than a thousandth of a token stays in the time, so that
 * frequent calls do not lose it. */
static struct account account_at(uint64_t word, uint64_t fill_ms, int64_t now_ns)
{
    struct account a = account_unpack(word);
    uint64_t now_ms = now_ns > 0 ? (uint64_t)(now_ns / NS_PER_MS) : 0;
    if (!a.spent || (a.ms > now_ms && a.ms - now_ms > SKEW_MS))
        a.ms = now_ms;
    if (a.ms >= now_ms || !fill_ms)
        return a;
    if (now_ms - a.ms >= fill_ms)
        return (struct account){.ms = now_ms};
    uint64_t back = (now_ms - a.ms) * CAPACITY_MILLI / fill_ms;
    if (back >= a.spent)
        return (struct account){.ms = now_ms};
    a.spent -= back;
    a.ms += (back * fill_ms + CAPACITY_MILLI - 1) / CAPACITY_MILLI;
    return a;
}

uint64_t budget_fill_ms(int percent, int64_t reserve_ns)
{
    if (percent <= 0 || reserve_ns <= 0)
        return 0;
    unsigned __int128 ns = (unsigned __int128)reserve_ns * CAPACITY_MILLI / cost_milli(percent);
    ns = (ns + NS_PER_MS - 1) / NS_PER_MS;
    return ns < BUDGET_FILL_MAX_MS ? (uint64_t)ns : BUDGET_FILL_MAX_MS - 1;
}

bool budget_would_allow(const struct budget *b, int percent, int64_t reserve_ns, int64_t now_ns)
{
    return percent <= 0 ||
           account_at(read_word(b), budget_fill_ms(percent, reserve_ns), now_ns).spent +
                   cost_milli(percent) <=
               CAPACITY_MILLI;
}

bool budget_take(struct budget *b, int percent, int64_t reserve_ns, int64_t now_ns)
{
    if (percent <= 0)
        return true;
    uint64_t fill_ms = budget_fill_ms(percent, reserve_ns), raw = read_word(b);
    struct account a;
    do {
        a = account_at(raw, fill_ms, now_ns);
        a.spent += cost_milli(percent);
        if (a.spent > CAPACITY_MILLI)
            return false;
    } while (!swap_word(b, &raw, account_pack(a)));
    return true;
}

static void subtract_spent(struct budget *b, uint64_t amount)
{
    uint64_t raw = read_word(b);
    struct account a;
    do {
        if (likely(!raw))
            return;
        a = account_unpack(raw);
        a.spent -= amount < a.spent ? amount : a.spent;
    } while (!swap_word(b, &raw, account_pack(a)));
}

void budget_give_back(struct budget *b, int percent)
{
    if (percent > 0)
        subtract_spent(b, cost_milli(percent));
}

HOT void budget_success(struct budget *b)
{
    subtract_spent(b, MILLI);
}

double budget_available(const struct budget *b, uint64_t fill_ms, int64_t now_ns)
{
    return (double)(CAPACITY_MILLI - account_at(read_word(b), fill_ms, now_ns).spent) / MILLI;
}
