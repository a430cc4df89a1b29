/* SPDX-License-Identifier: MIT */
#include "base/sort.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static long comparisons;

static bool is_less(const void *a, const void *b)
{
    comparisons++;
    return *(const uint64_t *)a < *(const uint64_t *)b;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

TestSuite(sort);

Test(sort, every_small_array_is_sorted)
{
    uint64_t items[64], expected[64], random = 7;
    for (size_t n = 0; n <= 64; n++)
        for (int round = 0; round < 50; round++) {
            for (size_t i = 0; i < n; i++)
                items[i] = expected[i] =
                    (random = random * 6364136223846793005u + 1) >> (round + 8);
            sort_array(items, n, sizeof(*items), is_less);
            qsort(expected, n, sizeof(*expected), compare);
            cr_assert_eq(memcmp(items, expected, n * sizeof(*items)), 0, "%zu items", n);
        }
}

Test(sort, no_order_takes_more_than_n_log_n_comparisons)
{
    enum { COUNT = 1 << 14 };
    static uint64_t items[COUNT];
    for (int descending = 0; descending < 2; descending++) {
        for (uint64_t i = 0; i < COUNT; i++)
            items[i] = descending ? COUNT - i : i;
        comparisons = 0;
        sort_array(items, COUNT, sizeof(*items), is_less);
        cr_assert_lt(comparisons, 3L * COUNT * 14);
        for (size_t i = 1; i < COUNT; i++)
            cr_assert_leq(items[i - 1], items[i]);
    }
}
