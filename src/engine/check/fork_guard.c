/* SPDX-License-Identifier: MIT */
#include "engine/check/fork_guard.h"

#include "base/process.h"
#include "engine/engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define SETTLE_NS (500 * NS_PER_MS)
#define GUARD_NS  (100 * NS_PER_MS) /* longest delay of a fork or an exit */

/* process->check_guard. GUARD_FORKS + n: n + 1 forks are under way. */
enum { GUARD_FREE, GUARD_ENTERED, GUARD_CLOSED, GUARD_FORKS };

bool check_is_ending(void)
{
    struct process *p = process_self();
    return atomic_load(&p->closing) || atomic_load(&p->stop) ||
           atomic_load(&p->check_guard) == GUARD_CLOSED;
}

bool check_guard_enter(void)
{
    struct process *p = process_self();
    for (;;) {
        uint32_t now = GUARD_FREE;
        if (atomic_compare_exchange_strong(&p->check_guard, &now, GUARD_ENTERED))
            return true;
        if (now == GUARD_CLOSED)
            return false;
        process_wait(&p->check_guard, now, INT64_MAX);
    }
}

void check_guard_leave(void)
{
    uint32_t entered = GUARD_ENTERED; /* or closed in the meantime */
    atomic_compare_exchange_strong(&process_self()->check_guard, &entered, GUARD_FREE);
    process_wake(&process_self()->check_guard);
}

/* False: the thread of the checks did not leave in time, or the guard is closed. */
static bool keep_out(bool for_good)
{
    struct process *p = process_self();
    int64_t end_ns = clock_now_ns() + GUARD_NS;
    for (;;) {
        uint32_t now = atomic_load(&p->check_guard);
        uint32_t next = for_good ? GUARD_CLOSED : now < GUARD_FORKS ? GUARD_FORKS : now + 1;
        if (now == GUARD_CLOSED)
            return false;
        if (now != GUARD_ENTERED && atomic_compare_exchange_strong(&p->check_guard, &now, next))
            return true;
        if (clock_now_ns() >= end_ns)
            return false;
        process_wait(&p->check_guard, GUARD_ENTERED, end_ns);
    }
}

void check_guard_close(void)
{
    if (!keep_out(true))
        atomic_store(&process_self()->check_guard, GUARD_CLOSED);
    process_wake(&process_self()->check_guard);
}

static _Thread_local bool counted; /* this thread's fork is in process->check_guard */

static void before_fork(void)
{
    counted = !engine_is_confined() && atomic_load(&process_self()->check_task) && keep_out(false);
}

/* Also in the child, where the guard is free and no thread waits for it. */
static void after_fork(void)
{
    struct process *p = process_self();
    uint32_t now = atomic_load(&p->check_guard);
    if (engine_is_confined())
        return;
    while (counted && now >= GUARD_FORKS)
        if (atomic_compare_exchange_strong(&p->check_guard, &now,
                                           now == GUARD_FORKS ? GUARD_FREE : now - 1))
            break;
    counted = false;
    process_wake(&p->check_guard);
}

static void at_exit(void *nothing)
{
    (void)nothing;
    if (!engine_is_confined())
        check_guard_close();
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

bool check_guard_install(void)
{
    static atomic_bool forks; /* once is enough for these */
    struct process *p = process_self();
    int64_t until_ns = clock_now_ns() + SETTLE_NS;
    if (!atomic_exchange(&forks, true))
        register_fork(before_fork, after_fork, after_fork);
    __cxa_atexit(at_exit, NULL, NULL);
    for (;;) {
        uint32_t now = atomic_load(&p->check_guard);
        if (check_is_ending() || clock_now_ns() >= until_ns)
            return !check_is_ending();
        process_wait(&p->check_guard, now, until_ns);
    }
}
