/* SPDX-License-Identifier: MIT */
#include "engine/config/settings.h"

#include "base/env.h"
#include "base/events.h"
#include "base/hash.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define ERRORS_MAX 32

/* What was wrong with one load: the lines, as long as they fit, and a hash of each. Only the log
 * level, known at the end of the load, tells whether they are shown. */
struct errors {
    int count;
    uint64_t hash[ERRORS_MAX];
    struct text lines; /* each ends in a newline */
    char room[6144];
};

static const struct config *first; /* kept for whoever opens after HARDEN_STRICT looked */
static struct config *refused;     /* the last one with new errors, until its file changes */
static uint64_t accepted[ERRORS_MAX], said[ERRORS_MAX]; /* hashes of error lines; 0: free */

static bool has(const uint64_t set[ERRORS_MAX], uint64_t hash)
{
    for (int i = 0; i < ERRORS_MAX; i++)
        if (set[i] == hash)
            return true;
    return false;
}

static void add(uint64_t set[ERRORS_MAX], uint64_t hash)
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

static struct config *load(struct errors *e)
{
    e->count = 0;
    e->lines = TEXT_OVER(e->room);
    return config_load(collect, e);
}

static void say(struct errors *e)
{
    char *line = e->room;
    for (int i = 0; i < e->count && *line; i++) {
        char *end = strchrnul(line, '\n');
        bool last = !*end;
        *end = '\0';
        if (!has(said, e->hash[i]))
            log_error("%s", line);
        add(said, e->hash[i]);
        line = last ? end : end + 1;
    }
}

static void accept_errors(const struct errors *e)
{
    memset(accepted, 0, sizeof accepted);
    for (int i = 0; i < e->count; i++)
        add(accepted, e->hash[i]);
}

static const struct config *applied;

static void apply(const struct config *c)
{
    applied = c;
    log_set(c->log, c->log_to, env_program());
    events_set(c->events, c->service);
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* A file of the new state directory, in the one that stays. */
static const char *moved(struct config *c, const char *path, const char *from, const char *to)
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

/* The board that is open stays, and its files are written where it is. */
static void keep_opened(struct config *c, const struct config *opened)
{
    static bool told;
    bool other_state = !same(c->state, opened->state);
    if (other_state) {
        c->snapshot = moved(c, c->snapshot, c->state, opened->state);
        c->metrics = moved(c, c->metrics, c->state, opened->state);
    }
    /* `auto` may be another directory now, for somebody took or left one; that is nobody's wish. */
    int state = option_find(SECTION_HARDEN, "state");
    bool moved_by_user = other_state && !same(c->value[state], opened->value[state]);
    bool differs =
        moved_by_user || c->max_hosts != opened->max_hosts || c->thread != opened->thread;
    c->state = opened->state;
    c->max_hosts = opened->max_hosts;
    c->thread = opened->thread;
    if (differs && !told)
        log_error(
            "state, max_hosts and thread stay as they are until the program is started again");
    told = differs;
}

const struct config *settings_first(void)
{
    struct errors e;
    if (first)
        return first;
    const struct config *c = load(&e);
    if (!c)
        return NULL;
    if (config_covers(c, env_program())) { /* silent where it is not wanted */
        apply(c);
        say(&e);
    }
    accept_errors(&e);
    first = c;
    return c;
}

const struct config *settings_newer(const struct config *current)
{
    struct errors e;
    if (!config_stale(refused ? refused : current))
        return NULL;
    struct config *c = load(&e);
    if (!c)
        return NULL;
    if (refused)
        config_discard(refused);
    refused = NULL;
    /* What was already wrong when we started, say in the environment, cannot be held against a file
     * that is changed later. */
    for (int i = 0; i < e.count; i++) {
        if (!has(accepted, e.hash[i])) {
            say(&e);
            log_error("the changed configuration is not used; the settings stay as they were");
            refused = c;
            return NULL;
        }
    }
    keep_opened(c, current);
    memset(said, 0, sizeof said);
    accept_errors(&e);
    memcpy(said, accepted, sizeof said);
    apply(c);
    log_info("the configuration was read again");
    return c;
}

void settings_silence(bool silent)
{
    if (silent) {
        log_set(LOG_OFF, NULL, env_program());
        events_set(NULL, NULL);
    } else if (applied) {
        apply(applied);
    }
}

bool settings_wrong(const struct config *c)
{
    struct errors e;
    if (!c->errors)
        return false;
    if (log_level_now < LOG_ERROR && load(&e)) {
        log_set(LOG_ERROR, "stderr", env_program());
        memset(said, 0, sizeof said);
        say(&e);
    }
    return true;
}
