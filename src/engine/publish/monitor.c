/* SPDX-License-Identifier: MIT
 *
 * Who writes the snapshot, and when. A call that ends writes what is due, and what is not written
 * yet after a pause, for nobody knows whether another call comes. Of all processes of a board one
 * gets the lease. A writer that is killed loses it by time, and "due" is only moved on when the files
 * are in place, so the next one takes over. */
#include "engine/publish/monitor.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/quiet.h"
#include "engine/board/alert.h"
#include "engine/board/attached.h"
#include "engine/check/thread.h"
#include "engine/publish/update.h"
#include "engine/publish/snapshot.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEASE_NS    (500 * NS_PER_MS) /* as long as a killed writer keeps others from writing */
#define PER_HOST_NS (20 * NS_PER_US)  /* and more for a large board, which takes long */
#define GAP_NS      (50 * NS_PER_MS)  /* between two writes, however many alerts come */
#define NEWS_TRIES  3                 /* writes in a row by one call, while news come */

/* Of the thread that set process->writing. */
static struct {
    int64_t wrote_ns;
    int64_t reload_ns;
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
                      int64_t now_ns, enum hurry hurry, int64_t *next_ns)
{
    int64_t interval = hurry == LOOK_EARLY ? monitor_pause_ns(c) : monitor_interval_ns(c);
    if (hurry <= LOOK_EARLY) {
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

bool monitor_give_lease(struct board_header *h)
{
    int64_t mine = atomic_exchange(&process_self()->lease, 0);
    return mine && atomic_compare_exchange_strong(&h->snapshot_lease_ns, &mine, 0);
}

/* When the files of the board are to be written; not after now_ns: they are due. */
static int64_t due_ns(const struct engine *e, const struct config *c, int64_t now_ns,
                      enum hurry hurry)
{
    struct board_header *h = e->board->header;
    int64_t interval = monitor_interval_ns(c), at = atomic_load(&h->snapshot_due_ns);
    if (hurry == LOOK_LAST || !is_ahead(at, now_ns, interval))
        return now_ns;
    if (hurry != LOOK_EARLY || monitor_is_written(e, process_self(), monitor_progress(h)))
        return at;
    int64_t early = at - interval + monitor_pause_ns(c);
    return early > now_ns ? early : now_ns;
}

/* Writes the files of the board if they are due and nobody else is at it. */
static bool write_shared(const struct engine *e, const struct config *c, const struct targets *t,
                         int64_t now_ns, enum hurry hurry, int64_t *next_ns)
{
    struct board_header *h = e->board->header;
    int64_t interval = monitor_interval_ns(c), length = lease_ns(e->board);
    int64_t stagger = (getpid() & 63) * NS_PER_MS; /* so that usually one process wakes first */

    int64_t lease = atomic_load(&h->snapshot_lease_ns), at = due_ns(e, c, now_ns, hurry);
    *next_ns = at + stagger;
    if (at > now_ns)
        return false;
    *next_ns = now_ns + length + stagger;
    if (is_ahead(lease, now_ns, length) || !take_lease(h, lease, now_ns + length))
        return false;

    uint64_t alerts = atomic_load(&h->alerts);
    int64_t due = atomic_load(&h->snapshot_due_ns);
    at = due_ns(e, c, now_ns, hurry);
    if (at > now_ns) { /* the last holder has just written */
        monitor_give_lease(h);
        *next_ns = at + stagger;
        return false;
    }
    monitor_write(e, c, t);
    int64_t now = clock_now_ns();
    schedule.wrote_ns = now;
    *next_ns = now + interval;
    atomic_compare_exchange_strong(&h->snapshot_due_ns, &due, *next_ns);
    bool held = monitor_give_lease(h);
    /* Who alerted while we held the lease relies on us: we may have looked before its change. */
    if (held && atomic_load(&h->alerts) == alerts)
        return true;
    atomic_store(&h->snapshot_due_ns, 0);
    *next_ns = now + GAP_NS;
    return hurry != LOOK_LAST;
}

static void reopen(void)
{
    struct engine *e = engine_peek();
    struct board *was = e->board;
    engine_reopen();
    if (e->board != was)
        attached_add(e->board->header);
}

/* A call that begins does it where there is no thread. */
static void reload(struct process *p, int64_t now_ns)
{
    engine_reload();
    reopen();
    schedule.reload_ns = now_ns + monitor_interval_ns(engine_config());
    if (atomic_load(&p->monitor) == MONITOR_INLINE)
        atomic_store(&p->reload_at_ns, schedule.reload_ns);
}

bool monitor_look(struct engine *e, enum hurry hurry, int64_t *next_ns)
{
    board_settle_clock(e->board);
    int64_t now = clock_now_ns();
    if (now >= schedule.reload_ns && hurry != LOOK_LAST)
        reload(process_self(), now);
    const struct config *c = atomic_load(&e->config);
    struct targets t = monitor_targets(e, c);
    bool wrote = false;
    atomic_store(&e->board->header->alive_interval_ns, monitor_interval_ns(c));
    atomic_store(&e->board->header->alive_ns, now);
    *next_ns = schedule.reload_ns;
    if (!t.snapshot && !t.metrics)
        return true;

    int64_t write_ns = schedule.wrote_ns + GAP_NS;
    if (hurry >= LOOK_URGENT || now >= write_ns) {
        if (t.shared)
            wrote = write_shared(e, c, &t, now, hurry, &write_ns);
        else
            wrote = write_own(e, c, &t, now, hurry, &write_ns);
    }
    *next_ns = write_ns < *next_ns ? write_ns : *next_ns;
    return wrote;
}

/* With signals blocked, or a handler that leaves by a jump would leave it begun for ever. */
bool monitor_begin(struct process *p)
{
    return !atomic_exchange(&p->writing, 1);
}

void monitor_end(struct process *p)
{
    atomic_store(&p->writing, 0);
    if (atomic_load(&p->closing))
        process_wake(&p->writing);
}

void monitor_go_inline(struct process *p)
{
    atomic_store(&p->reload_at_ns, schedule.reload_ns);
    atomic_store(&p->monitor, MONITOR_INLINE);
}

/* Otherwise nothing would notice that it is switched on again. */
static void look_while_off(void)
{
    monitor_start();
    monitor_inline(clock_now_ns());
}

static void start(void *process)
{
    struct process *p = process;
    uint32_t none = MONITOR_NONE;
    struct engine *e = engine_peek();
    if (!e || process_is_borrowed() ||
        !atomic_compare_exchange_strong(&p->monitor, &none, MONITOR_STARTING))
        return;
    atomic_store(&p->pid, getpid());
    board_settle_clock(e->board); /* a child may be in another time name space than its parent */
    int64_t now_ns = clock_now_ns();
    schedule.wrote_ns = 0;
    schedule.reload_ns = now_ns + monitor_interval_ns(atomic_load(&e->config));
    atomic_store(&p->first_ns, now_ns);
    atomic_store(&p->written, monitor_progress(e->board->header));
    attached_add(e->board->header);
    engine_while_off(look_while_off);
    atomic_store(&p->inline_at_ns, 1); /* soon; 0 is for alerts */
    monitor_go_inline(p);
    if (monitor_wants_thread(e))
        monitor_thread_begin(p, e);
}

HOT void monitor_start(void)
{
    struct process *p = process_self();
    if (unlikely(atomic_load_explicit(&p->monitor, memory_order_relaxed) == MONITOR_NONE))
        quiet_run(start, p);
}

HOT bool monitor_is_quiet(int64_t now_ns)
{
    struct process *p = process_self();
    return atomic_load_explicit(&p->monitor, memory_order_relaxed) != MONITOR_NONE &&
           now_ns < atomic_load_explicit(&p->inline_at_ns, memory_order_relaxed);
}

HOT bool monitor_is_current(int64_t now_ns)
{
    return now_ns < atomic_load_explicit(&process_self()->reload_at_ns, memory_order_relaxed);
}

static void refresh(void *now_ns)
{
    struct process *p = process_self();
    if (!monitor_begin(p))
        return;
    if (!atomic_load(&p->closing))
        reload(p, *(int64_t *)now_ns);
    monitor_end(p);
}

void monitor_refresh(int64_t now_ns)
{
    struct process *p = process_self();
    if (likely(monitor_is_current(now_ns)) || !engine_peek() ||
        atomic_load(&p->monitor) != MONITOR_INLINE || atomic_load(&p->writing))
        return;
    quiet_run(refresh, &now_ns);
}

bool monitor_is_written(const struct engine *e, struct process *p, uint64_t since)
{
    uint64_t by_all = atomic_load(&e->board->header->written_changes);
    uint64_t span = monitor_progress(e->board->header) - since;
    return atomic_load(&p->written) - since <= span || by_all - since <= span;
}

/* Nobody may come again, so news that come while it writes are written by whoever writes. */
static bool write_news(struct process *p, struct engine *e, enum hurry hurry, int64_t *next_ns)
{
    const struct board_header *h = e->board->header;
    uint64_t alerts = atomic_load(&h->alerts), seen;
    bool wrote = monitor_look(e, hurry, next_ns), again = wrote;
    for (int i = 1; again && hurry != LOOK_LAST && i < NEWS_TRIES; i++) {
        int64_t alert = 0;
        seen = alerts;
        alerts = atomic_load(&h->alerts);
        if (alerts == seen)
            break;
        atomic_compare_exchange_strong(&p->inline_at_ns, &alert, INT64_MAX);
        again = monitor_look(e, LOOK_URGENT, next_ns);
    }
    return wrote;
}

/* When the next call that ends is to come here. What ends now and is not written yet would stay so
 * if no other call came: where the program has threads anyway, one of ours sees to it. */
static int64_t next_inline_ns(struct process *p, struct engine *e, bool wrote, int64_t next_ns)
{
    const struct config *c = atomic_load(&e->config);
    int64_t age_ns = clock_now_ns() - atomic_load(&p->first_ns);
    if (monitor_wants_thread(e)) {
        monitor_thread_begin(p, e);
        return next_ns;
    }
    if (!c->thread || age_ns < monitor_interval_ns(c) || (!c->snapshot && !c->metrics))
        return next_ns;
    if (wrote)
        return 1;
    if (process_tasks() > 1)
        monitor_thread_begin(p, e);
    return next_ns;
}

struct look {
    struct process *process;
    struct engine *engine;
    enum hurry hurry;
    bool wrote;
};

static void look(void *arg)
{
    struct look *l = arg;
    int64_t later = INT64_MAX, next;
    if (atomic_exchange(&l->process->inline_at_ns, later) == 0 && l->hurry < LOOK_URGENT)
        l->hurry = LOOK_URGENT;
    l->wrote = write_news(l->process, l->engine, l->hurry, &next);
    if (l->hurry == LOOK_LAST || (l->hurry == LOOK_URGENT && !l->wrote))
        next = 0;
    else
        next = next_inline_ns(l->process, l->engine, l->wrote, next);
    atomic_compare_exchange_strong(&l->process->inline_at_ns, &later, next);
}

static void look_alone(void *arg)
{
    struct look *l = arg;
    if (!monitor_begin(l->process))
        return;
    l->hurry = atomic_load(&l->process->closing) ? LOOK_LAST : LOOK_EARLY;
    look(l);
    monitor_end(l->process);
}

bool monitor_look_inline(struct process *p, struct engine *e, enum hurry hurry)
{
    struct look l = {.process = p, .engine = e, .hurry = hurry};
    quiet_run(look, &l);
    return l.wrote;
}

HOT void monitor_inline(int64_t now_ns)
{
    struct process *p = process_self();
    if (likely(now_ns < atomic_load_explicit(&p->inline_at_ns, memory_order_relaxed)))
        return;
    struct engine *e = engine_peek();
    if (!e)
        return;
    if (atomic_load(&p->monitor) == MONITOR_THREAD) {
        atomic_store(&p->inline_at_ns, INT64_MAX);
        atomic_store(&p->active, 1);
        if (atomic_load(&p->monitor) == MONITOR_THREAD)
            return;
        atomic_store(&p->inline_at_ns,
                     1); /* it has just ended, and may have seen nothing of this */
    }
    if (atomic_load(&p->monitor) == MONITOR_INLINE && !atomic_load(&p->writing))
        quiet_run(look_alone, &(struct look){.process = p, .engine = e});
}
