/* SPDX-License-Identifier: MIT */
#include "engine/board/holder.h"

#include "scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not /tmp, which may be an overlay: no mapping keeps a lock there. */
static char dir[] = "/dev/shm/harden-test-XXXXXX";
static struct board *board;

static void make(void)
{
    mkdtemp(dir);
    board = board_open(dir, 16, NULL);
}

static void drop(void)
{
    board_close(board);
    scratch_remove(dir);
}

TestSuite(holder, .init = make, .fini = drop, .timeout = 60);

static bool is_alive(const struct board *b, uint64_t id)
{
    struct holder_check k;
    holder_check_begin(&k, b);
    bool alive = holder_is_alive(&k, id);
    holder_check_end(&k);
    return alive;
}

struct child {
    pid_t pid;
    uint64_t id;
};

/* A child that tells its identity and then does as told: 'e': executes a program that stays; else waits. */
static struct child start(struct board *b, char then)
{
    int fd[2];
    struct child c = {0};
    cr_assert(zero(int, pipe(fd)));
    if (!(c.pid = fork())) {
        uint64_t id = holder_own(b);
        if (write(fd[1], &id, sizeof id) != sizeof id)
            _exit(1);
        close(fd[1]);
        if (then == 'e')
            execl("/bin/sleep", "sleep", "30", (char *)NULL);
        alarm(30); /* if the test fails */
        for (;;)
            pause();
    }
    close(fd[1]);
    cr_assert(eq(sz, (size_t)read(fd[0], &c.id, sizeof c.id), sizeof c.id));
    close(fd[0]);
    return c;
}

static void kill_child(const struct child *c)
{
    kill(c->pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT); /* still a zombie */
}

/* The kernel drops the lock of a process that has just ended. */
static bool dies_soon(const struct board *b, uint64_t id)
{
    for (int i = 0; i < 1000 && is_alive(b, id); i++)
        usleep(1000);
    return !is_alive(b, id);
}

Test(holder, a_process_has_one_identity_for_as_long_as_it_lives)
{
    errno = EXDEV;
    uint64_t id = holder_own(board);
    cr_assert(id != 0 && id < 1ULL << HOLDER_BITS);
    cr_assert(eq(u64, id & HOLDER_LOCKED, HOLDER_LOCKED));
    cr_assert(eq(u64, holder_own(board), id));
    cr_assert(holder_is_own(id));
    cr_assert(is_alive(board, id));
    cr_assert(eq(int, errno, EXDEV));
}

Test(holder, the_child_of_a_fork_is_another_one_and_does_not_outlive_itself)
{
    uint64_t own = holder_own(board);
    struct child c = start(board, 'w');
    cr_assert(c.id != own);
    cr_assert(not(holder_is_own(c.id)));
    cr_assert(is_alive(board, c.id));
    kill_child(&c);
    cr_assert(dies_soon(board, c.id));
    cr_assert(is_alive(board, own));
}

Test(holder, dies_with_its_process_though_a_child_of_it_lives_on)
{
    int fd[2];
    uint64_t id;
    cr_assert(zero(int, pipe(fd)));
    pid_t pid = fork(), grandchild = 0;
    if (!pid) {
        id = holder_own(board);
        if (!(grandchild = fork()))
            for (;;)
                pause();
        if (write(fd[1], &id, sizeof id) < 0 || write(fd[1], &grandchild, sizeof grandchild) < 0)
            _exit(1);
        for (;;)
            pause();
    }
    cr_assert(read(fd[0], &id, sizeof id) > 0 && read(fd[0], &grandchild, sizeof grandchild) > 0);
    cr_assert(is_alive(board, id));
    kill(pid, SIGKILL);
    bool dies = dies_soon(board, id);
    kill(grandchild, SIGKILL);
    cr_assert(dies);
}

Test(holder, dies_when_its_process_executes_another_program)
{
    struct child c = start(board, 'e');
    bool dies = dies_soon(board, c.id);
    kill(c.pid, SIGKILL);
    cr_assert(dies);
}

Test(holder, without_a_file_its_process_is_told_by_pid_and_start)
{
    struct board *private = board_open(NULL, 4, NULL);
    uint64_t id = holder_own(private);
    cr_assert(zero(u64, id & HOLDER_LOCKED));
    cr_assert(is_alive(private, id));
    struct child c = start(private, 'w');
    cr_assert(c.id != id);
    cr_assert(is_alive(private, c.id));
    cr_assert(not(is_alive(private, c.id ^ (1ULL << 22))),
              "the pid of a process that started later");
    kill_child(&c);
    cr_assert(dies_soon(private, c.id), "a zombie holds nothing");
    waitpid(c.pid, NULL, 0);
    cr_assert(not(is_alive(private, c.id)));
    board_close(private);
}

Test(holder, keeps_what_it_holds_on_a_board_that_was_replaced)
{
    uint64_t first = holder_own(board);
    struct board *second = board_open(NULL, 4, NULL);
    uint64_t other = holder_own(second);
    cr_assert(other != first);
    cr_assert(holder_is_own(first) && holder_is_own(other));
    board_close(second);
}

Test(holder, has_one_identity_for_each_board_however_often_it_changes_between_them)
{
    struct board *second = board_open(NULL, 4, NULL);
    uint64_t first = holder_own(board), other = holder_own(second);
    const struct holder *last = process_self()->holder;
    for (int i = 0; i < 100; i++) {
        cr_assert(eq(u64, holder_own(board), first));
        cr_assert(eq(u64, holder_own(second), other));
    }
    cr_assert(process_self()->holder == last, "no further one was made");
    board_close(second);
}

Test(holder, of_a_file_that_is_gone_counts_as_alive)
{
    struct child c = start(board, 'w');
    char path[64], away[64];
    snprintf(path, sizeof path, "%s/" BOARD_NAME, dir);
    snprintf(away, sizeof away, "%s/away", dir);
    cr_assert(zero(int, rename(path, away)));
    cr_assert(is_alive(board, c.id));
    kill_child(&c);
    waitpid(c.pid, NULL, 0);
    cr_assert(is_alive(board, c.id), "it is not known");
    rename(away, path);
    cr_assert(not(is_alive(board, c.id)));
}

static void *ask(void *result)
{
    *(uint64_t *)result = holder_own(board);
    return NULL;
}

Test(holder, is_the_same_for_threads_that_ask_at_the_same_time)
{
    pthread_t thread[8];
    uint64_t id[8];
    for (int i = 0; i < 8; i++)
        pthread_create(&thread[i], NULL, ask, &id[i]);
    for (int i = 0; i < 8; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < 8; i++)
        cr_assert(eq(u64, id[i], holder_own(board)));
    cr_assert(is_alive(board, id[0]));
}
