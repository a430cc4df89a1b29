/* SPDX-License-Identifier: MIT */
#include "engine/engine.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/env.h"
#include "base/process.h"
#include "base/quiet.h"
#include "base/real.h"
#include "base/text.h"
#include "base/words.h"
#include "engine/board/place.h"
#include "engine/config/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_WAIT_NS (100 * NS_PER_MS)
#define EX_CONFIG    78

enum { CLOSED, OPEN, REFUSED };

static _Atomic int state;
static struct engine the_engine;
static struct engine *_Atomic active; /* NULL: forward; also while the mode is off */
static _Thread_local bool opening;    /* this very thread is at it */
static atomic_bool impatient;         /* an opener took too long: nobody waits any more */
static atomic_bool confined;
static int before_confined; /* state */

static void (*_Atomic while_off)(void);

struct engine_coverage engine_coverage;

void engine_while_off(void (*look)(void))
{
    atomic_store(&while_off, look);
}

bool engine_board_at(const char *dir, struct stat *st)
{
    char path[PATH_MAX];
    struct text t = TEXT_OVER(path);
    text_put(&t, dir);
    text_put(&t, "/" BOARD_NAME);
    return !t.full && stat(path, st) == 0;
}

static void make_parents(const char *dir)
{
    char path[PATH_MAX];
    for (const char *end = dir; (end = strchr(end + 1, '/'));) {
        struct text t = TEXT_OVER(path);
        text_putn(&t, dir, (size_t)(end - dir));
        if (t.full || !place_make(path))
            return;
    }
}

/* Where limits are to hold for all processes, and this one is alone: loudly. A directory that the user
 * named is expected to work, too; a lack of descriptors or disk space is not the configuration's
 * fault. */
static void complain(const struct config *c, bool named, const char *why)
{
    struct stat st;
    const char *dir = c->state;
    enum log_level level = config_has_limits(c) ? LOG_ERROR : LOG_WARN;
    enum log_level wrong = named ? LOG_ERROR : level;
    if (real_stat(AT_FDCWD, dir, &st, AT_SYMLINK_NOFOLLOW))
        log_at(wrong,
               "%s: %s (errno %d); name one that this user can make. The board is private to "
               "this process",
               dir, why, errno);
    else if (!S_ISDIR(st.st_mode))
        log_at(wrong, "%s: it is no directory; name one. The board is private to this process",
               dir);
    else if (st.st_uid != real_euid())
        log_at(wrong,
               "%s: it belongs to user %u; name one of user %u. The board is private to this "
               "process",
               dir, st.st_uid, real_euid());
    else if (st.st_mode & (S_IRWXG | S_IRWXO))
        log_at(wrong,
               "%s: its mode 0%o lets others in; make it 0700. The board is private to this "
               "process",
               dir, st.st_mode & 07777);
    else
        log_at(why == place_moves ? wrong : level, "%s: %s. The board is private to this process",
               dir, why);
}

static bool is_named(const struct config *c)
{
    const char *value = c->value[option_find(SECTION_HARDEN, "state")];
    return c->state && value && !ascii_same(value, "auto");
}

static void note_file(const char *dir)
{
    struct stat st = {0}, root = {0};
    if (dir && engine_board_at(dir, &st))
        stat("/", &root);
    the_engine.dev = st.st_dev;
    the_engine.ino = st.st_ino;
    the_engine.root_dev = root.st_dev;
    the_engine.root_ino = root.st_ino;
    the_engine.user = real_euid();
}

static bool open_board(const struct config *c)
{
    const char *why = NULL;
    bool named = is_named(c);
    if (named)
        make_parents(c->state);
    struct board *b = board_open(c->state, c->max_hosts, &why);
    if (!b)
        return false;
    if (why)
        complain(c, named, why);
    else if (c->state_taken)
        log_at(
            config_has_limits(c) ? LOG_ERROR : LOG_WARN,
            "%s: it belongs to somebody else; remove it, and start what runs anew. Until then the "
            "board is in %s",
            c->state_taken, c->state);
    else if (c->runtime_taken)
        log_at(config_has_limits(c) ? LOG_ERROR : LOG_WARN,
               "XDG_RUNTIME_DIR = %s: it belongs to somebody else; unset it. The board is in %s",
               c->runtime_taken, c->state);
    note_file(c->state);
    atomic_store(&the_engine.board, b);
    return true;
}

/* RemoveIPC at logout, rm -rf, an administrator who begins afresh: who is started now has another
 * board. Not in another root or as another user: there the file may be as it was, and unseen. */
void engine_reopen(void)
{
    const struct config *c = atomic_load(&the_engine.config);
    struct stat now, root;
    int saved = errno;
    bool there = atomic_load(&the_engine.board)->shared && engine_board_at(c->state, &now);
    bool gone = there ? now.st_dev != the_engine.dev || now.st_ino != the_engine.ino
                      : atomic_load(&the_engine.board)->shared && errno == ENOENT;
    if (gone && real_euid() == the_engine.user && !stat("/", &root) &&
        root.st_dev == the_engine.root_dev && root.st_ino == the_engine.root_ino) {
        if (is_named(c))
            make_parents(c->state);
        struct board *b = board_open(c->state, c->max_hosts, NULL);
        if (b && b->shared) {
            note_file(c->state);
            atomic_store(&the_engine.board, b);
            log_info("%s: the board was gone; it is opened again", c->state);
        } else {
            board_close(b);
        }
    }
    errno = saved;
}

