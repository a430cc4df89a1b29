/* SPDX-License-Identifier: MIT */
#include "engine/config/settings.h"

#include "base/env.h"
#include "base/events.h"
#include "base/hash.h"
#include "base/kernel.h"
#include "base/text.h"

#include <limits.h>
#include <string.h>

#define ERRORS_MAX 32

/* The errors of one load: a hash of each line, and the lines, as far as they fit. They can be
 * logged only after the load, which brings the log level. */
struct errors {
    int count;
    uint64_t hash[ERRORS_MAX];
    struct text lines; /* each ends in a newline */
    char room[6144];
};

static const struct config *first; /* loaded before the engine is opened, if HARDEN_STRICT */
static uid_t first_user;           /* who loaded it: files and paths depend on that */
static struct config *refused;     /* had new errors; kept until one of its files changes */
/* Hashes of error lines; 0: free. */
static uint64_t accepted[ERRORS_MAX]; /* errors of the current configuration */
static uint64_t logged[ERRORS_MAX];

static bool set_has(const uint64_t set[ERRORS_MAX], uint64_t hash)
{
    for (int i = 0; i < ERRORS_MAX; i++)
        if (set[i] == hash)
            return true;
    return false;
}

static void set_add(uint64_t set[ERRORS_MAX], uint64_t hash)
{
    for (int i = 0; i < ERRORS_MAX; i++) {
        if (!set[i] || set[i] == hash) {
            set[i] = hash;
            return;
        }
    }
    set[hash % ERRORS_MAX] = hash;
}

static void collect(void *ctx, const char *line)
{
    struct errors *e = ctx;
    if (e->count < ERRORS_MAX) {
        e->hash[e->count++] = hash_bytes(line, strlen(line), 0);
        text_put(&e->lines, line);
        text_put(&e->lines, "\n");
    }
}

static struct config *load_config(struct errors *e)
{
    e->count = 0;
    e->lines = TEXT_OVER(e->room);
    return config_load(collect, e);
}

static void log_errors(struct errors *e)
{
    char *line = e->room;
    for (int i = 0; i < e->count && *line; i++) {
        char *end = strchrnul(line, '\n');
        bool last = !*end;
        *end = '\0';
        if (!set_has(logged, e->hash[i]))
            log_error("%s", line);
        set_add(logged, e->hash[i]);
        line = last ? end : end + 1;
    }
}

static void accept_errors(const struct errors *e)
{
    memset(accepted, 0, sizeof accepted);
    for (int i = 0; i < e->count; i++)
        set_add(accepted, e->hash[i]);
}

static const struct config *applied;

void settings_trace(void)
{
    static char room[PATH_MAX];
    static const char *path;
    const char *named = env_get("HARDEN_TRACE");
    if (!path && named && *named)
        path = env_absolute(named, room, sizeof room);
    events_trace(path);
}

static void set_outputs(const struct config *c, enum log_level level)
{
    log_set(level, c->log_to, env_program());
    events_set(c->events, c->service);
    settings_trace();
}

static void apply(const struct config *c)
{
    applied = c;
    set_outputs(c, c->log);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The path of a file in the state directory `from`, moved to the state directory `to`. */
static const char *move_path(struct config *c, const char *path, const char *from, const char *to)
{
    size_t n = from ? strlen(from) : 0;
    if (!path || !n || strncmp(path, from, n) != 0 || path[n] != '/')
        return path;
    size_t head = to ? strlen(to) : 0, tail = strlen(path + n);
    char *whole = to ? arena_get(&c->memory, head + tail + 1) : NULL;
    if (whole) {
        memcpy(whole, to, head);
        memcpy(whole + head, path + n, tail);
    }
    return whole;
}

/* The board is not opened again, so its directory and size stay, and its files are written there.
 */
static void keep_board(struct config *c, const struct config *opened)
{
    static bool reported;
    bool other_state = !same_text(c->state, opened->state);
    if (other_state) {
        c->snapshot = move_path(c, c->snapshot, c->state, opened->state);
        c->metrics = move_path(c, c->metrics, c->state, opened->state);
    }
    /* `auto` may lead to another directory than before, because another user created or removed
     * one. Only a change by the user is reported. */
    int state = option_find(SECTION_HARDEN, "state");
    bool moved_by_user = other_state && !same_text(c->value[state], opened->value[state]);
    bool differs =
        moved_by_user || c->max_hosts != opened->max_hosts || c->thread != opened->thread;
    c->state = opened->state;
    c->max_hosts = opened->max_hosts;
    c->thread = opened->thread;
    if (differs && !reported)
        log_error("state, max_hosts and thread stay unchanged until the program is restarted");
    reported = differs;
}

const struct config *settings_load(void)
{
    struct errors e;
    if (first && first_user == kernel_euid())
        return first;
    const struct config *c = load_config(&e);
    if (!c)
        return NULL;
    if (config_covers(c, env_program())) { /* else nothing is logged */
        apply(c);
        log_errors(&e);
    }
    accept_errors(&e);
    first = c;
    first_user = kernel_euid();
    return c;
}

const struct config *settings_reload(const struct config *current)
{
    struct errors e;
    if (!config_is_stale(refused ? refused : current))
        return NULL;
    struct config *c = load_config(&e);
    if (!c)
        return NULL;
    if (refused)
        config_discard(refused);
    refused = NULL;
    /* Errors of the current configuration, for example in the environment, are no reason to refuse
     * a file that has changed since. */
    for (int i = 0; i < e.count; i++) {
        if (!set_has(accepted, e.hash[i])) {
            log_errors(&e);
            log_error("the changed configuration is not used; the previous one stays in use");
            refused = c;
            return NULL;
        }
    }
    keep_board(c, current);
    memset(logged, 0, sizeof logged);
    accept_errors(&e);
    memcpy(logged, accepted, sizeof logged);
    apply(c);
    log_info("the configuration was reloaded");
    return c;
}

void settings_silence(bool silent)
{
    if (silent) {
        log_set(LOG_OFF, NULL, env_program());
        events_set(NULL, NULL);
        events_trace(NULL);
    } else if (applied) {
        apply(applied);
    }
}

void settings_lend(const struct config *c, void (*say)(const struct config *c))
{
    set_outputs(c, c->log < LOG_DEBUG ? LOG_OFF : c->log);
    say(c);
    settings_silence(true);
}

bool settings_report_errors(const struct config *c)
{
    struct errors e;
    if (!c->errors)
        return false;
    if (log_level_now < LOG_ERROR && load_config(&e)) {
        log_set(LOG_ERROR, "stderr", env_program());
        memset(logged, 0, sizeof logged);
        log_errors(&e);
    }
    return true;
}
