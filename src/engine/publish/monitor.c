/* SPDX-License-Identifier: MIT */
#include "engine/publish/monitor.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/shield.h"
#include "engine/publish/background.h"
#include "engine/publish/files.h"
#include "engine/publish/update.h"

#include <unistd.h>

#define ALERT_TRIES 3 /* writes in a row by one call, while alerts come */

/* Notices that the configuration switches the engine on again. */
static void update_while_off(void)
{
    monitor_start();
    monitor_update(clock_now_ns());
}

static void start_monitor(void *process)
{
    struct process *p = process;
    uint32_t none = UPDATER_NONE;
    struct engine *e = engine_peek();
    if (!e || process_is_borrowed() ||
        !atomic_compare_exchange_strong(&p->updater, &none, UPDATER_STARTING))
        return;
    atomic_store(&p->pid, getpid());
    atomic_store(&p->parent, (uint32_t)getppid());
    board_settle_clock(e->board); /* a child may be in another time namespace than its parent */
    int64_t now_ns = clock_now_ns();
    update_schedule(e, now_ns);
    atomic_store(&p->first_ns, now_ns);
    atomic_store(&p->written, files_changes(e->board->header));
    update_attach(e);
    engine_while_off(update_while_off);
    atomic_store(&p->update_at_ns, 1); /* soon; 0 is for alerts */
    update_by_calls(p);
    if (background_is_needed(e))
        background_start(p, e);
}

HOT void monitor_start(void)
{
    struct process *p = process_self();
    if (unlikely(atomic_load_explicit(&p->updater, memory_order_relaxed) == UPDATER_NONE))
        shield_run(start_monitor, p);
}

HOT bool monitor_is_idle(int64_t now_ns)
{
    struct process *p = process_self();
    return atomic_load_explicit(&p->updater, memory_order_relaxed) != UPDATER_NONE &&
           now_ns < atomic_load_explicit(&p->update_at_ns, memory_order_relaxed);
}

HOT bool monitor_is_current(int64_t now_ns)
{
    return now_ns < atomic_load_explicit(&process_self()->reload_at_ns, memory_order_relaxed);
}

static void reload(void *now_ns)
{
    struct process *p = process_self();
    if (!update_begin(p))
        return;
    if (!atomic_load(&p->closing))
        update_reload(p, *(int64_t *)now_ns);
    update_end(p);
}

void monitor_refresh(int64_t now_ns)
{
    struct process *p = process_self();
    if (likely(monitor_is_current(now_ns)) || !engine_peek() ||
        atomic_load(&p->updater) != UPDATER_CALLS || atomic_load(&p->updating))
        return;
    shield_run(reload, &now_ns);
}

/* No other call may come, so alerts that come during a write are written by this call, too. */
static bool write_alerts(struct process *p, struct engine *e, enum urgency urgency,
                         int64_t *next_ns)
{
    const struct board_header *h = e->board->header;
    uint64_t alerts = atomic_load(&h->alerts), seen;
    bool wrote = update_run(e, urgency, next_ns), again = wrote;
    for (int i = 1; again && urgency != UPDATE_LAST && i < ALERT_TRIES; i++) {
        int64_t alert = 0;
        seen = alerts;
        alerts = atomic_load(&h->alerts);
        if (alerts == seen)
            break;
        atomic_compare_exchange_strong(&p->update_at_ns, &alert, INT64_MAX);
        again = update_run(e, UPDATE_URGENT, next_ns);
    }
    return wrote;
}

/* When the next call that ends makes an update. Changes of this moment that are not written stay
 * unwritten if no other call comes: in a program with several threads the background thread writes
 * them. */
static int64_t next_update_ns(struct process *p, struct engine *e, bool wrote, int64_t next_ns)
{
    const struct config *c = atomic_load(&e->config);
    int64_t age_ns = clock_now_ns() - atomic_load(&p->first_ns);
    if (background_is_needed(e)) {
        background_start(p, e);
        return next_ns;
    }
    if (!c->thread || age_ns < files_interval_ns(c) || (!c->snapshot && !c->metrics))
        return next_ns;
    if (wrote)
        return 1;
    if (process_tasks() > 1)
        background_start(p, e);
    return next_ns;
}

/* An alert that comes during the update sets process->update_at_ns to 0, which is kept: the next
 * call updates at once. */
static void update_by_call(struct process *p, struct engine *e, enum urgency urgency)
{
    int64_t later_ns = INT64_MAX, next_ns;
    if (atomic_exchange(&p->update_at_ns, later_ns) == 0 && urgency < UPDATE_URGENT)
        urgency = UPDATE_URGENT;
    bool wrote = write_alerts(p, e, urgency, &next_ns);
    if (urgency == UPDATE_LAST || (urgency == UPDATE_URGENT && !wrote))
        next_ns = 0;
    else
        next_ns = next_update_ns(p, e, wrote, next_ns);
    atomic_compare_exchange_strong(&p->update_at_ns, &later_ns, next_ns);
}

static void try_update(void *engine)
{
    struct process *p = process_self();
    if (!update_begin(p))
        return;
    update_by_call(p, engine, atomic_load(&p->closing) ? UPDATE_LAST : UPDATE_EARLY);
    update_end(p);
}

HOT void monitor_update(int64_t now_ns)
{
    struct process *p = process_self();
    if (likely(now_ns < atomic_load_explicit(&p->update_at_ns, memory_order_relaxed)))
        return;
    struct engine *e = engine_peek();
    if (!e)
        return;
    if (atomic_load(&p->updater) == UPDATER_THREAD) {
        atomic_store(&p->update_at_ns, INT64_MAX);
        atomic_store(&p->active, 1);
        if (atomic_load(&p->updater) == UPDATER_THREAD)
            return;
        /* The thread has just ended, perhaps without having seen this call. */
        atomic_store(&p->update_at_ns, 1);
    }
    if (atomic_load(&p->updater) == UPDATER_CALLS && !atomic_load(&p->updating))
        shield_run(try_update, e);
}
