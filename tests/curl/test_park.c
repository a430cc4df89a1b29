/* SPDX-License-Identifier: MIT */
#include "curl/multi/park.h"

#include <criterion/criterion.h>

enum { ITEMS = 200 };
static struct parked item[ITEMS];
static struct park park;

static void empty(void)
{
    park_free(&park);
}

TestSuite(park, .fini = empty);

Test(park, members_due_at_the_same_time_keep_their_order)
{
    cr_assert(park_reserve(&park, 3));
    for (int i = 0; i < 3; i++)
        park_put(&park, &item[i], 7);
    park_put(&park, &item[0], 7); /* added again */
    static const int order[] = {1, 2, 0};
    for (int i = 0; i < 3; i++) {
        cr_assert(park_first(&park) == &item[order[i]], "%d", i);
        park_take(&park, &item[order[i]]);
    }
    cr_assert_null(park_first(&park));
    park_take(&park, &item[0]); /* not a member: no effect */
    cr_assert_eq(park.count, 0u);
}

/* By comparing all members. */
static const struct parked *first_by_search(void)
{
    const struct parked *best = NULL;
    for (int i = 0; i < ITEMS; i++)
        if (item[i].place && (!best || item[i].due_ns < best->due_ns ||
                              (item[i].due_ns == best->due_ns && item[i].order < best->order)))
            best = &item[i];
    return best;
}

Test(park, the_first_member_is_right_after_any_additions_and_removals)
{
    uint64_t seed = 1;
    cr_assert(park_reserve(&park, ITEMS));
    for (int i = 0; i < 20000; i++) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        struct parked *x = &item[(seed >> 33) % ITEMS];
        if (seed >> 60 < 6)
            park_take(&park, x);
        else
            park_put(&park, x, (int64_t)(seed >> 40 & 63));
        cr_assert(park_first(&park) == first_by_search(), "step %d", i);
    }
}
