/* SPDX-License-Identifier: MIT */
#include "engine/publish/update.h"

#include "base/clock.h"
#include "base/minmax.h"
#include "engine/board/attached.h"
#include "engine/publish/files.h"
#include "engine/publish/pause_end.h"

#include <sys/stat.h>
#include <unistd.h>

#define LEASE_NS    (500 * NS_PER_MS) /* how long a killed writer keeps others from writing */
#define PER_HOST_NS (20 * NS_PER_US)  /* added for each slot: a large board takes longer */
#define GAP_NS      (50 * NS_PER_MS)  /* least time between two writes, however many alerts come */

/* Used only between update_begin and update_end. */
static struct {
    int64_t wrote_ns;
    int64_t reload_ns;
} schedule;

/* ---- files of this process alone ------------------------------------------------------------ */

/* Another process may be configured to write the same file, so its age decides. */
static int64_t fresh_until_ns(const char *path, int64_t interval_ns, int64_t now_ns)
{
    struct stat st;
    if (!path || stat(path, &st) < 0)
        return 0;
    int64_t age_ns = clock_wall_ns() - (st.st_mtim.tv_sec * NS_PER_S + st.st_mtim.tv_nsec);
    return age_ns >= 0 && age_ns < interval_ns ? now_ns + interval_ns - age_ns : 0;
}

static bool write_own(const struct engine *e, const struct config *c, const struct output *o,
                      int64_t now_ns, enum urgency urgency, int64_t *next_ns)
{
    int64_t interval_ns = urgency == UPDATE_EARLY ? files_spacing_ns(c) : files_interval_ns(c);
    if (urgency <= UPDATE_EARLY) {
        int64_t snapshot_ns =
            o->snapshot ? fresh_until_ns(o->snapshot, interval_ns, now_ns) : INT64_MAX;
        int64_t metrics_ns =
            o->metrics ? fresh_until_ns(o->metrics, interval_ns, now_ns) : INT64_MAX;
        *next_ns = smaller(snapshot_ns, metrics_ns);
        if (*next_ns > now_ns)
            return false;
    }
    files_write(e, c, o);
    schedule.wrote_ns = clock_now_ns();
    *next_ns = schedule.wrote_ns + interval_ns;
    return true;
}

/* ---- files that all processes of the board share -------------------------------------------- */

/* Whether a time on the board is still to come. A time further ahead than this process would set it is
 * ignored: the board may be damaged, or its writer has a longer interval. */
static bool is_ahead(int64_t at_ns, int64_t now_ns, int64_t length_ns)
{
    return at_ns > now_ns && at_ns - now_ns <= length_ns + NS_PER_S;
}

static int64_t lease_length_ns(const struct board *b)
{
    return LEASE_NS + b->slot_count * PER_HOST_NS;
}

/* Noted in the process before it is taken, so that an exit at any point can return it. */
static bool take_lease(struct board_header *h, int64_t seen, int64_t mine)
{
    struct process *p = process_self();
    atomic_store(&p->lease, mine);
    if (atomic_compare_exchange_strong(&h->snapshot_lease_ns, &seen, mine))
        return true;
    atomic_store(&p->lease, 0);
    return false;
}

bool update_return_lease(struct board_header *h)
{
    int64_t mine = atomic_exchange(&process_self()->lease, 0);
    return mine && atomic_compare_exchange_strong(&h->snapshot_lease_ns, &mine, 0);
}

/* When the files are due; now_ns or earlier: at once. */
static int64_t due_ns(const struct engine *e, const struct config *c, int64_t now_ns,
                      enum urgency urgency)
{
    struct board_header *h = e->board->header;
    int64_t interval_ns = files_interval_ns(c), at_ns = atomic_load(&h->snapshot_due_ns);
    if (urgency == UPDATE_LAST || !is_ahead(at_ns, now_ns, interval_ns))
        return now_ns;
    if (urgency != UPDATE_EARLY || files_are_current(e, process_self(), files_changes(h)))
        return at_ns;
    return larger(at_ns - interval_ns + files_spacing_ns(c), now_ns);
}

