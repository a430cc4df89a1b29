/* SPDX-License-Identifier: MIT */
#include "base/lookup_failures.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

Test(unfound, the_error_of_a_name_is_found_whatever_its_case)
{
    lookup_failure_note("Db.Example.", EAI_NONAME, 100);
    cr_assert(eq(int, lookup_failure_error("db.EXAMPLE", 100), EAI_NONAME));
    cr_assert(eq(int, lookup_failure_error("db.example", 50), EAI_NONAME));
    cr_assert(eq(int, lookup_failure_error("db.example", 101), 0),
              "recorded before the attempt began");
    cr_assert(eq(int, lookup_failure_error("other.example", 0), 0));
}

Test(unfound, the_newest_error_counts_but_a_temporary_one_takes_precedence)
{
    lookup_failure_note("db.example", EAI_NONAME, 100);
    lookup_failure_note("db.example", EAI_FAIL, 110);
    cr_assert(eq(int, lookup_failure_error("db.example", 100), EAI_FAIL));
    lookup_failure_note("db.example", EAI_AGAIN, 120);
    lookup_failure_note("db.example", EAI_NONAME, 130);
    cr_assert(eq(int, lookup_failure_error("db.example", 120), EAI_AGAIN));
    cr_assert(eq(int, lookup_failure_error("db.example", 121), EAI_NONAME));
}

Test(unfound, an_empty_name_is_not_stored)
{
    lookup_failure_note(NULL, EAI_NONAME, 1);
    lookup_failure_note("", EAI_NONAME, 1);
    cr_assert(eq(int, lookup_failure_error(NULL, 0), 0));
    cr_assert(eq(int, lookup_failure_error("", 0), 0));
}

Test(unfound, names_that_are_too_long_to_exist_are_found_too)
{
    for (size_t n = 250; n < 2000; n += n < 260 ? 1 : 100) {
        char name[2001];
        memset(name, 'a', n);
        name[n] = '\0';
        lookup_failure_note(name, EAI_NONAME, (int64_t)n);
        cr_assert(eq(int, lookup_failure_error(name, (int64_t)n), EAI_NONAME), "%zu", n);
    }
}

/* A name that was evicted is unknown; it never has the error of another name. */
static void *note_many(void *answer)
{
    char name[32];
    for (int i = 1; i <= 20000; i++) {
        snprintf(name, sizeof name, "%s-%d.example", (const char *)answer, i % 500);
        lookup_failure_note(name, *(const char *)answer == 'a' ? EAI_AGAIN : EAI_NONAME, i);
    }
    return NULL;
}

Test(unfound, with_more_names_than_entries_no_error_is_returned_for_the_wrong_name)
{
    static char again[] = "again", none[] = "none";
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, note_many, again);
    pthread_create(&threads[1], NULL, note_many, none);
    int known = 0;
    char name[32];
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "none-%d.example", i % 500);
        int why = lookup_failure_error(name, 1);
        cr_assert(why == 0 || why == EAI_NONAME, "%s %d", name, why);
        known += why != 0;
    }
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    snprintf(name, sizeof name, "none-%d.example", 0);
    lookup_failure_note(name, EAI_NONAME, 30000);
    cr_assert(eq(int, lookup_failure_error(name, 30000), EAI_NONAME), "after %d look-ups", known);
}
