/* SPDX-License-Identifier: MIT */
#include "engine/publish/files.h"

#include "base/clock.h"
#include "base/kernel.h"
#include "base/log.h"
#include "base/minmax.h"
#include "base/replace.h"
#include "engine/board/location.h"
#include "engine/publish/place.h"
#include "engine/publish/sample.h"
#include "engine/publish/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
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
    /* After an upgrade programs of two versions use two boards. They would replace each other's files again
     * and again, and the counters there would seem to be reset. */
    if (e->board->others.newer_in_use) {
        o.snapshot = snapshot_in ? NULL : o.snapshot;
        o.metrics = NULL;
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

/* A file of one of the two kinds. */
struct target {
    const char *path; /* NULL: not to be written */
    bool outside;     /* of the state directory */
    void (*render)(struct text *, const struct snapshot_context *);
    atomic_bool *reported;
};

/* Two users would replace each other's file again and again, each with its own figures. */
static bool is_another_users(const char *path)
{
    struct stat st;
    return !kernel_stat(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW) && st.st_uid != kernel_euid();
}

static void put_reason(struct text *t, const char *path, int err)
{
    char dir[PATH_MAX];
    struct stat st;
    struct text d = TEXT_OVER(dir);
    const char *slash = strrchr(path, '/');
    text_putn(&d, path, slash == path ? 1 : (size_t)(slash - path));
    if (err == -EPERM && is_another_users(path))
        text_put(
            t,
            "it belongs to another user; remove it, or give each user a file with %u in its name");
    else if (err == -EEXIST)
        text_put(t, "it is not a regular file; name another path");
    else if (kernel_stat(AT_FDCWD, dir, &st, 0) || !S_ISDIR(st.st_mode))
        text_put(t, "its directory is missing or out of reach; create it");
    else if (err == -EACCES || err == -EPERM)
        text_fmt(t,
                 "its directory is owned by user %u, with mode 0%o; let user %u create files there",
                 st.st_uid, st.st_mode & 07777, kernel_euid());
    else
        text_fmt(t, "errno %d", -err);
}

static void report_unwritten(const struct target *f, int err)
{
    char reason[256];
    struct text t = TEXT_OVER(reason);
    if (atomic_exchange(f->reported, true))
        return;
    put_reason(&t, f->path, err);
    log_error("%s: cannot be written: %s", f->path, reason);
}

static int replace_target(const struct target *f, mode_t mode, char *room, size_t size,
                          const struct snapshot_context *x)
{
    struct process *p = process_self();
    struct replacement r;
    if (f->outside && is_another_users(f->path))
        return -EPERM;
    replacement_open(&r, f->path, room, size);
    atomic_store(&p->temp, r.tag);
    if (f->outside)
        replacement_set_mode(&r, mode);
    if (!r.err)
        f->render(&r.text, x);
    int err = replacement_close(&r);
    atomic_store(&p->temp, 0);
    return err;
}

static bool write_target(const struct target *f, mode_t mode, char *room, size_t size,
                         const struct snapshot_context *x)
{
    int err = f->path ? replace_target(f, mode, room, size, x) : 0;
    if (err) {
        atomic_fetch_add(&x->board->header->internal_errors, 1);
        report_unwritten(f, err);
    }
    return !err;
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
    static atomic_bool reported[2];
    struct target snapshot = {o->snapshot, !in_directory(o->snapshot, c->state), snapshot_render,
                              &reported[0]};
    struct target metrics = {o->metrics, !in_directory(o->metrics, c->state), metrics_render,
                             &reported[1]};
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
    bool whole = write_target(&snapshot, c->files_mode, room, size, &x);
    whole &= write_target(&metrics, c->files_mode, room, size, &x);
    munmap(room, size);
    if (whole)
        atomic_store(&p->written, seen);
    /* What the files contain now; this may be less than another writer has noted in the meantime. */
    if (whole && o->shared && o->snapshot && o->metrics)
        atomic_store(&h->written_changes, seen);
    remove_abandoned(o, clock_now_ns());
}
