/* SPDX-License-Identifier: MIT
 *
 * Processes of two versions: others.c as a version with another layout has it removes the board while
 * this version opens and leaves it. */
#include "base/clock.h"
#include "engine/board/board.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#undef BOARD_LAYOUT
#define BOARD_LAYOUT     99999
#define others_layout    their_layout
#define others_touch     their_touch
#define others_tidy      their_tidy
#define others_tidy_path their_tidy_path
#include "engine/board/others.c"

#define SLOTS 16

static char dir[] = "/dev/shm/harden-test-XXXXXX";

static void make(void)
{
    mkdtemp(dir);
}

static void drop(void)
{
    scratch_remove(dir);
}

TestSuite(others_race, .init = make, .fini = drop, .timeout = 120);

static struct slot *host(struct board *b)
{
    return board_slot(b, 4711, "api.example.com", SLOT_HOST, 1000 * NS_PER_S);
}

/* What the one that opens first counts, the other one sees: both have the same file. Returns whether that
 * was so each time. */
static bool open_and_leave(int rounds)
{
    bool good = true;
    for (int i = 0; i < rounds && good; i++) {
        const char *why;
        struct board *first = board_open(dir, SLOTS, &why), *second = board_open(dir, SLOTS, &why);
        slot_count(host(first), COUNT_REQUESTS, 1);
        uint64_t seen = slot_counter(host(second), COUNT_REQUESTS);
        good = first->shared && second->shared && seen;
        board_close(first);
        board_close(second);
    }
    return good;
}

static void race(int processes, int rounds)
{
    pid_t remover = fork();
    while (!remover)
        their_tidy_path(dir, 0);
    for (int i = 0; i < processes; i++)
        if (!fork())
            _exit(!open_and_leave(rounds));
    for (int i = 0, status; i < processes; i++) {
        wait(&status);
        cr_expect_eq(status, 0);
    }
    kill(remover, SIGKILL);
    waitpid(remover, NULL, 0);
}

Test(others_race, a_board_is_not_removed_while_a_process_opens_it)
{
    race(1, 5000);
}

Test(others_race, a_board_is_not_removed_while_it_changes_users)
{
    race(4, 300);
}
