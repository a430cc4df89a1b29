/* SPDX-License-Identifier: MIT */
#include "engine/publish/flush.h"

#include "base/clock.h"
#include "base/replace.h"
#include "base/shield.h"
#include "engine/board/attached.h"
#include "engine/check/fork_guard.h"
#include "engine/publish/files.h"
#include "engine/publish/update.h"

#define FLUSH_NS (100 * NS_PER_MS) /* longest delay of an exit */
/* Until the next look at whether another thread or process has written. */
#define RETRY_NS (2 * NS_PER_MS)

struct last_update {
    struct process *process;
    struct engine *engine;
    bool wrote;
};

/* A call that ends after this one updates at once. */
static void update_last(void *arg)
{
    struct last_update *u = arg;
    int64_t later_ns = INT64_MAX, next_ns;
    atomic_store(&u->process->update_at_ns, later_ns);
    u->wrote = update_run(u->engine, UPDATE_LAST, &next_ns);
    atomic_compare_exchange_strong(&u->process->update_at_ns, &later_ns, 0);
}

/* At least two tries: on a busy machine the time may be over before the first ends. */
static void write_last(struct process *p, struct engine *e, uint64_t changes, int64_t end_ns)
{
    int64_t now_ns = 0;
    for (int tries = 0; tries < 2 || now_ns < end_ns; tries++) {
        struct last_update u = {.process = p, .engine = e};
        if (files_are_current(e, p, changes))
            return;
        shield_run(update_last, &u);
        if (u.wrote)
            return;
        process_wait(&p->updating, 1, clock_now_ns() + RETRY_NS);
        now_ns = clock_now_ns();
    }
    /* An alert: the process that has the lease writes again. */
    atomic_fetch_add(&e->board->header->alerts, 1);
    atomic_store(&e->board->header->snapshot_due_ns, 0);
}

/* False: another thread has been making an update all the time. */
static bool begin_last(struct process *p, int64_t end_ns)
{
    bool begun;
    while (!(begun = update_begin(p)) && clock_now_ns() < end_ns)
        process_wait(&p->updating, 1, clock_now_ns() + RETRY_NS);
    return begun;
}

/* What the background thread leaves behind: the end of the process stops it wherever it is. */
static void clear_away(struct process *p, const struct engine *e)
{
    const struct config *c = atomic_load(&e->config);
    uint64_t tag = atomic_load(&p->temp);
    update_return_lease(e->board->header);
    if (tag && c->snapshot)
        replacement_remove(c->snapshot, tag);
    if (tag && c->metrics)
        replacement_remove(c->metrics, tag);
}

/* The background thread cannot do this: it may not run again before the process ends, which would cut off
 * a write that it has begun. */
void flush_at_exit(void)
{
    struct process *p = process_self();
    struct engine *e = engine_peek();
    uint32_t updater = atomic_load(&p->updater);
    if (!e || (updater != UPDATER_THREAD && updater != UPDATER_CALLS))
        return;
    uint64_t changes = files_changes(e->board->header);
    int64_t end_ns = clock_now_ns() + FLUSH_NS;
    atomic_store(&p->closing, 1);
    check_guard_close();
    bool begun = begin_last(p, end_ns);
    if (begun)
        write_last(p, e, changes, end_ns);
    clear_away(p, e);
    attached_remove(e->board->header);
    atomic_store(&p->update_at_ns, 0);
    atomic_store(&p->updater, UPDATER_CALLS);
    if (begun)
        update_end(p);
}

void flush_now(void)
{
    struct process *p = process_self();
    struct engine *e = engine_peek();
    int64_t end_ns = clock_now_ns() + FLUSH_NS;
    if (!e || atomic_load(&p->updater) != UPDATER_CALLS || !begin_last(p, end_ns))
        return;
    write_last(p, e, files_changes(e->board->header), end_ns);
    update_end(p);
}