static int open_now(void)
{
    if (env_disabled())
        return REFUSED;
    const struct config *c = settings_load();
    if (!c || !config_covers(c, env_program()))
        return REFUSED;
    if (!open_board(c))
        return REFUSED;
    atomic_store(&the_engine.config, c);
    atomic_store_explicit(&active, &the_engine, memory_order_release);
    return OPEN;
}

static void open_by_us(void *arg)
{
    (void)arg;
    opening = true;
    atomic_store_explicit(&state, open_now(), memory_order_release);
    opening = false;
}

/* False: another thread is at it. No signal handler comes in between, which would find itself there. */
static bool open_alone(struct process *p)
{
    struct quiet q;
    uint32_t nobody = 0;
    quiet_begin(&q);
    bool ours = atomic_compare_exchange_strong(&p->opening, &nobody, 1);
    if (ours) {
        if (atomic_load(&state) == CLOSED)
            quiet_run(open_by_us, NULL);
        atomic_store(&p->opening, 2);
        process_wake(&p->opening);
    }
    quiet_end(&q);
    return ours;
}

/* `opening` is in the page that a fork wipes: a child of a process that was just opening does not
 * wait for a thread that it does not have, but opens by itself. */
static struct engine *open_slowly(void)
{
    int now = atomic_load_explicit(&state, memory_order_acquire);
    void (*look)(void) = atomic_load(&while_off);
    if (now == OPEN && !opening && look)
        look();
    if (now != CLOSED || opening || process_is_borrowed())
        return atomic_load(&active);
    struct process *p = process_self();
    if (!open_alone(p) && !atomic_load(&impatient)) {
        int64_t end = clock_now_ns() + OPEN_WAIT_NS;
        while (atomic_load(&p->opening) == 1) {
            if (clock_now_ns() >= end) {
                atomic_store(&impatient, true);
                break;
            }
            process_wait(&p->opening, 1, end);
        }
    }
    return atomic_load_explicit(&active, memory_order_acquire);
}

HOT struct engine *engine_active(void)
{
    return atomic_load_explicit(&active, memory_order_acquire);
}

HOT struct engine *engine_get(void)
{
    struct engine *e = atomic_load_explicit(&active, memory_order_acquire);
    if (likely(e))
        return e;
    int saved = errno;
    e = open_slowly();
    errno = saved;
    return e;
}

struct engine *engine_peek(void)
{
    return atomic_load_explicit(&state, memory_order_acquire) == OPEN ? &the_engine : NULL;
}

bool engine_refused(void)
{
    return atomic_load_explicit(&state, memory_order_acquire) == REFUSED;
}

HOT bool engine_is_confined(void)
{
    return atomic_load_explicit(&confined, memory_order_relaxed);
}

void engine_confine(void)
{
    before_confined = atomic_exchange(&state, REFUSED);
    atomic_store(&active, NULL);
    settings_silence(true);
    quiet_confine(true);
    atomic_store(&confined, true);
}

void engine_release(void)
{
    const struct config *c = atomic_load(&the_engine.config);
    atomic_store(&confined, false);
    quiet_confine(false);
    settings_silence(false);
    atomic_store(&state, before_confined);
    if (before_confined == OPEN && config_covers(c, env_program()))
        atomic_store(&active, &the_engine);
}

static void say_nothing(void *ctx, const char *line)
{
    (void)ctx;
    (void)line; /* said when the engine opens */
}

static void load_silently(void *to)
{
    *(const struct config **)to = config_load(say_nothing, NULL);
}

const struct config *engine_config(void)
{
    static const struct config *_Atomic own;
    const struct engine *e = engine_peek();
    const struct config *c = e ? atomic_load(&e->config) : atomic_load(&own);
    if (likely(c))
        return c;
    quiet_run(load_silently, &c);
    atomic_store(&own, c);
    return c;
}

void engine_reload(void)
{
    if (!engine_peek())
        return;
    const struct config *c = settings_reload(atomic_load(&the_engine.config));
    if (!c)
        return;
    atomic_store(&the_engine.config, c);
    atomic_store(&active, config_covers(c, env_program()) ? &the_engine : NULL);
}

void engine_internal_error(const char *what)
{
    static const char *_Atomic said[8];
    struct engine *e = engine_peek();
    if (e)
        atomic_fetch_add(&e->board->header->internal_errors, 1);
    for (size_t i = 0; i < array_size(said); i++) {
        const char *free = NULL;
        if (atomic_compare_exchange_strong(&said[i], &free, what)) {
            log_error("%s", what);
            return;
        }
        if (free == what)
            return;
    }
}

void engine_start_strict(void)
{
    if (env_disabled() || !env_strict())
        return;
    const struct config *c = settings_load();
    if (c && config_covers(c, env_program()) && settings_report_errors(c))
        _exit(EX_CONFIG);
}
