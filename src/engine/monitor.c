/* SPDX-License-Identifier: MIT
 *
 * Who writes the snapshot, and when. All processes of a board wake when it is due; one of them gets
 * the lease. A writer that is killed loses it by time, and "due" is only moved on when the files
 * are in place, so the next one takes over. */
#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/quiet.h"
#include "base/thread.h"
#include "engine/checker.h"
#include "engine/engine.h"
#include "engine/health.h"
#include "engine/monitor_parts.h"
#include "engine/process.h"
#include "engine/snapshot.h"

#include <errno.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif

#define LEASE_NS    (500 * NS_PER_MS) /* as long as a killed writer keeps others from writing */
#define PER_HOST_NS (20 * NS_PER_US)  /* and more for a large board, which takes long */
#define GAP_NS      (50 * NS_PER_MS)  /* between two writes, however many alerts come */
#define FLUSH_NS    (100 * NS_PER_MS) /* longest delay of an exit */
#define TRY_NS      (2 * NS_PER_MS)   /* between two looks whether somebody else has written */

enum { MONITOR_NONE, MONITOR_STARTING, MONITOR_INLINE, MONITOR_THREAD };

/* Of the thread that set process->writing. */
static struct {
    int64_t wrote_ns;
    int64_t reload_ns;
    bool urgent; /* inline: an alert came too soon after a write, and is still to be seen */
} schedule;

/* Files of our own choice: another process may have chosen the same ones, which their age tells. */
static int64_t fresh_until_ns(const char *path, int64_t interval_ns, int64_t now_ns)
{
    struct stat st;
    if (!path || stat(path, &st) < 0)
        return 0;
    int64_t age = clock_wall_ns() - (st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec);
    return age >= 0 && age < interval_ns ? now_ns + interval_ns - age : 0;
}

static bool write_own(const struct engine *e, const struct config *c, const struct targets *t,
                      int64_t now_ns, bool urgent, int64_t *next_ns)
{
    int64_t interval = monitor_interval_ns(c);
    if (!urgent) {
        int64_t a = t->snapshot ? fresh_until_ns(t->snapshot, interval, now_ns) : INT64_MAX;
        int64_t b = t->metrics ? fresh_until_ns(t->metrics, interval, now_ns) : INT64_MAX;
        *next_ns = a < b ? a : b;
        if (*next_ns > now_ns)
            return false;
    }
    monitor_write(e, c, t);
    schedule.wrote_ns = clock_now_ns();
    *next_ns = schedule.wrote_ns + interval;
    return true;
}

/* Whether a time on the board is still to come. One that is further ahead than we would set it is
 * not believed: the board may be damaged, or its writer has a longer interval than this process. */
static bool is_ahead(int64_t at_ns, int64_t now_ns, int64_t length_ns)
{
    return at_ns > now_ns && at_ns - now_ns <= length_ns + NS_PER_S;
}

static int64_t lease_ns(const struct board *b)
{
    return LEASE_NS + b->slot_count * PER_HOST_NS;
}

/* Noted before it is taken, so that the exit of the process can give it back whenever it comes. */
static bool take_lease(struct board_header *h, int64_t seen, int64_t mine)
{
    struct process *p = process_self();
    atomic_store(&p->lease, mine);
    if (atomic_compare_exchange_strong(&h->snapshot_lease_ns, &seen, mine))
        return true;
    atomic_store(&p->lease, 0);
    return false;
}

/* False: it ran out, and somebody else may have written meanwhile. */
static bool give_lease(struct board_header *h)
{
    int64_t mine = atomic_exchange(&process_self()->lease, 0);
    return mine && atomic_compare_exchange_strong(&h->snapshot_lease_ns, &mine, 0);
}

