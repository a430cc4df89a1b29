/* SPDX-License-Identifier: MIT */
#include "engine/publish/background.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/minmax.h"
#include "base/thread.h"
#include "engine/check/thread.h"
#include "engine/publish/files.h"
#include "engine/publish/update.h"

#include <errno.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif

#define STOP_NS (100 * NS_PER_MS) /* longest wait for the threads to end */
#define POLL_NS (50 * NS_PER_US)
#define BUSY_NS (10 * NS_PER_MS) /* until the next try if a call is making an update */
#define IDLE_PERIODS                                                                               \
    3 /* without a call: then the thread ends, even if the files cannot be written */

/* The process whose first thread has ended; a pid, because a child of it has a first thread again. */
static _Atomic int headless;

bool background_is_needed(const struct engine *e)
{
    return check_thread_is_needed(e);
}

static bool is_harmful(void)
{
    return atomic_load(&headless) == getpid() || process_is_borrowed() || process_is_filtered();
}

struct round {
    uint64_t changes;       /* files_changes when the last call was seen */
    uint32_t written, wake; /* process->wake at the last write, and now */
    int64_t active_ns;      /* when the last call was seen */
    int64_t idle_periods;   /* complete ones since then */
};

/* Returns when the next round is due. */
static int64_t update_in_background(struct process *p, struct engine *e, struct round *r)
{
    int64_t now_ns = clock_now_ns(), next_ns = now_ns + BUSY_NS;
    const struct config *c = atomic_load(&e->config);
    bool active = atomic_exchange(&p->active, 0);
    atomic_store(&p->update_at_ns, 1); /* the next call that ends sets process->active */
    if (active) {
        r->changes = files_changes(e->board->header);
        r->active_ns = now_ns;
    }
    r->idle_periods = (now_ns - r->active_ns) / files_spacing_ns(c);
    if (update_begin(p)) {
        enum urgency urgency = r->wake != r->written ? UPDATE_SOON
                               : r->idle_periods     ? UPDATE_EARLY
                                                     : UPDATE_AS_DUE;
        if (!atomic_load(&p->closing) && update_run(e, urgency, &next_ns))
            r->written = r->wake;
        update_end(p);
    }
    return smaller(next_ns, now_ns + files_spacing_ns(c));
}

static bool is_idle(const struct process *p, const struct engine *e, const struct round *r)
{
    return r->idle_periods && r->written == r->wake && !check_thread_is_needed(e) &&
           (r->idle_periods >= IDLE_PERIODS || files_are_current(e, p, r->changes));
}

/* False: a call has ended in the meantime and relies on the thread. */
static bool hand_over_to_calls(struct process *p)
{
    uint32_t calls = UPDATER_CALLS;
    update_by_calls(p);
    if (!atomic_load(&p->active) ||
        !atomic_compare_exchange_strong(&p->updater, &calls, UPDATER_THREAD))
        return true;
    atomic_store(&p->reload_at_ns, INT64_MAX);
    return false;
}

static void request_stop(struct process *p)
{
    atomic_store(&p->stop, 1);
    atomic_fetch_add(&p->wake, 1);
    process_wake(&p->wake);
    atomic_fetch_add(&p->check_wake, 1);
    process_wake(&p->check_wake);
    process_wake(&p->check_guard);
}

static void *run_background(void *arg)
{
    struct engine *e = arg;
    struct process *p = process_self();
    struct round r = {0};

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    atomic_store(&p->background_task, (uint32_t)syscall(SYS_gettid));
    prctl(PR_SET_NAME, "harden");
    /* With an empty descriptor table of our own, no number that this thread uses for a moment can
     * collide with one that the program opens, closes or expects to be free. */
    if (syscall(SYS_close_range, 0U, ~0U, CLOSE_RANGE_UNSHARE) == 0)
        log_own_descriptors();
    for (;;) {
        r.wake = atomic_load(&p->wake);
        if (process_is_headless())
            request_stop(p); /* also the thread of the checks, which does not look */
        if (atomic_load(&p->stop)) {
            update_by_calls(p);
            atomic_store(&p->update_at_ns, 1);
            break;
        }
        int64_t next_ns = update_in_background(p, e, &r);
        if (atomic_load(&p->closing)) {
            process_wait(&p->wake, r.wake, INT64_MAX);
            continue;
        }
        check_thread_tend(e);
        if (is_idle(p, e, &r) && hand_over_to_calls(p))
            break;
        process_wait(&p->wake, r.wake, next_ns);
    }
    return NULL;
}

void background_start(struct process *p, struct engine *e)
{
    uint32_t calls = UPDATER_CALLS;
    atomic_store(&p->background_pending, 0);
    if (!atomic_load(&e->config)->thread || atomic_load(&p->stop) || is_harmful() ||
        !atomic_compare_exchange_strong(&p->updater, &calls, UPDATER_THREAD))
        return;
    atomic_store(&p->background_task, TASK_NOT_KNOWN);
    atomic_store(&p->active, 1);
    atomic_store(&p->reload_at_ns, INT64_MAX);
    int err = thread_start(run_background, e);
    atomic_store(&p->background_pending, err == EDEADLK);
    if (err) {
        atomic_store(&p->background_task, 0);
        update_by_calls(p);
    }
}

HOT bool background_is_pending(void)
{
    return atomic_load_explicit(&process_self()->background_pending, memory_order_relaxed);
}

void background_start_pending(void)
{
    struct engine *e = engine_peek();
    int saved = errno;
    if (e)
        background_start(process_self(), e);
    errno = saved;
}

/* ---- stopping the threads ------------------------------------------------------------------- */

/* A thread has ended only when the kernel no longer finds it. */
static bool is_running(_Atomic uint32_t *task)
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
    request_stop(p);
    while ((is_running(&p->background_task) || is_running(&p->check_task)) &&
           clock_now_ns() < end_ns)
        clock_sleep_until(clock_now_ns() + POLL_NS);
}

void background_stop(void)
{
    int saved = errno;
    if (engine_peek() && !process_is_borrowed())
        stop_threads(process_self());
    errno = saved;
}

void background_allow(void)
{
    if (engine_peek() && !process_is_borrowed())
        atomic_store(&process_self()->stop, 0);
}

/* The C library ends the process in the last thread, where exit handlers and buffered output then run.
 * That must not be a thread of the library, which does not have the descriptors of the program. */
void background_first_thread_ends(void)
{
    int saved = errno;
    if (!process_shares_memory()) {
        atomic_store(&headless, getpid());
        if (engine_peek())
            stop_threads(process_self());
    }
    errno = saved;
}