static bool write_shared(const struct engine *e, const struct config *c, const struct output *o,
                         int64_t now_ns, enum urgency urgency, int64_t *next_ns)
{
    struct board_header *h = e->board->header;
    int64_t interval_ns = files_interval_ns(c), length_ns = lease_length_ns(e->board);
    int64_t stagger_ns = (getpid() & 63) * NS_PER_MS; /* so that usually one process wakes first */

    int64_t lease = atomic_load(&h->snapshot_lease_ns), at_ns = due_ns(e, c, now_ns, urgency);
    *next_ns = at_ns + stagger_ns;
    if (at_ns > now_ns)
        return false;
    *next_ns = now_ns + length_ns + stagger_ns;
    if (is_ahead(lease, now_ns, length_ns) || !take_lease(h, lease, now_ns + length_ns))
        return false;

    uint64_t alerts = atomic_load(&h->alerts);
    int64_t due = atomic_load(&h->snapshot_due_ns);
    at_ns = due_ns(e, c, now_ns, urgency);
    if (at_ns > now_ns) { /* the last writer has just finished */
        update_return_lease(h);
        *next_ns = at_ns + stagger_ns;
        return false;
    }
    files_write(e, c, o);
    schedule.wrote_ns = clock_now_ns();
    *next_ns = schedule.wrote_ns + interval_ns;
    atomic_compare_exchange_strong(&h->snapshot_due_ns, &due, *next_ns);
    bool kept = update_return_lease(h);
    /* A process that alerted during the lease relies on this one, which may have read the slots before
     * the change. */
    if (kept && atomic_load(&h->alerts) == alerts)
        return true;
    atomic_store(&h->snapshot_due_ns, 0);
    *next_ns = schedule.wrote_ns + GAP_NS;
    return urgency != UPDATE_LAST;
}

/* ---- one update ----------------------------------------------------------------------------- */

static enum mode mode_in_force(void)
{
    const struct engine *e = engine_active();
    return e ? atomic_load(&e->config)->mode : MODE_OFF;
}

void update_attach(const struct engine *e)
{
    attached_add(e->board->header, mode_in_force());
}

static void reopen_board(void)
{
    struct engine *e = engine_peek();
    struct board *was = e->board;
    engine_reopen();
    if (e->board != was)
        update_attach(e);
    else
        attached_set_mode(e->board->header, mode_in_force());
}

void update_reload(struct process *p, int64_t now_ns)
{
    engine_reload();
    reopen_board();
    schedule.reload_ns = now_ns + files_interval_ns(engine_config());
    if (atomic_load(&p->updater) == UPDATER_CALLS)
        atomic_store(&p->reload_at_ns, schedule.reload_ns);
}

bool update_run(struct engine *e, enum urgency urgency, int64_t *next_ns)
{
    board_settle_clock(e->board);
    int64_t now_ns = clock_now_ns();
    if (now_ns >= schedule.reload_ns && urgency != UPDATE_LAST)
        update_reload(process_self(), now_ns);
    const struct config *c = atomic_load(&e->config);
    struct output o = files_to_write(e, c);
    bool wrote = false;
    int64_t pause_ns;
    if (pause_end_announce(e->board, now_ns, &pause_ns) && urgency < UPDATE_SOON)
        urgency = UPDATE_SOON;
    atomic_store(&e->board->header->alive_interval_ns, files_interval_ns(c));
    atomic_store(&e->board->header->alive_ns, now_ns);
    *next_ns = smaller(schedule.reload_ns, pause_ns);
    if (!o.snapshot && !o.metrics)
        return true;

    int64_t write_ns = schedule.wrote_ns + GAP_NS;
    if (urgency >= UPDATE_URGENT || now_ns >= write_ns) {
        if (o.shared)
            wrote = write_shared(e, c, &o, now_ns, urgency, &write_ns);
        else
            wrote = write_own(e, c, &o, now_ns, urgency, &write_ns);
    }
    *next_ns = smaller(write_ns, *next_ns);
    return wrote;
}

bool update_begin(struct process *p)
{
    return !atomic_exchange(&p->updating, 1);
}

void update_end(struct process *p)
{
    atomic_store(&p->updating, 0);
    if (atomic_load(&p->closing))
        process_wake(&p->updating);
}

void update_schedule(const struct engine *e, int64_t now_ns)
{
    schedule.wrote_ns = 0;
    schedule.reload_ns = now_ns + files_interval_ns(atomic_load(&e->config));
}

void update_by_calls(struct process *p)
{
    atomic_store(&p->reload_at_ns, schedule.reload_ns);
    atomic_store(&p->updater, UPDATER_CALLS);
}
