/* SPDX-License-Identifier: MIT */
#include "engine/board/status.h"

#include <criterion/criterion.h>
#include <pthread.h>

static struct slot slot;
static enum health_status now;

static bool result(bool success)
{
    return status_result(&slot, success, 3, 2, 1000, &now);
}

Test(status, stays_healthy_until_enough_failures_in_a_row)
{
    cr_assert(!result(false));
    cr_assert(!result(false));
    cr_assert(!result(true));
    cr_assert(!result(false));
    cr_assert(!result(false));
    cr_assert_eq(status_of(&slot), STATUS_HEALTHY);
    cr_assert_eq(status_failures_in_row(&slot), 2u);
    cr_assert(result(false));
    cr_assert_eq(now, STATUS_UNHEALTHY);
    cr_assert_eq(status_of(&slot), STATUS_UNHEALTHY);
    cr_assert(!result(false));
    cr_assert_eq(status_failures_in_row(&slot), 4u);
}

Test(status, is_degraded_between_the_first_success_and_healthy_after)
{
    for (int i = 0; i < 3; i++)
        result(false);
    cr_assert(result(true));
    cr_assert_eq(now, STATUS_DEGRADED);
    cr_assert_eq(status_failures_in_row(&slot), 0u);
    cr_assert(result(true));
    cr_assert_eq(now, STATUS_HEALTHY);
}

Test(status, of_a_recovering_host_falls_back_with_one_failure)
{
    for (int i = 0; i < 3; i++)
        result(false);
    result(true);
    cr_assert(result(false));
    cr_assert_eq(now, STATUS_UNHEALTHY);
    cr_assert(result(true));
    cr_assert(result(true), "successes count from zero again");
}

Test(status, records_since_when_a_status_is_valid)
{
    status_result(&slot, true, 1, 1, 1000, &now);
    cr_assert_eq(slot.status_since_ms, 1000);
    status_result(&slot, true, 1, 1, 2000, &now);
    cr_assert_eq(slot.status_since_ms, 1000);
    status_result(&slot, false, 1, 1, 3000, &now);
    cr_assert_eq(slot.status_since_ms, 3000);
    status_result(&slot, false, 1, 1, 4000, &now);
    cr_assert_eq(slot.status_since_ms, 3000);
}

Test(status, takes_thresholds_below_one_as_one)
{
    cr_assert(status_result(&slot, false, 0, 0, 1, &now));
    cr_assert(status_result(&slot, true, 0, 0, 1, &now));
    cr_assert_eq(now, STATUS_HEALTHY);
}

static void *fail_often(void *arg)
{
    enum health_status ignored;
    (void)arg;
    for (int i = 0; i < 10000; i++)
        status_result(&slot, false, 3, 1, 1, &ignored);
    return NULL;
}

Test(status, counts_every_failure_of_racing_threads)
{
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, fail_often, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    cr_assert_eq(status_failures_in_row(&slot), 40000u);
}
