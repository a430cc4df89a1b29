/* SPDX-License-Identifier: MIT */
#include "engine/publish/files.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/minmax.h"
#include "base/replace.h"
#include "engine/board/location.h"
#include "engine/publish/place.h"
#include "engine/publish/sample.h"
#include "engine/publish/snapshot.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define INTERVAL_NS (100 * NS_PER_MS) /* shortest, whatever the configuration says */
#define SPACING_NS  (50 * NS_PER_MS)  /* shortest, likewise */
#define SPACINGS    20                /* per interval */
#define SWEEP_NS    (60 * NS_PER_S)   /* the writer of a temporary file of this age is dead */

static int64_t sweep_at_ns;

static bool in_directory(const char *path, const char *dir)
{
    size_t n = dir ? strlen(dir) : 0;
    return path && n && strncmp(path, dir, n) == 0 && path[n] == '/';
}

/* Whether the state directory still has the board that is mapped here. False after a chroot, or when the
 * directory was removed and could not be created again: the files would describe a private board. */
static bool has_our_board(const struct engine *e, const struct config *c)
{
    static atomic_bool reported;
    if (!e->board->shared)
        return false;
    if (state_dir_has(c, &e->board_file))
        return true;
    if (!atomic_exchange(&reported, true))
        log_warn("%s: removed or not reachable; its files are no longer written", c->state);
    return false;
}

struct output files_to_write(const struct engine *e, const struct config *c)
{
    struct output o = {.snapshot = c->snapshot, .metrics = c->metrics};
    bool snapshot_in = in_directory(o.snapshot, c->state);
    bool metrics_in = in_directory(o.metrics, c->state);
    if ((snapshot_in || metrics_in) && !has_our_board(e, c)) {
        /* The files there describe the shared board, not the private one of this process. */
        o.snapshot = snapshot_in ? NULL : o.snapshot;
        o.metrics = metrics_in ? NULL : o.metrics;
    }
    o.shared = (!o.snapshot || snapshot_in) && (!o.metrics || metrics_in);
    return o;
}

int64_t files_interval_ns(const struct config *c)
{
    return larger(c->snapshot_interval_ns, INTERVAL_NS);
}

int64_t files_spacing_ns(const struct config *c)
{
    return larger(files_interval_ns(c) / SPACINGS, SPACING_NS);
}

uint64_t files_changes(const struct board_header *h)
{
    return atomic_load(&h->changes) + atomic_load(&h->transfers_easy);
}

bool files_are_current(const struct engine *e, const struct process *p, uint64_t changes)
{
    uint64_t by_all = atomic_load(&e->board->header->written_changes);
    uint64_t span = files_changes(e->board->header) - changes;
    return atomic_load(&p->written) - changes <= span || by_all - changes <= span;
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

static void remove_abandoned(const struct output *o, int64_t now_ns)
{
    if (now_ns < sweep_at_ns)
        return;
    sweep_at_ns = now_ns + SWEEP_NS;
    int64_t before_ns = clock_wall_ns() - SWEEP_NS;
    if (o->snapshot)
        replacement_sweep(o->snapshot, before_ns);
    if (o->metrics)
        replacement_sweep(o->metrics, before_ns);
}

void files_write(const struct engine *e, const struct config *c, const struct output *o)
{
    struct board_header *h = e->board->header;
    struct process *p = process_self();
    uint64_t seen = files_changes(h);
    char place[PLACE_SIZE];
    unsigned user = o->metrics ? location_user() : 0;
    struct snapshot_context x = {
        .board = e->board,
        .user = user,
        .place = o->metrics ? place_of(e->board, c->state, user, place) : NULL,
        .service = c->service,
        .mode = c->mode,
        .pid = getpid(),
        .seq = atomic_fetch_add(&h->snapshot_seq, 1) + 1,
        .now_ns = clock_now_ns(),
        .wall_ns = clock_wall_ns(),
        .interval_ns = files_interval_ns(c),
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
    bool whole = write_file(o->snapshot, room, size, snapshot_render, &x);
    whole &= write_file(o->metrics, room, size, metrics_render, &x);
    munmap(room, size);
    if (whole)
        atomic_store(&p->written, seen);
    /* What the files contain now; this may be less than another writer has noted in the meantime. */
    if (whole && o->shared && o->snapshot && o->metrics)
        atomic_store(&h->written_changes, seen);
    remove_abandoned(o, clock_now_ns());
}