/* Writes the files of the board if they are due and nobody else is at it. */
static bool write_shared(const struct engine *e, const struct config *c, const struct targets *t,
                         int64_t now_ns, bool flush, int64_t *next_ns)
{
    struct board_header *h = e->board->header;
    int64_t interval = monitor_interval_ns(c), length = lease_ns(e->board);
    int64_t stagger = (getpid() & 63) * NS_PER_MS; /* so that usually one process wakes first */

    int64_t lease = atomic_load(&h->snapshot_lease_ns);
    *next_ns = now_ns + length + stagger;
    if (!flush && is_ahead(atomic_load(&h->snapshot_due_ns), now_ns, interval)) {
        *next_ns = atomic_load(&h->snapshot_due_ns) + stagger;
        return false;
    }
    if (is_ahead(lease, now_ns, length) || !take_lease(h, lease, now_ns + length))
        return false;

    uint64_t alerts = atomic_load(&h->alerts);
    int64_t due = atomic_load(&h->snapshot_due_ns);
    if (!flush && is_ahead(due, now_ns, interval)) { /* the last holder has just written */
        give_lease(h);
        *next_ns = due + stagger;
        return false;
    }
    monitor_write(e, c, t);
    int64_t now = clock_now_ns();
    schedule.wrote_ns = now;
    *next_ns = now + interval;
    atomic_compare_exchange_strong(&h->snapshot_due_ns, &due, *next_ns);
    bool held = give_lease(h);
    /* Who alerted while we held the lease relies on us: we may have looked before its change. */
    if (held && atomic_load(&h->alerts) == alerts)
        return true;
    atomic_store(&h->snapshot_due_ns, 0);
    *next_ns = now + GAP_NS;
    return !flush;
}

/* One look at what is to be done. True when the files were written. One thread at a time. */
static bool monitor_look(struct engine *e, bool urgent, bool flush, int64_t *next_ns)
{
    if (!flush)
        engine_reopen();
    board_settle_clock(e->board);
    int64_t now = clock_now_ns();
    if (now >= schedule.reload_ns && !flush) {
        engine_reload();
        schedule.reload_ns = now + monitor_interval_ns(atomic_load(&e->config));
    }
    const struct config *c = atomic_load(&e->config);
    struct targets t = monitor_targets(e, c);
    bool wrote = false;
    atomic_store(&e->board->header->alive_interval_ns, monitor_interval_ns(c));
    atomic_store(&e->board->header->alive_ns, now);
    *next_ns = schedule.reload_ns;
    if (!t.snapshot && !t.metrics)
        return true;

    int64_t write_ns = schedule.wrote_ns + GAP_NS;
    if (flush || now >= write_ns) {
        if (t.shared)
            wrote = write_shared(e, c, &t, now, flush, &write_ns);
        else
            wrote = write_own(e, c, &t, now, urgent || flush, &write_ns);
    }
    *next_ns = write_ns < *next_ns ? write_ns : *next_ns;
    return wrote;
}

static bool begin_writing(struct process *p)
{
    return !atomic_exchange(&p->writing, 1);
}

static void end_writing(struct process *p)
{
    atomic_store(&p->writing, 0);
    if (atomic_load(&p->closing))
        process_wake(&p->writing);
}

static void *monitor_run(void *arg)
{
    struct engine *e = arg;
    struct process *p = process_self();
    uint32_t seen = 0;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    prctl(PR_SET_NAME, "harden");
    /* An empty descriptor table of our own: then no number that we use for a moment can collide
     * with one that the program opens, closes or expects to be free. */
    if (syscall(SYS_close_range, 0U, ~0U, CLOSE_RANGE_UNSHARE) == 0)
        log_own_descriptors();
    for (;;) {
        int64_t next = INT64_MAX; /* for good, once the process ends */
        uint32_t wake = atomic_load(&p->wake);
        if (begin_writing(p)) {
            if (!atomic_load(&p->closing) && monitor_look(e, wake != seen, false, &next))
                seen = wake;
            end_writing(p);
        }
        if (!atomic_load(&p->closing))
            checker_tend(e);
        process_wait(&p->wake, wake, next);
    }
    return NULL;
}

static void monitor_start(struct process *p)
{
    uint32_t none = MONITOR_NONE;
    struct engine *e = engine_peek();
    int saved = errno;
    if (!e || process_is_borrowed() ||
        !atomic_compare_exchange_strong(&p->monitor, &none, MONITOR_STARTING))
        return;
    board_settle_clock(e->board); /* a child may be in another time name space than its parent */
    schedule.wrote_ns = 0;
    schedule.urgent = false;
    schedule.reload_ns = clock_now_ns() + monitor_interval_ns(atomic_load(&e->config));
    atomic_store(&p->written, monitor_progress(e->board->header));
    atomic_store(&p->inline_at_ns, INT64_MAX);
    if (atomic_load(&e->config)->thread && !process_is_filtered() &&
        !thread_start(monitor_run, e)) {
        atomic_store(&p->monitor, MONITOR_THREAD);
    } else {
        atomic_store(&p->monitor, MONITOR_INLINE);
        atomic_store(&p->inline_at_ns, 1); /* soon; 0 is for alerts */
    }
    errno = saved;
}

HOT void health_start(void)
{
    struct process *p = process_self();
    if (unlikely(atomic_load_explicit(&p->monitor, memory_order_relaxed) == MONITOR_NONE))
        monitor_start(p);
}

