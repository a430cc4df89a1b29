/* SPDX-License-Identifier: MIT */
#include "engine/budget.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(budget, allows_twenty_retries_at_twenty_percent_and_then_none)
{
    struct budget b = {0};
    for (int i = 0; i < 20; i++) {
        cr_assert(budget_would_allow(&b, 20, false));
        cr_assert(budget_take(&b, 20, false));
    }
    cr_assert(not(budget_would_allow(&b, 20, false)));
    cr_assert(not(budget_take(&b, 20, false)));
    cr_assert(epsilon_eq(dbl, budget_available(&b), 0.0, 1e-9));
}

Test(budget, five_successes_pay_for_one_retry)
{
    struct budget b = {0};
    while (budget_take(&b, 20, false))
        ;
    for (int i = 0; i < 4; i++)
        budget_success(&b);
    cr_assert(not(budget_take(&b, 20, false)));
    budget_success(&b);
    cr_assert(budget_take(&b, 20, false));
    cr_assert(not(budget_take(&b, 20, false)));
}

Test(budget, a_retry_after_a_timeout_costs_twice)
{
    struct budget b = {0};
    for (int i = 0; i < 10; i++)
        cr_assert(budget_take(&b, 20, true));
    cr_assert(not(budget_take(&b, 20, true)));
    cr_assert(not(budget_take(&b, 20, false)));
}

Test(budget, what_is_given_back_can_be_taken_again_and_never_exceeds_the_capacity)
{
    struct budget b = {0};
    cr_assert(budget_take(&b, 50, true));
    cr_assert(epsilon_eq(dbl, budget_available(&b), 96.0, 1e-9));
    budget_give_back(&b, 50, true);
    budget_give_back(&b, 50, true);
    budget_success(&b);
    cr_assert(epsilon_eq(dbl, budget_available(&b), BUDGET_CAPACITY, 1e-9));
}

Test(budget, zero_percent_means_unlimited)
{
    struct budget b = {0};
    for (int i = 0; i < 10000; i++)
        cr_assert(budget_take(&b, 0, true));
    cr_assert(eq(u64, b.spent_milli, 0));
}

Test(budget, the_smallest_share_still_allows_one_retry)
{
    struct budget b = {0};
    cr_assert(budget_take(&b, 1, true));
    cr_assert(not(budget_take(&b, 1, false)));
}

Test(budget, a_corrupted_word_is_an_empty_budget_that_recovers)
{
    struct budget b = {.spent_milli = UINT64_MAX};
    cr_assert(epsilon_eq(dbl, budget_available(&b), 0.0, 1e-9));
    cr_assert(not(budget_would_allow(&b, 20, false)));
    cr_assert(not(budget_take(&b, 20, false)));
    for (int i = 0; i < 5; i++)
        budget_success(&b);
    cr_assert(epsilon_eq(dbl, budget_available(&b), 5.0, 1e-9));
    cr_assert(budget_take(&b, 20, false));
}
