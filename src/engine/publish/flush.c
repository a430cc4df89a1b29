/* SPDX-License-Identifier: MIT
 *
 * What is written last: before the process ends, or before it may not write any more. */
#include "base/clock.h"
#include "base/replace.h"
#include "engine/board/attached.h"
#include "engine/check/thread.h"
#include "engine/publish/monitor.h"
#include "engine/publish/update.h"

#define FLUSH_NS (100 * NS_PER_MS) /* longest delay of an exit */
#define TRY_NS   (2 * NS_PER_MS)   /* between two looks whether somebody else has written */

/* Our thread will not come back from where it is. */
static void clear_away(struct process *p, const struct engine *e)
{
    const struct config *c = atomic_load(&e->config);
    uint64_t tag = atomic_load(&p->temp);
    monitor_give_lease(e->board->header);
    if (tag && c->snapshot)
        replacement_remove(c->snapshot, tag);
    if (tag && c->metrics)
        replacement_remove(c->metrics, tag);
}

/* Who does not get to it leaves it to the holder of the lease, as an alert does. At least two tries:
 * on a busy machine the time may be over before the first ends. */
static void write_last(struct process *p, struct engine *e, uint64_t since, int64_t end_ns)
{
    int64_t now = 0;
    for (int tries = 0; tries < 2 || now < end_ns; tries++) {
        if (monitor_is_written(e, p, since) || monitor_look_inline(p, e, LOOK_LAST))
            return;
        process_wait(&p->writing, 1, clock_now_ns() + TRY_NS);
        now = clock_now_ns();
    }
    atomic_fetch_add(&e->board->header->alerts, 1);
    atomic_store(&e->board->header->snapshot_due_ns, 0);
}

/* False: another thread has been at it all the time. */
static bool begin_last(struct process *p, int64_t end_ns)
{
    bool ours;
    while (!(ours = monitor_begin(p)) && clock_now_ns() < end_ns)
        process_wait(&p->writing, 1, clock_now_ns() + TRY_NS);
    return ours;
}

/* By the exiting thread: ours may not get to run any more, and what it has begun would be cut off
 * in the middle. Whatever the program still does after that is written inline. */
void monitor_flush(void)
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
    bool ours = begin_last(p, end);
    if (ours)
        write_last(p, e, since, end);
    clear_away(p, e);
    attached_remove(e->board->header);
    atomic_store(&p->inline_at_ns, 0);
    atomic_store(&p->monitor, MONITOR_INLINE);
    if (ours)
        monitor_end(p);
}

void monitor_sync(void)
{
    struct process *p = process_self();
    struct engine *e = engine_peek();
    int64_t end = clock_now_ns() + FLUSH_NS;
    if (!e || atomic_load(&p->monitor) != MONITOR_INLINE || !begin_last(p, end))
        return;
    write_last(p, e, monitor_progress(e->board->header), end);
    monitor_end(p);
}
