/* SPDX-License-Identifier: MIT
 *
 * Who writes the snapshot, and when. All processes of a board wake when it is due; one of them gets
 * the lease. A writer that is killed loses it by time, and "due" is only moved on when the files
 * are in place, so the next one takes over. */
#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/quiet.h"
#include "engine/engine.h"
#include "engine/health.h"
#include "engine/process.h"
#include "engine/snapshot.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif

#define LEASE_NS    (2 * NS_PER_S)
#define GAP_NS      (50 * NS_PER_MS)  /* between two writes, however many alerts come */
#define FLUSH_NS    (100 * NS_PER_MS) /* longest delay of an exit */
#define INTERVAL_NS (100 * NS_PER_MS) /* shortest, whatever the configuration says */

enum { MONITOR_NONE, MONITOR_STARTING, MONITOR_INLINE, MONITOR_THREAD };

/* Of the thread that set process->writing. */
static struct {
    int64_t wrote_ns;
    int64_t reload_ns;
} schedule;

struct targets {
    const char *snapshot, *metrics; /* NULL: not to be written */
    bool shared;                    /* other processes of this board write the same ones */
};

static bool in_directory(const char *path, const char *dir)
{
    size_t n = dir ? strlen(dir) : 0;
    return path && n && strncmp(path, dir, n) == 0 && path[n] == '/';
}

static struct targets targets_of(const struct engine *e, const struct config *c)
{
    struct targets t = {.snapshot = c->snapshot, .metrics = c->metrics};
    bool snapshot_in = in_directory(t.snapshot, c->state);
    bool metrics_in = in_directory(t.metrics, c->state);
    if (!e->board->shared) {
        /* The files there speak for the shared board, and we are not on it. */
        t.snapshot = snapshot_in ? NULL : t.snapshot;
        t.metrics = metrics_in ? NULL : t.metrics;
    }
    t.shared = (!t.snapshot || snapshot_in) && (!t.metrics || metrics_in);
    return t;
}

static int64_t interval_of(const struct config *c)
{
    return c->snapshot_interval_ns > INTERVAL_NS ? c->snapshot_interval_ns : INTERVAL_NS;
}

static bool write_file(const char *path, const struct config *c, char *room, size_t size,
                       void (*render)(struct text *, const struct snapshot_context *),
                       const struct snapshot_context *x)
{
    struct snapshot_file f;
    if (!path)
        return true;
    snapshot_open(&f, path, room, size);
    if (f.err == -ENOENT && in_directory(path, c->state) && mkdir(c->state, 0700) == 0)
        snapshot_open(&f, path, room, size);
    if (!f.err)
        render(&f.text, x);
    bool written = snapshot_close(&f) == 0;
    if (!written)
        engine_internal_error("a snapshot could not be written");
    return written;
}

static void write_files(const struct engine *e, const struct config *c, const struct targets *t)
{
    struct board_header *h = e->board->header;
    struct process *p = process_self();
    uint64_t changes = atomic_load(&h->changes);
    struct snapshot_context x = {
        .board = e->board,
        .service = c->service,
        .pid = getpid(),
        .seq = atomic_fetch_add(&h->snapshot_seq, 1) + 1,
        .now_ns = clock_now_ns(),
        .wall_ns = clock_wall_ns(),
        .interval_ns = interval_of(c),
        .hooks = engine_coverage.hooks,
        .libcurls = engine_coverage.libcurls,
    };
    size_t size = snapshot_room(e->board);
    char *room = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) {
        engine_internal_error("no memory for a snapshot");
        return;
    }
    madvise(room, size, MADV_DONTFORK); /* a child would keep a copy for ever */
    bool whole = write_file(t->snapshot, c, room, size, snapshot_render, &x);
    whole &= write_file(t->metrics, c, room, size, metrics_render, &x);
    munmap(room, size);
    if (whole)
        atomic_store(&p->written, changes);
    schedule.wrote_ns = clock_now_ns();
}

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
    int64_t interval = interval_of(c);
    if (!urgent) {
        int64_t a = t->snapshot ? fresh_until_ns(t->snapshot, interval, now_ns) : INT64_MAX;
        int64_t b = t->metrics ? fresh_until_ns(t->metrics, interval, now_ns) : INT64_MAX;
        *next_ns = a < b ? a : b;
        if (*next_ns > now_ns)
            return false;
    }
    write_files(e, c, t);
    *next_ns = clock_now_ns() + interval;
    return true;
}

