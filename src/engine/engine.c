/* SPDX-License-Identifier: MIT */
#include "engine/engine.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/env.h"
#include "base/process.h"
#include "base/shield.h"
#include "engine/config/settings.h"
#include "engine/presence.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#define OPEN_WAIT_NS (100 * NS_PER_MS)
#define EX_CONFIG    78

enum { CLOSED, OPEN, REFUSED };

static _Atomic int state;
static struct engine the_engine;
static struct engine *_Atomic active; /* NULL: forward the call; also while the mode is off */
static _Thread_local bool opening;    /* by this thread */
static atomic_bool impatient;         /* an opener took too long: no thread waits any more */
static atomic_bool confined;
static int before_confined; /* state */

static void (*_Atomic while_off)(void);

struct engine_coverage engine_coverage;

void engine_while_off(void (*callback)(void))
{
    atomic_store(&while_off, callback);
}

void engine_reopen(void)
{
    const struct config *c = atomic_load(&the_engine.config);
    int saved = errno;
    struct board *b =
        state_dir_reopen_board(c, atomic_load(&the_engine.board), &the_engine.board_file);
    if (b)
        atomic_store(&the_engine.board, b);
    else
        state_dir_tidy(c, atomic_load(&the_engine.board));
    errno = saved;
}

static int open_now(void)
{
    if (env_disabled())
        return REFUSED;
    const struct config *c = settings_load();
    if (!c)
        return REFUSED;
    if (!config_covers(c, env_program())) {
        settings_lend(c, presence_off);
        return REFUSED;
    }
    struct board *b = state_dir_open_board(c, &the_engine.board_file);
    if (!b)
        return REFUSED;
    presence_start(c, b);
    atomic_store(&the_engine.board, b);
    atomic_store(&the_engine.config, c);
    atomic_store_explicit(&active, &the_engine, memory_order_release);
    return OPEN;
}

static void open_in_quiet(void *arg)
{
    (void)arg;
    opening = true;
    atomic_store_explicit(&state, open_now(), memory_order_release);
    opening = false;
}

/* False: another thread is opening. Signals are blocked, because a call made by a signal handler would
 * wait for the thread that it interrupted. */
static bool open_alone(struct process *p)
{
    struct shield q;
    uint32_t none = OPENING_NOT;
    shield_begin(&q);
    bool alone = atomic_compare_exchange_strong(&p->opening, &none, OPENING_NOW);
    if (alone) {
        if (atomic_load(&state) == CLOSED)
            shield_run(open_in_quiet, NULL);
        atomic_store(&p->opening, OPENING_DONE);
        process_wake(&p->opening);
    }
    shield_end(&q);
    return alone;
}

/* process->opening is in the page that a fork wipes: the child of a process that is opening the engine
 * does not wait for a thread that it does not have, but opens the engine itself. */
static struct engine *open_slowly(void)
{
    int now = atomic_load_explicit(&state, memory_order_acquire);
    void (*callback)(void) = atomic_load(&while_off);
    if (now == OPEN && !opening && callback)
        callback();
    if (now != CLOSED || opening || process_is_borrowed())
        return atomic_load(&active);
    struct process *p = process_self();
    if (!open_alone(p) && !atomic_load(&impatient)) {
        int64_t end = clock_now_ns() + OPEN_WAIT_NS;
        while (atomic_load(&p->opening) == OPENING_NOW) {
            if (clock_now_ns() >= end) {
                atomic_store(&impatient, true);
                break;
            }
            process_wait(&p->opening, OPENING_NOW, end);
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
    shield_confine(true);
    atomic_store(&confined, true);
}

void engine_release(void)
{
    const struct config *c = atomic_load(&the_engine.config);
    atomic_store(&confined, false);
    shield_confine(false);
    settings_silence(false);
    atomic_store(&state, before_confined);
    if (before_confined == OPEN && config_covers(c, env_program()))
        atomic_store(&active, &the_engine);
}

static void report_nothing(void *ctx, const char *line)
{
    (void)ctx;
    (void)line; /* reported when the engine opens */
}

static void load_silently(void *to)
{
    *(const struct config **)to = config_load(report_nothing, NULL);
}

const struct config *engine_config(void)
{
    static const struct config *_Atomic own;
    const struct engine *e = engine_peek();
    const struct config *c = e ? atomic_load(&e->config) : atomic_load(&own);
    if (likely(c))
        return c;
    shield_run(load_silently, &c);
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
    bool was_on = atomic_load(&active), is_on = config_covers(c, env_program());
    atomic_store(&the_engine.config, c);
    atomic_store(&active, is_on ? &the_engine : NULL);
    if (was_on && !is_on)
        presence_off(c);
    else if (is_on && !was_on)
        presence_start(c, atomic_load(&the_engine.board));
}

void engine_internal_error(const char *what)
{
    static const char *_Atomic reported[8];
    struct engine *e = engine_peek();
    if (e)
        atomic_fetch_add(&e->board->header->internal_errors, 1);
    for (size_t i = 0; i < array_size(reported); i++) {
        const char *free = NULL;
        if (atomic_compare_exchange_strong(&reported[i], &free, what)) {
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
