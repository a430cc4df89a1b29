/* SPDX-License-Identifier: MIT */
#include "engine/publish/update.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/replace.h"
#include "engine/publish/sample.h"
#include "engine/publish/snapshot.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define INTERVAL_NS (100 * NS_PER_MS) /* shortest, whatever the configuration says */
#define PAUSE_NS    (50 * NS_PER_MS)
#define PAUSES      20
#define SWEEP_NS    (60 * NS_PER_S) /* a temporary file of that age has lost its writer */

static int64_t sweep_at_ns;

static bool in_directory(const char *path, const char *dir)
{
    size_t n = dir ? strlen(dir) : 0;
    return path && n && strncmp(path, dir, n) == 0 && path[n] == '/';
}

/* Whether the state directory still has the board that is mapped here. Not after a chroot, or when it
 * was removed and could not be made again: its files would tell of a board nobody shares. */
static bool in_place(const struct engine *e, const struct config *c)
{
    static atomic_bool said;
    struct stat st;
    if (!e->board->shared)
        return false;
    if (engine_board_at(c->state, &st) && st.st_dev == e->dev && st.st_ino == e->ino)
        return true;
    if (!atomic_exchange(&said, true))
        log_warn("%s is gone or out of reach: its files are not written any more", c->state);
    return false;
}

struct targets monitor_targets(const struct engine *e, const struct config *c)
{
    struct targets t = {.snapshot = c->snapshot, .metrics = c->metrics};
    bool snapshot_in = in_directory(t.snapshot, c->state);
    bool metrics_in = in_directory(t.metrics, c->state);
    if ((snapshot_in || metrics_in) && !in_place(e, c)) {
        /* The files there speak for the shared board, and we are not on it. */
        t.snapshot = snapshot_in ? NULL : t.snapshot;
        t.metrics = metrics_in ? NULL : t.metrics;
    }
    t.shared = (!t.snapshot || snapshot_in) && (!t.metrics || metrics_in);
    return t;
}

int64_t monitor_interval_ns(const struct config *c)
{
    return c->snapshot_interval_ns > INTERVAL_NS ? c->snapshot_interval_ns : INTERVAL_NS;
}

int64_t monitor_pause_ns(const struct config *c)
{
    int64_t ns = monitor_interval_ns(c) / PAUSES;
    return ns > PAUSE_NS ? ns : PAUSE_NS;
}

uint64_t monitor_progress(const struct board_header *h)
{
    return atomic_load(&h->changes) + atomic_load(&h->transfers_easy);
}

static bool write_file(const char *path, char *room, size_t size,
                       void (*render)(struct text *, const struct snapshot_context *),
                       const struct snapshot_context *x)
{
    struct process *p = process_self();
    struct replacement f;
    if (!path)
        return true;
    replacement_open(&f, path, room, size);
    atomic_store(&p->temp, f.tag);
    if (!f.err)
        render(&f.text, x);
    bool written = replacement_close(&f) == 0;
    atomic_store(&p->temp, 0);
    if (!written)
        engine_internal_error("a snapshot could not be written");
    return written;
}

static void sweep(const struct targets *t, int64_t now_ns)
{
    if (now_ns < sweep_at_ns)
        return;
    sweep_at_ns = now_ns + SWEEP_NS;
    int64_t before_ns = clock_wall_ns() - SWEEP_NS;
    if (t->snapshot)
        replacement_sweep(t->snapshot, before_ns);
    if (t->metrics)
        replacement_sweep(t->metrics, before_ns);
}

void monitor_write(const struct engine *e, const struct config *c, const struct targets *t)
{
    struct board_header *h = e->board->header;
    struct process *p = process_self();
    uint64_t seen = monitor_progress(h);
    struct snapshot_context x = {
        .board = e->board,
        .service = c->service,
        .pid = getpid(),
        .seq = atomic_fetch_add(&h->snapshot_seq, 1) + 1,
        .now_ns = clock_now_ns(),
        .wall_ns = clock_wall_ns(),
        .interval_ns = monitor_interval_ns(c),
        .hooks = engine_coverage.hooks,
        .libcurls = engine_coverage.libcurls,
    };
    sample_take(e->board->history, e->board, x.now_ns);
    size_t size = snapshot_room(e->board);
    char *room = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) {
        engine_internal_error("no memory for a snapshot");
        return;
    }
    madvise(room, size, MADV_DONTFORK); /* a child would keep a copy for ever */
    bool whole = write_file(t->snapshot, room, size, snapshot_render, &x);
    whole &= write_file(t->metrics, room, size, metrics_render, &x);
    munmap(room, size);
    if (whole)
        atomic_store(&p->written, seen);
    /* Not the highest ever: what the files hold now, even if a faster writer was here meanwhile. */
    if (whole && t->shared && t->snapshot && t->metrics)
        atomic_store(&h->written_changes, seen);
    sweep(t, clock_now_ns());
}
