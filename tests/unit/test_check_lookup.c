/* SPDX-License-Identifier: MIT
 *
 * Look-ups for checks, through a getaddrinfo() defined here: "slow" never returns, all other
 * names return at once. */
#include "base/clock.h"
#include "engine/check/lookup.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **list)
{
    (void)service;
    (void)list;
    while (strcmp(node, "slow") == 0 && !(hints->ai_flags & AI_NUMERICHOST))
        pause();
    return EAI_NONAME;
}

/* ThreadSanitizer does not allow threads in the child of a fork. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

static int look_up(const char *name, int64_t within_ns)
{
    struct addrinfo *list = NULL;
    return check_lookup(name, "", clock_now_ns() + within_ns, &list);
}

Test(check_lookup, waits_no_longer_than_its_timeout_and_runs_at_most_four_at_once)
{
    cr_assert_eq(look_up("quick", 10 * NS_PER_S), EAI_NONAME);
    for (int i = 0; i < CHECK_LOOKUPS_MAX; i++)
        cr_assert_eq(look_up("slow", 10 * NS_PER_MS), CHECK_LOOKUP_TIMEOUT);
    cr_assert_eq(look_up("quick", 10 * NS_PER_MS), CHECK_LOOKUP_TIMEOUT);
}

Test(check_lookup, in_the_child_of_a_fork_does_not_wait_for_the_parents_lookups)
{
    for (int i = 0; i < CHECK_LOOKUPS_MAX; i++)
        look_up("slow", 10 * NS_PER_MS);
    pid_t child = fork();
    if (!child)
        _exit(look_up("quick", 10 * NS_PER_S) == EAI_NONAME ? 0 : 1);
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0, "a target must not fail because of the parent");
}
