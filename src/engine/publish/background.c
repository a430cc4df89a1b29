/* SPDX-License-Identifier: MIT
 *
 * The background thread. It is there while calls end that nobody has written yet, or while there are
 * checks, and for a few looks longer; and never where it would keep a process alive. */
#include "base/thread.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "engine/check/thread.h"
#include "engine/publish/monitor.h"
#include "engine/publish/update.h"

#include <errno.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif

#define STOP_NS     (100 * NS_PER_MS) /* how long its end is waited for */
#define TRY_NS      (50 * NS_PER_US)
#define BUSY_NS     (10 * NS_PER_MS)
#define IDLE_PAUSES 3 /* without a call: then it ends, even if the files cannot be written */

/* The process whose first thread has ended. A child that such a one forks has a first thread again. */
static _Atomic int headless;

bool monitor_wants_thread(const struct engine *e)
{
    return checker_is_wanted(e);
}

static bool is_harmful(void)
{
    return atomic_load(&headless) == getpid() || process_is_borrowed() || process_is_filtered();
}

struct look {
    uint64_t since;      /* what had happened when the last call was seen */
    uint32_t seen, wake; /* process->wake when the news were written, and now */
    int64_t seen_ns;     /* when it was */
    int64_t pauses;      /* whole ones since then */
};

/* Returns when to look again. */
static int64_t look(struct process *p, struct engine *e, struct look *l)
{
    int64_t now_ns = clock_now_ns(), next_ns = now_ns + BUSY_NS;
    const struct config *c = atomic_load(&e->config);
    bool active = atomic_exchange(&p->active, 0);
    atomic_store(&p->inline_at_ns, 1); /* the next call that ends says so */
    if (active) {
        l->since = monitor_progress(e->board->header);
        l->seen_ns = now_ns;
    }
    l->pauses = (now_ns - l->seen_ns) / monitor_pause_ns(c);
    if (monitor_begin(p)) {
        enum hurry hurry = l->wake != l->seen ? LOOK_SOON : l->pauses ? LOOK_EARLY : LOOK_AS_DUE;
        if (!atomic_load(&p->closing) && monitor_look(e, hurry, &next_ns))
            l->seen = l->wake;
        monitor_end(p);
    }
    int64_t soon_ns = now_ns + monitor_pause_ns(c);
    return next_ns < soon_ns ? next_ns : soon_ns;
}

static bool is_done(struct process *p, const struct engine *e, const struct look *l)
{
    return l->pauses && l->seen == l->wake && !checker_is_wanted(e) &&
           (l->pauses >= IDLE_PAUSES || monitor_is_written(e, p, l->since));
}

/* False: a call has ended meanwhile and relies on the thread. */
static bool leave(struct process *p)
{
    uint32_t without = MONITOR_INLINE;
    monitor_go_inline(p);
    if (!atomic_load(&p->active) ||
        !atomic_compare_exchange_strong(&p->monitor, &without, MONITOR_THREAD))
        return true;
    atomic_store(&p->reload_at_ns, INT64_MAX);
    return false;
}

static void ask_to_stop(struct process *p)
{
    atomic_store(&p->stop, 1);
    atomic_fetch_add(&p->wake, 1);
    process_wake(&p->wake);
    atomic_fetch_add(&p->check_wake, 1);
    process_wake(&p->check_wake);
    process_wake(&p->check_gate);
}

static void *run(void *arg)
{
    struct engine *e = arg;
    struct process *p = process_self();
    struct look l = {0};

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    atomic_store(&p->thread, (uint32_t)syscall(SYS_gettid));
    prctl(PR_SET_NAME, "harden");
    /* An empty descriptor table of our own: then no number that we use for a moment can collide
     * with one that the program opens, closes or expects to be free. */
    if (syscall(SYS_close_range, 0U, ~0U, CLOSE_RANGE_UNSHARE) == 0)
        log_own_descriptors();
    for (;;) {
        l.wake = atomic_load(&p->wake);
        if (process_is_headless())
            ask_to_stop(p); /* the checks too: nobody else will */
        if (atomic_load(&p->stop)) {
            monitor_go_inline(p);
            atomic_store(&p->inline_at_ns, 1);
            break;
        }
        int64_t next_ns = look(p, e, &l);
        if (atomic_load(&p->closing)) {
            process_wait(&p->wake, l.wake, INT64_MAX);
            continue;
        }
        checker_tend(e);
        if (is_done(p, e, &l) && leave(p))
            break;
        process_wait(&p->wake, l.wake, next_ns);
    }
    return NULL;
}

void monitor_thread_begin(struct process *p, struct engine *e)
{
    uint32_t without = MONITOR_INLINE;
    atomic_store(&p->waiting, 0);
    if (!atomic_load(&e->config)->thread || atomic_load(&p->stop) || is_harmful() ||
        !atomic_compare_exchange_strong(&p->monitor, &without, MONITOR_THREAD))
        return;
    atomic_store(&p->thread, TASK_NOT_KNOWN);
    atomic_store(&p->active, 1);
    atomic_store(&p->reload_at_ns, INT64_MAX);
    int err = thread_start(run, e);
    atomic_store(&p->waiting, err == EDEADLK);
    if (err) {
        atomic_store(&p->thread, 0);
        monitor_go_inline(p);
    }
}

HOT bool monitor_thread_waits(void)
{
    return atomic_load_explicit(&process_self()->waiting, memory_order_relaxed);
}

void monitor_start_thread(void)
{
    struct engine *e = engine_peek();
    int saved = errno;
    if (e)
        monitor_thread_begin(process_self(), e);
    errno = saved;
}

/* ---- to be told to end ---------------------------------------------------------------------- */

/* A thread that has ended is one for the kernel until it is not found any more. */
static bool is_there(_Atomic uint32_t *task)
{
    uint32_t now = atomic_load(task);
    if (!now || now == TASK_NOT_KNOWN || process_has_task(now))
        return now;
    atomic_compare_exchange_strong(task, &now, 0);
    return false;
}

static void stop_threads(struct process *p)
{
    int64_t end_ns = clock_now_ns() + STOP_NS;
    ask_to_stop(p);
    while ((is_there(&p->thread) || is_there(&p->checker)) && clock_now_ns() < end_ns)
        clock_sleep_until(clock_now_ns() + TRY_NS);
}

void monitor_stop_threads(void)
{
    int saved = errno;
    if (engine_peek() && !process_is_borrowed())
        stop_threads(process_self());
    errno = saved;
}

void monitor_allow_threads(void)
{
    if (engine_peek() && !process_is_borrowed())
        atomic_store(&process_self()->stop, 0);
}

/* The C library ends the process with the last thread, and in it: ours has no descriptors, to which the
 * program's last words could be written. */
void monitor_first_thread_ends(void)
{
    int saved = errno;
    if (!process_shares_memory()) {
        atomic_store(&headless, getpid());
        if (engine_peek())
            stop_threads(process_self());
    }
    errno = saved;
}
