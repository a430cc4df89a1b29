/* SPDX-License-Identifier: MIT */
#include "engine/check/thread.h"

#include "base/clock.h"
#include "base/env.h"
#include "base/log.h"
#include "base/open.h"
#include "base/process.h"
#include "base/thread.h"
#include "engine/check/run.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define THREAD_NAME "harden-check"
#define SETTLE_NS   (500 * NS_PER_MS)
#define GUARD_NS    (100 * NS_PER_MS) /* how long a fork or an exit waits at most */

/* process->check_gate: who is between enter and leave. From GATE_HELD on it is held by as many forks. */
enum { GATE_OPEN, GATE_OURS, GATE_CLOSED, GATE_HELD };

_Thread_local bool checker_own_thread;

static const struct config *_Atomic seen_config; /* by checker_tend */
static atomic_bool ever;                         /* also in children, where it does no harm */

bool checker_is_descendant(void)
{
    char name[16];
    return atomic_load_explicit(&ever, memory_order_relaxed) && prctl(PR_GET_NAME, name) == 0 &&
           strcmp(name, THREAD_NAME) == 0;
}

bool checker_is_ending(void)
{
    struct process *p = process_self();
    return atomic_load(&p->closing) || atomic_load(&p->stop) ||
           atomic_load(&p->check_gate) == GATE_CLOSED;
}

bool checker_enter(void)
{
    struct process *p = process_self();
    for (;;) {
        uint32_t now = GATE_OPEN;
        if (atomic_compare_exchange_strong(&p->check_gate, &now, GATE_OURS))
            return true;
        if (now == GATE_CLOSED)
            return false;
        process_wait(&p->check_gate, now, INT64_MAX);
    }
}

void checker_leave(void)
{
    uint32_t ours = GATE_OURS; /* or closed meanwhile */
    atomic_compare_exchange_strong(&process_self()->check_gate, &ours, GATE_OPEN);
    process_wake(&process_self()->check_gate);
}

/* False: whoever is inside did not come out in time, or the gate is closed for good. */
static bool shut(bool for_good)
{
    struct process *p = process_self();
    int64_t end_ns = clock_now_ns() + GUARD_NS;
    for (;;) {
        uint32_t now = atomic_load(&p->check_gate);
        uint32_t next = for_good ? GATE_CLOSED : now < GATE_HELD ? GATE_HELD : now + 1;
        if (now == GATE_CLOSED)
            return false;
        if (now != GATE_OURS && atomic_compare_exchange_strong(&p->check_gate, &now, next))
            return true;
        if (clock_now_ns() >= end_ns)
            return false;
        process_wait(&p->check_gate, GATE_OURS, end_ns);
    }
}

void checker_close(void)
{
    if (!shut(true))
        atomic_store(&process_self()->check_gate, GATE_CLOSED);
    process_wake(&process_self()->check_gate);
}

/* ---- around fork and exit ------------------------------------------------------------------- */

static _Thread_local bool holds; /* this fork; several threads may be at one */

static void before_fork(void)
{
    holds = !engine_is_confined() && atomic_load(&process_self()->checker) && shut(false);
}

/* In the child there is nobody to be let in: its gate is open anyway. */
static void after_fork(void)
{
    struct process *p = process_self();
    uint32_t now = atomic_load(&p->check_gate);
    if (engine_is_confined())
        return;
    while (holds && now >= GATE_HELD)
        if (atomic_compare_exchange_strong(&p->check_gate, &now,
                                           now == GATE_HELD ? GATE_OPEN : now - 1))
            break;
    holds = false;
    process_wake(&p->check_gate);
}

static void at_exit(void *nothing)
{
    (void)nothing;
    if (!engine_is_confined())
        checker_close();
}

/* The C library's own names of pthread_atfork and atexit: those would need start files, which the
 * library is linked without. */
#ifdef __GLIBC__
int __register_atfork(void (*)(void), void (*)(void), void (*)(void), void *);
#define register_fork(before, parent, child) __register_atfork(before, parent, child, NULL)
#else
#define register_fork(before, parent, child) pthread_atfork(before, parent, child)
#endif
int __cxa_atexit(void (*)(void *), void *, void *);

bool checker_guard(void)
{
    static atomic_bool forks; /* once is enough for these */
    struct process *p = process_self();
    int64_t until_ns = clock_now_ns() + SETTLE_NS;
    if (!atomic_exchange(&forks, true))
        register_fork(before_fork, after_fork, after_fork);
    __cxa_atexit(at_exit, NULL, NULL);
    for (;;) {
        uint32_t now = atomic_load(&p->check_gate);
        if (checker_is_ending() || clock_now_ns() >= until_ns)
            return !checker_is_ending();
        process_wait(&p->check_gate, now, until_ns);
    }
}

/* ---- the thread ----------------------------------------------------------------------------- */

static const struct config *config_now(const struct engine *e)
{
    const struct config *c = atomic_load(&e->config);
    return c->check_count && config_covers(c, env_program()) ? c : NULL;
}

static void *checker_run(void *arg)
{
    struct engine *e = arg;
    struct process *p = process_self();
    struct check_runner runner = {.board = e->board,
                                  .now_ns = clock_now_ns,
                                  .wall_ns = clock_wall_ns,
                                  .closing = checker_is_ending};
    const struct config *was = NULL;

    checker_own_thread = true;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    atomic_store(&p->checker, (uint32_t)syscall(SYS_gettid));
    prctl(PR_SET_NAME, THREAD_NAME);
    log_own_descriptors();
    while (!atomic_load(&p->stop)) {
        int64_t next_ns = INT64_MAX;
        uint32_t wake = atomic_load(&p->check_wake);
        const struct config *now = config_now(e);
        runner.board = e->board;
        if (!checker_is_ending()) {
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

/* What a library writes to descriptor 2 must not get into a connection, which would have that number
 * in a table that is empty. */
static void fill_standard_descriptors(void)
{
    int fd;
    while ((fd = open_file("/dev/null", O_RDWR, 0)) >= 0 && fd < STDERR_FILENO)
        ;
    if (fd > STDERR_FILENO)
        close(fd);
}

/* In the program's table, a connection that it closes by number, as daemons do with all, would write
 * into the file that gets the number next. */
static bool has_own_table(void)
{
    static atomic_bool said;
    if (!log_has_own_descriptors() && !atomic_exchange(&said, true))
        log_error("no checks are run: this system gives no thread descriptors of its own");
    return log_has_own_descriptors();
}

bool checker_is_wanted(const struct engine *e)
{
    return config_now(e) != NULL;
}

static bool is_there(uint32_t task)
{
    return task == TASK_NOT_KNOWN || (task && process_has_task(task));
}

void checker_tend(struct engine *e)
{
    struct process *p = process_self();
    const struct config *c = atomic_load(&e->config);
    if (is_there(atomic_load(&p->checker))) {
        if (atomic_exchange(&seen_config, c) != c) {
            atomic_fetch_add(&p->check_wake, 1);
            process_wake(&p->check_wake);
        }
    } else if (config_now(e) && has_own_table()) {
        atomic_store(&seen_config, c);
        atomic_store(&ever, true);
        fill_standard_descriptors();
        atomic_store(&p->checker, TASK_NOT_KNOWN);
        if (thread_start(checker_run, e))
            atomic_store(&p->checker, 0);
    }
}
