/* SPDX-License-Identifier: MIT
 *
 * Where a configuration lets the library write: state directory, snapshot, metrics, events and log.
 */
#include "base/env.h"
#include "base/kernel.h"
#include "base/text.h"
#include "engine/board/location.h"
#include "engine/config/builder.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define MEMORY_PLACES 10 /* names tried below /dev/shm */

static const char *join_path(struct builder *b, const char *directory, const char *name)
{
    size_t n = strlen(directory) + strlen(name) + 2;
    char *path = builder_keep(b, n);
    if (path)
        snprintf(path, n, "%s/%s", directory, name);
    return path;
}

/* Replaces %u, so that one line of a file of all users gives each a file of its own. */
static const char *expand_user(struct builder *b, const char *value)
{
    char path[PATH_MAX];
    struct text t = TEXT_OVER(path);
    if (!strchr(value, '%'))
        return value;
    for (const char *s = value; *s; s++) {
        if (s[0] == '%' && s[1] == 'u')
            text_u64(&t, kernel_euid());
        else
            text_putn(&t, s, 1);
        s += s[0] == '%' && (s[1] == 'u' || s[1] == '%');
    }
    return t.full ? value : builder_copy(b, path, t.n);
}

/* The value as an absolute path; NULL, and reported, when it is too long. */
static const char *absolute_path(struct builder *b, int option)
{
    char path[PATH_MAX];
    const char *value = builder_value(b, option), *home = env_get("HOME");
    if (option != option_find(SECTION_HARDEN, "log_to") && /* log.c expands that one */
        (value = expand_user(b, value)) == NULL)
        return NULL;
    if (strncmp(value, "~/", 2) == 0 && home && (value = join_path(b, home, value + 2)) == NULL)
        return NULL;
    const char *whole = env_absolute(value, path, sizeof(path));
    if (whole)
        return builder_copy(b, whole, strlen(whole));
    b->file = b->config->from[option].file;
    builder_error(b, b->config->from[option].line, options[option].name,
                  "the path is too long; write a shorter one");
    return NULL;
}

/* Any user can create directories in /dev/shm, so another one may have taken the plain name. Then it is
 * the first name that belongs to this user, else the first that is free. */
static const char *memory_directory(struct builder *b)
{
    char path[64], free[64] = "";
    unsigned user = location_user();
    for (int i = 0; i < MEMORY_PLACES; i++) {
        snprintf(path, sizeof(path), i ? "/dev/shm/harden-%u.%d" : "/dev/shm/harden-%u", user, i);
        enum location found = location_look(path);
        if (found == LOCATION_OWN)
            return builder_copy(b, path, strlen(path));
        if (found == LOCATION_FREE && !*free)
            snprintf(free, sizeof(free), "%s", path);
        if (found == LOCATION_FOREIGN && !i && !b->config->state_taken)
            b->config->state_taken = builder_copy(b, path, strlen(path));
    }
    return builder_copy(b, *free ? free : path, strlen(*free ? free : path));
}

/* Whether the directory is there, or can be made. */
static bool is_usable(const char *runtime, const char *path)
{
    return location_look(path) == LOCATION_OWN || location_is_writable(runtime);
}

static const char *usual_directory(struct builder *b)
{
    struct config *c = b->config;
    const char *runtime = env_get("XDG_RUNTIME_DIR");
    if (!runtime || *runtime != '/')
        return memory_directory(b);
    const char *path = location_is_own(runtime) ? join_path(b, runtime, "harden") : NULL;
    if (path && location_look(path) == LOCATION_FOREIGN)
        c->state_taken = path;
    else if (path && is_usable(runtime, path))
        return path;
    else if (location_look(runtime) != LOCATION_FREE)
        c->runtime_taken = builder_copy(b, runtime, strlen(runtime));
    return memory_directory(b);
}

/* A directory of another user counts as `auto`: a service may have one of root, and run its workers as
 * another user, as php-fpm does. */
static const char *state_directory(struct builder *b)
{
    int option = option_find(SECTION_HARDEN, "state");
    if (builder_value_is(b, option, "private"))
        return NULL;
    if (builder_value_is(b, option, "auto"))
        return usual_directory(b);
    const char *path = absolute_path(b, option);
    if (!path || !location_is_foreign(path))
        return path;
    b->config->state_refused = path;
    return usual_directory(b);
}

/* name: of the file in the state directory that `auto` stands for; NULL: the key has no `auto`. */
static const char *output_path(struct builder *b, const char *key, const char *name)
{
    int option = option_find(SECTION_HARDEN, key);
    const char *state = b->config->state;
    if (builder_value_is(b, option, "none"))
        return NULL;
    if (name && builder_value_is(b, option, "auto"))
        return state ? join_path(b, state, name) : NULL;
    return absolute_path(b, option);
}

static const char *log_path(struct builder *b)
{
    int option = option_find(SECTION_HARDEN, "log_to");
    if (builder_value_is(b, option, "syslog"))
        return "syslog";
    const char *path = builder_value_is(b, option, "stderr") ? NULL : absolute_path(b, option);
    return path ? path : "stderr";
}

void builder_finish_paths(struct builder *b)
{
    struct config *c = b->config;
    c->log_to = log_path(b);
    c->state = state_directory(b);
    c->events = output_path(b, "events", NULL);
    c->snapshot = output_path(b, "snapshot", "health.json");
    c->metrics = output_path(b, "metrics", "metrics.prom");
}
