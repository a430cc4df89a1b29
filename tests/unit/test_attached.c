/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/process.h"
#include "cli/liveness.h"
#include "engine/board/attached.h"
#include "engine/engine.h"
#include "engine/publish/flush.h"
#include "engine/publish/monitor.h"
#include "scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/harden-test-XXXXXX";
static struct board *board;

static void make(void)
{
    mkdtemp(dir);
    setenv("HARDEN_CONFIG", "none", 1);
    setenv("HARDEN_STATE", dir, 1);
    setenv("HARDEN_LOG", "off", 1);
    board = engine_get()->board;
}

static void drop(void)
{
    scratch_remove(dir);
}

TestSuite(attached, .init = make, .fini = drop, .timeout = 60);

static int words(void)
{
    int n = 0;
    for (int i = 0; i < BOARD_ATTACHED; i++)
        n += attached_nth(board->header, i).pid != 0;
    return n;
}

static struct liveness life(void)
{
    return liveness_of(board, clock_now_ns());
}

Test(attached, a_process_is_attached_from_its_first_call_to_its_exit)
{
    cr_assert_eq(words(), 0, "opened, but no call yet");
    errno = EXDEV;
    monitor_start();
    cr_assert_eq(errno, EXDEV);
    cr_assert_eq(words(), 1);
    cr_assert_eq(life().running, 1u);
    flush_at_exit();
    cr_assert_eq(words(), 0);
    cr_assert_eq(life().running, 0u);
}

/* Starts a child that makes a call and then runs until it is killed. */
static pid_t child(bool calls, char **then)
{
    int ready[2];
    char c;
    pipe2(ready, O_CLOEXEC);
    pid_t pid = fork();
    if (!pid) {
        if (calls)
            monitor_start();
        if (then)
            execv(then[0], then);
        write(ready[1], "", 1);
        for (;;)
            pause();
    }
    close(ready[1]);
    (void)!read(ready[0], &c, 1); /* or end of file, after exec */
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

Test(attached, children_are_attached_if_they_make_a_call)
{
    pid_t one = child(true, NULL), two = child(true, NULL), idle = child(false, NULL);
    cr_assert_eq(life().running, 2u);
    end(one);
    cr_assert_eq(life().running, 1u, "a killed process leaves its word behind");
    cr_assert_eq(words(), 2);
    end(two);
    end(idle);
    cr_assert_eq(life().running, 0u);
}

Test(attached, a_process_is_not_attached_after_exec)
{
    char *argv[] = {"/bin/sleep", "60", NULL};
    pid_t pid = child(true, argv);
    cr_assert_eq(words(), 1);
    cr_assert_eq(life().running, 0u);
    end(pid);
}

Test(attached, words_of_dead_processes_are_reused)
{
    for (int i = 0; i < 40; i++)
        end(child(true, NULL));
    monitor_start();
    cr_assert_eq(life().running, 1u);
    /* Every word belongs to a process that has ended. */
    uint64_t word = atomic_load(&process_self()->attached);
    flush_at_exit();
    for (int i = 0; i < BOARD_ATTACHED; i++)
        atomic_store(&board->header->attached[i].who, (word & ~(uint64_t)UINT32_MAX) | 0x3ffffff0);
    attached_add(board->header, MODE_ENFORCE);
    cr_assert_eq(life().running, 1u);
}

Test(attached, words_of_other_pid_namespaces_are_left_alone)
{
    for (int i = 0; i < BOARD_ATTACHED; i++)
        atomic_store(&board->header->attached[i].who, 77ULL << 32 | 0x3ffffff0);
    monitor_start();
    cr_assert_eq(atomic_load(&process_self()->attached), 0u, "no word is free");
    monitor_update(clock_now_ns());
    cr_assert_eq(life().running, 0u);
    cr_assert(!life().never, "the time of the last update is recorded");
    flush_at_exit();
    cr_assert_eq(words(), BOARD_ATTACHED);
}

Test(attached, an_idle_program_is_not_stale)
{
    monitor_start();
    monitor_update(clock_now_ns());
    int64_t later_ns = clock_now_ns() + 3600 * NS_PER_S;
    cr_assert(!liveness_is_stale(liveness_of(board, later_ns)));
    flush_at_exit();
    cr_assert(liveness_is_stale(liveness_of(board, later_ns)));
}

Test(attached, damaged_words_do_no_harm)
{
    for (int i = 0; i < BOARD_ATTACHED; i++)
        atomic_store(&board->header->attached[i].who,
                     (uint64_t)attached_namespace() << 32 | (i % 2 ? UINT32_MAX : 0x80000000U));
    cr_assert_eq(life().running, 0u);
}

static struct attached own_entry(void)
{
    for (int i = 0; i < BOARD_ATTACHED; i++)
        if (attached_nth(board->header, i).pid == (uint32_t)getpid())
            return attached_nth(board->header, i);
    return (struct attached){0};
}

Test(attached, a_process_shows_its_version_and_its_present_mode)
{
    monitor_start();
    struct attached a = own_entry();
    cr_assert(a.known);
    cr_assert_eq(a.mode, MODE_ENFORCE);
    char version[48];
    snprintf(version, sizeof version, "%u.%u.%u", a.version[0], a.version[1], a.version[2]);
    cr_assert_eq(strncmp(version, HARDEN_VERSION, strlen(version)), 0, "%s", version);
    attached_set_mode(board->header, MODE_OFF);
    cr_assert_eq(own_entry().mode, MODE_OFF);
    cr_assert_eq(words(), 1);
}

Test(attached, what_another_process_has_left_in_the_place_is_not_known)
{
    monitor_start();
    for (int i = 0; i < BOARD_ATTACHED; i++)
        atomic_fetch_xor(&board->header->attached[i].what, 1);
    cr_assert(!own_entry().known);
}
