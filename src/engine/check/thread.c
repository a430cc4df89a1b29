/* SPDX-License-Identifier: MIT */
#include "engine/check/thread.h"

#include "base/clock.h"
#include "base/env.h"
#include "base/log.h"
#include "base/open.h"
#include "base/process.h"
#include "base/thread.h"
#include "engine/check/fork_guard.h"
#include "engine/check/run.h"
#include "engine/check/thread_mark.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct config *_Atomic seen_config; /* by check_thread_tend */

static const struct config *config_now(const struct engine *e)
{
    const struct config *c = atomic_load(&e->config);
    return c->check_count && config_covers(c, env_program()) ? c : NULL;
}

static void *run_checks(void *arg)
{
    struct engine *e = arg;
    struct process *p = process_self();
    struct check_runner runner = {.board = e->board,
                                  .now_ns = clock_now_ns,
                                  .wall_ns = clock_wall_ns,
                                  .closing = check_is_ending};
    const struct config *was = NULL;

    check_name_own_thread();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    atomic_store(&p->check_task, (uint32_t)syscall(SYS_gettid));
    log_own_descriptors();
    while (!atomic_load(&p->stop)) {
        int64_t next_ns = INT64_MAX;
        uint32_t wake = atomic_load(&p->check_wake);
        const struct config *now = config_now(e);
        runner.board = e->board;
        if (!check_is_ending()) {
            if (now != was)
                check_give_up(&runner, was, now);
            was = now;
            if (now)
                next_ns = check_round(&runner, now);
        }
        process_wait(&p->check_wake, wake, next_ns);
    }
    return NULL;
}

/* In an empty table a connection would get the number 2, and what a library writes to standard error
 * would go into it. */
static void fill_standard_descriptors(void)
{
    int fd;
    while ((fd = open_file("/dev/null", O_RDWR, 0)) >= 0 && fd < STDERR_FILENO)
        ;
    if (fd > STDERR_FILENO)
        close(fd);
}

/* In the program's table, a check's connection that the program closes by number, as daemons do with all
 * numbers, would write into the file that gets the number next. */
static bool has_own_table(void)
{
    static atomic_bool reported;
    if (!log_has_own_descriptors() && !atomic_exchange(&reported, true))
        log_error(
            "no checks are run: they need a descriptor table of their own (Linux 5.9 or later)");
    return log_has_own_descriptors();
}

bool check_thread_is_needed(const struct engine *e)
{
    return config_now(e) != NULL;
}

static bool is_running(uint32_t task)
{
    return task == TASK_NOT_KNOWN || (task && process_has_task(task));
}

void check_thread_tend(struct engine *e)
{
    struct process *p = process_self();
    const struct config *c = atomic_load(&e->config);
    if (is_running(atomic_load(&p->check_task))) {
        if (atomic_exchange(&seen_config, c) != c) {
            atomic_fetch_add(&p->check_wake, 1);
            process_wake(&p->check_wake);
        }
    } else if (config_now(e) && has_own_table()) {
        atomic_store(&seen_config, c);
        fill_standard_descriptors();
        atomic_store(&p->check_task, TASK_NOT_KNOWN);
        if (thread_start(run_checks, e))
            atomic_store(&p->check_task, 0);
    }
}