HOT bool health_is_quiet(int64_t now_ns)
{
    struct process *p = process_self();
    return atomic_load_explicit(&p->monitor, memory_order_relaxed) != MONITOR_NONE &&
           now_ns < atomic_load_explicit(&p->inline_at_ns, memory_order_relaxed);
}

/* Whether the files hold what had happened at `since`, whoever wrote it. What the board says is
 * believed as far as it can be true. */
static bool is_written(const struct engine *e, struct process *p, uint64_t since)
{
    uint64_t by_all = atomic_load(&e->board->header->written_changes);
    uint64_t span = monitor_progress(e->board->header) - since;
    return atomic_load(&p->written) - since <= span || by_all - since <= span;
}

struct look {
    struct process *process;
    struct engine *engine;
    bool flush, wrote;
};

/* An alert that comes meanwhile sets inline_at_ns again. */
static void look(void *arg)
{
    struct look *l = arg;
    int64_t later = INT64_MAX, next;
    schedule.urgent |= atomic_exchange(&l->process->inline_at_ns, later) == 0;
    l->wrote = monitor_look(l->engine, schedule.urgent, l->flush, &next);
    if (l->wrote)
        schedule.urgent = false;
    atomic_compare_exchange_strong(&l->process->inline_at_ns, &later, l->flush ? 0 : next);
}

/* Between begin_writing and end_writing. */
static bool look_inline(struct process *p, struct engine *e, bool flush)
{
    struct look l = {.process = p, .engine = e, .flush = flush};
    quiet_run(look, &l);
    return l.wrote;
}

HOT void health_inline(int64_t now_ns)
{
    struct process *p = process_self();
    if (likely(now_ns < atomic_load_explicit(&p->inline_at_ns, memory_order_relaxed)))
        return;
    struct engine *e = engine_peek();
    if (!e || atomic_load(&p->monitor) != MONITOR_INLINE || !begin_writing(p))
        return;
    look_inline(p, e, atomic_load(&p->closing));
    end_writing(p);
}

void health_alert(struct board *b)
{
    struct process *p = process_self();
    atomic_fetch_add(&b->header->alerts, 1);
    atomic_store(&b->header->snapshot_due_ns, 0);
    if (atomic_load(&p->monitor) == MONITOR_INLINE) {
        atomic_store(&p->inline_at_ns, 0);
    } else {
        atomic_fetch_add(&p->wake, 1);
        process_wake(&p->wake);
    }
}

/* Our thread will not come back from where it is. */
static void clear_away(struct process *p, const struct engine *e)
{
    const struct config *c = atomic_load(&e->config);
    uint64_t tag = atomic_load(&p->temp);
    give_lease(e->board->header);
    if (tag && c->snapshot)
        snapshot_remove(c->snapshot, tag);
    if (tag && c->metrics)
        snapshot_remove(c->metrics, tag);
}

/* Who does not get to it leaves it to the holder of the lease, as an alert does. At least two tries:
 * on a busy machine the time may be over before the first ends. */
static void write_last(struct process *p, struct engine *e, uint64_t since, int64_t end_ns)
{
    int64_t now = 0;
    for (int tries = 0; tries < 2 || now < end_ns; tries++) {
        if (is_written(e, p, since) || look_inline(p, e, true))
            return;
        process_wait(&p->writing, 1, clock_now_ns() + TRY_NS);
        now = clock_now_ns();
    }
    atomic_fetch_add(&e->board->header->alerts, 1);
    atomic_store(&e->board->header->snapshot_due_ns, 0);
}

/* By the exiting thread: ours may not get to run any more, and what it has begun would be cut off
 * in the middle. Whatever the program still does after that is written inline. */
void health_flush(void)
{
    struct process *p = process_self();
    struct engine *e = engine_peek();
    uint32_t monitor = atomic_load(&p->monitor);
    if (!e || (monitor != MONITOR_THREAD && monitor != MONITOR_INLINE))
        return;
    uint64_t since = monitor_progress(e->board->header);
    int64_t end = clock_now_ns() + FLUSH_NS;
    atomic_store(&p->closing, 1);
    checker_close();
    bool ours;
    while (!(ours = begin_writing(p)) && clock_now_ns() < end)
        process_wait(&p->writing, 1, clock_now_ns() + TRY_NS);
    if (ours)
        write_last(p, e, since, end);
    clear_away(p, e);
    atomic_store(&p->inline_at_ns, 0);
    atomic_store(&p->monitor, MONITOR_INLINE);
    if (ours)
        end_writing(p);
}