/* Whether a time on the board is still to come. One that is further ahead than we would set it is
 * not believed: the board may be damaged, or its writer has a longer interval than this process. */
static bool is_ahead(int64_t at_ns, int64_t now_ns, int64_t length_ns)
{
    return at_ns > now_ns && at_ns - now_ns <= length_ns + NS_PER_S;
}

/* Writes the files of the board if they are due and nobody else is at it. */
static bool write_shared(const struct engine *e, const struct config *c, const struct targets *t,
                         int64_t now_ns, bool flush, int64_t *next_ns)
{
    struct board_header *h = e->board->header;
    int64_t interval = interval_of(c);
    int64_t stagger = (getpid() & 63) * NS_PER_MS; /* so that usually one process wakes first */

    int64_t lease = atomic_load(&h->snapshot_lease_ns);
    int64_t mine = now_ns + LEASE_NS;
    *next_ns = mine + stagger;
    if (!flush && is_ahead(atomic_load(&h->snapshot_due_ns), now_ns, interval)) {
        *next_ns = atomic_load(&h->snapshot_due_ns) + stagger;
        return false;
    }
    if (is_ahead(lease, now_ns, LEASE_NS) ||
        !atomic_compare_exchange_strong(&h->snapshot_lease_ns, &lease, mine))
        return false;

    uint64_t alerts = atomic_load(&h->alerts);
    int64_t due = atomic_load(&h->snapshot_due_ns);
    if (!flush && is_ahead(due, now_ns, interval)) { /* the last holder has just written */
        atomic_compare_exchange_strong(&h->snapshot_lease_ns, &mine, 0);
        *next_ns = due + stagger;
        return false;
    }
    write_files(e, c, t);
    int64_t now = clock_now_ns();
    *next_ns = now + interval;
    atomic_compare_exchange_strong(&h->snapshot_due_ns, &due, *next_ns);
    atomic_compare_exchange_strong(&h->snapshot_lease_ns, &mine, 0);
    /* Who alerted while we held the lease relies on us: we may have looked before its change. */
    if (atomic_load(&h->alerts) != alerts) {
        atomic_store(&h->snapshot_due_ns, 0);
        *next_ns = now + GAP_NS;
    }
    return true;
}

/* One look at what is to be done. True when the files were written. One thread at a time. */
static bool monitor_look(struct engine *e, bool urgent, bool flush, int64_t *next_ns)
{
    int64_t now = clock_now_ns();
    if (now >= schedule.reload_ns && !flush) {
        engine_reload();
        schedule.reload_ns = now + interval_of(atomic_load(&e->config));
    }
    const struct config *c = atomic_load(&e->config);
    struct targets t = targets_of(e, c);
    bool wrote = false;
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
        int64_t next;
        uint32_t wake = atomic_load(&p->wake);
        bool flush = atomic_load(&p->flush);
        if (atomic_exchange(&p->writing, 1)) { /* the exit has waited long enough for us */
            process_wait(&p->wake, wake, clock_now_ns() + FLUSH_NS);
            continue;
        }
        bool wrote = monitor_look(e, wake != seen, flush, &next);
        atomic_store(&p->writing, 0);
        seen = wrote ? wake : seen;
        if (flush && wrote) {
            atomic_store(&p->flush, 0);
            atomic_fetch_add(&p->flushed, 1);
            process_wake(&p->flushed);
        } else if (flush) {
            next = clock_now_ns() + 2 * NS_PER_MS; /* somebody else writes; it takes that long */
        }
        process_wait(&p->wake, wake, next);
    }
    return NULL;
}

/* Stack sizes include the program's thread-local storage, of which it may have any amount. */
static bool thread_create(struct engine *e)
{
    static const size_t stacks[] = {128 << 10, 1 << 20, 8 << 20};
    pthread_attr_t attr;
    sigset_t all, mask;
    if (pthread_attr_init(&attr))
        return false;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    /* A thread that takes the program's signals breaks its sigwait and signalfd loops. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    int err = EINVAL;
    for (size_t i = 0; i < array_size(stacks) && err == EINVAL; i++) {
        pthread_t thread;
        err = pthread_attr_setstacksize(&attr, stacks[i]);
        if (!err)
            err = pthread_create(&thread, &attr, monitor_run, e);
    }
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    pthread_attr_destroy(&attr);
    return !err;
}

static void monitor_start(struct process *p)
{
    uint32_t none = MONITOR_NONE;
    struct engine *e = engine_peek();
    int saved = errno;
    if (!e || process_is_borrowed() ||
        !atomic_compare_exchange_strong(&p->monitor, &none, MONITOR_STARTING))
        return;
    schedule.wrote_ns = 0;
    schedule.reload_ns = clock_now_ns() + interval_of(atomic_load(&e->config));
    atomic_store(&p->written, atomic_load(&e->board->header->changes));
    atomic_store(&p->inline_at_ns, INT64_MAX);
    if (atomic_load(&e->config)->thread && !process_is_filtered() && thread_create(e)) {
        atomic_store(&p->monitor, MONITOR_THREAD);
    } else {
        atomic_store(&p->monitor, MONITOR_INLINE);
        atomic_store(&p->inline_at_ns, 1); /* soon; 0 is for alerts */
    }
    errno = saved;
}

void health_start(void)
{
    struct process *p = process_self();
    if (unlikely(atomic_load_explicit(&p->monitor, memory_order_relaxed) == MONITOR_NONE))
        monitor_start(p);
}

/* One thread of the process at a time. An alert that comes meanwhile sets inline_at_ns again. */
static bool look_inline(struct process *p, struct engine *e, bool flush)
{
    int64_t later = INT64_MAX, next;
    if (atomic_exchange(&p->writing, 1))
        return false;
    struct quiet q;
    quiet_begin(&q);
    bool urgent = atomic_exchange(&p->inline_at_ns, later) == 0;
    bool wrote = monitor_look(e, urgent, flush, &next);
    atomic_compare_exchange_strong(&p->inline_at_ns, &later, next);
    quiet_end(&q);
    atomic_store(&p->writing, 0);
    return wrote;
}

void health_inline(int64_t now_ns)
{
    struct process *p = process_self();
    if (likely(now_ns < atomic_load_explicit(&p->inline_at_ns, memory_order_relaxed)))
        return;
    struct engine *e = engine_peek();
    if (e && atomic_load(&p->monitor) == MONITOR_INLINE)
        look_inline(p, e, false);
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

void health_flush(void)
{
    struct engine *e = engine_peek();
    if (!e)
        return;
    struct process *p = process_self();
    uint32_t monitor = atomic_load(&p->monitor);
    struct board_header *h = e->board->header;
    if ((monitor != MONITOR_THREAD && monitor != MONITOR_INLINE) ||
        atomic_load(&h->changes) == atomic_load(&p->written))
        return;
    const struct config *c = atomic_load(&e->config);
    if (!c->snapshot && !c->metrics)
        return;

    int64_t now = clock_now_ns(), end = now + FLUSH_NS;
    uint32_t flushed = atomic_load(&p->flushed);
    atomic_store(&p->flush, 1);
    if (monitor == MONITOR_THREAD) {
        atomic_fetch_add(&p->wake, 1);
        process_wake(&p->wake);
    }
    for (; now < end; now = clock_now_ns()) {
        if (monitor == MONITOR_INLINE && look_inline(p, e, true))
            break;
        if (atomic_load(&p->flushed) != flushed)
            break;
        process_wait(&p->flushed, flushed, monitor == MONITOR_THREAD ? end : now + 2 * NS_PER_MS);
    }
    /* On a busy machine the thread may not have run at all since; we do. */
    if (monitor == MONITOR_THREAD && now >= end)
        look_inline(p, e, true);
}
