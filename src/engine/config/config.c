/* SPDX-License-Identifier: MIT */
#include "engine/config/config.h"

#include "base/compiler.h"
#include "base/env.h"
#include "base/words.h"
#include "engine/board/gcra.h"
#include "engine/board/place.h"
#include "engine/config/builder.h"
#include "engine/config/rules.h"
#include "engine/config/values.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME     "harden/harden.ini"
#define MEMORY_PLACES 10

/* ---- from values to settings ---- */

static const char *text_of(const struct config *c, int option)
{
    return c->value[option] ? c->value[option] : options[option].fallback;
}

static const char *joined(struct loader *l, const char *directory, const char *name)
{
    size_t n = strlen(directory) + strlen(name) + 2;
    char *path = loader_keep(l, n);
    if (path)
        snprintf(path, n, "%s/%s", directory, name);
    return path;
}

static const char *absolute(struct loader *l, int option)
{
    char path[PATH_MAX];
    const char *value = text_of(l->config, option), *home = env_get("HOME");
    if (strncmp(value, "~/", 2) == 0 && home && (value = joined(l, home, value + 2)) == NULL)
        return NULL;
    const char *whole = env_absolute(value, path, sizeof(path));
    if (whole)
        return loader_copy(l, whole, strlen(whole));
    l->file = l->config->from[option].file;
    loader_error(l, l->config->from[option].line, options[option].name,
                 "the path is too long; write a shorter one");
    return NULL;
}

static bool is_word(const struct config *c, int option, const char *word)
{
    const char *s = text_of(c, option);
    return word_is(s, strlen(s), word);
}

/* Where everybody may make directories, the plain name may be taken by somebody else: then the first
 * of these that is ours, or that nobody has. */
static const char *memory_directory(struct loader *l)
{
    char path[64], free[64] = "";
    unsigned user = place_user();
    for (int i = 0; i < MEMORY_PLACES; i++) {
        snprintf(path, sizeof(path), i ? "/dev/shm/harden-%u.%d" : "/dev/shm/harden-%u", user, i);
        enum place is = place_look(path);
        if (is == PLACE_OURS)
            return loader_copy(l, path, strlen(path));
        if (is == PLACE_FREE && !*free)
            snprintf(free, sizeof(free), "%s", path);
        if (is == PLACE_FOREIGN && !i && !l->config->state_taken)
            l->config->state_taken = loader_copy(l, path, strlen(path));
    }
    return loader_copy(l, *free ? free : path, strlen(*free ? free : path));
}

static const char *state_directory(struct loader *l)
{
    const char *runtime = env_get("XDG_RUNTIME_DIR");
    int option = option_find(SECTION_HARDEN, "state");
    if (is_word(l->config, option, "private"))
        return NULL;
    if (!is_word(l->config, option, "auto"))
        return absolute(l, option);
    if (!runtime || *runtime != '/')
        return memory_directory(l);
    if (place_is_ours(runtime)) {
        const char *path = joined(l, runtime, "harden");
        if (!path || place_look(path) != PLACE_FOREIGN)
            return path;
        l->config->state_taken = path;
    } else if (place_look(runtime) == PLACE_FOREIGN) {
        l->config->runtime_taken = loader_copy(l, runtime, strlen(runtime));
    }
    return memory_directory(l);
}

static const char *output(struct loader *l, const char *key, const char *name)
{
    struct config *c = l->config;
    int option = option_find(SECTION_HARDEN, key);
    if (is_word(c, option, "none"))
        return NULL;
    if (name && is_word(c, option, "auto"))
        return c->state ? joined(l, c->state, name) : NULL;
    return absolute(l, option);
}

static void settle_harden(struct loader *l)
{
    struct config *c = l->config;
    union option_value v;
    char why[400];
    for (int i = 0; i < option_count; i++)
        if (options[i].section == SECTION_HARDEN && options[i].width &&
            option_parse(&options[i], text_of(c, i), &v, why, sizeof(why)))
            option_store(&options[i], &v, c);
    int service = option_find(SECTION_HARDEN, "service");
    int log_to = option_find(SECTION_HARDEN, "log_to");
    c->programs = text_of(c, option_find(SECTION_HARDEN, "programs"));
    c->service = is_word(c, service, "auto") ? env_program() : text_of(c, service);
    c->log_to = is_word(c, log_to, "stderr")   ? "stderr"
                : is_word(c, log_to, "syslog") ? "syslog"
                                               : absolute(l, log_to);
    if (!c->log_to)
        c->log_to = "stderr";
    c->state = state_directory(l);
    c->events = output(l, "events", NULL);
    c->snapshot = output(l, "snapshot", "health.json");
    c->metrics = output(l, "metrics", "metrics.prom");
}

static void settle_patterns(struct loader *l, struct section *s)
{
    const char *list = s->value[option_find(SECTION_HOST, "match")], *w;
    size_t n, count = 0;
    if (!list || !*list)
        list = s->name;
    /* A word takes two characters of the list at least. */
    s->patterns = loader_keep(l, (strlen(list) / 2 + 2) * sizeof(*s->patterns));
    while (s->patterns && (w = word_next(&list, &n)))
        s->patterns[count++] = loader_copy(l, w, n);
}

/* A number of tokens that stands for more time, at a rate of the same section, than may be owed.
 * What comes together from several sections is only cut. */
static void check_span(struct loader *l, const struct section *s, const char *key)
{
    int rate = option_find(SECTION_HOST, "rate"), own = option_find(SECTION_HOST, key);
    union option_value r, n;
    char why[400], subject[320];
    if (!s->value[rate] || !s->value[own] ||
        !option_parse(&options[rate], s->value[rate], &r, why, sizeof(why)) ||
        !option_parse(&options[own], s->value[own], &n, why, sizeof(why)))
        return;
    for (int i = 0; i < r.limit.rate_count; i++) {
        int64_t most = GCRA_DEBT_MAX_NS / r.limit.rates[i].interval_ns;
        if (n.number <= most)
            continue;
        snprintf(subject, sizeof(subject), "[host %.200s] %s = %.40s", s->name, key, s->value[own]);
        l->file = s->from[own].file;
        loader_error(l, s->from[own].line, subject,
                     "at rate = %.100s that is more than 62 days' worth, and counts as %lld; "
                     "write at most %lld",
                     s->value[rate], (long long)most, (long long)most);
        return;
    }
}

static struct config *settle(struct loader *l)
{
    struct config *c = l->config;
    settle_harden(l);
    for (int i = 0; i < c->section_count; i++)
        settle_patterns(l, &c->sections[i]);
    for (int i = 0; i < c->section_count; i++) {
        check_span(l, &c->sections[i], "burst");
        check_span(l, &c->sections[i], "cost");
    }
    loader_settle_checks(l);
    if (!l->oom && rules_prepare(c))
        return c;
    config_discard(c);
    return NULL;
}

/* ---- the layers ---- */

static void read_files(struct loader *l)
{
    char path[PATH_MAX];
    const char *only = env_get("HARDEN_CONFIG"), *xdg = env_get("XDG_CONFIG_HOME");
    const char *home = env_get("HOME");
    if (only && *only) {
        if (strcmp(only, "none") == 0)
            return;
        l->file = only;
        const char *whole = env_absolute(only, path, sizeof(path));
        if (whole)
            loader_file(l, whole, true);
        else
            loader_error(l, 0, NULL, "the path is too long");
        return;
    }
    loader_file(l, SYSCONFDIR "/" FILE_NAME, false);
    if (xdg && *xdg == '/')
        snprintf(path, sizeof(path), "%s/" FILE_NAME, xdg);
    else if (home && *home == '/')
        snprintf(path, sizeof(path), "%s/.config/" FILE_NAME, home);
    else
        return;
    loader_file(l, path, false);
}

static bool begin(struct loader *l, config_report *report, void *ctx)
{
    struct arena memory = {NULL};
    *l = (struct loader){
        .config = arena_get(&memory, sizeof(*l->config)), .report = report, .ctx = ctx};
    if (l->config)
        l->config->memory = memory;
    return l->config != NULL;
}

struct config *config_load(config_report *report, void *ctx)
{
    struct loader l;
    int error = errno;
    if (!begin(&l, report, ctx))
        return NULL;
    read_files(&l);
    loader_environment(&l);
    struct config *c = settle(&l);
    errno = error;
    return c;
}

struct config *config_load_file(const char *path, config_report *report, void *ctx)
{
    struct loader l;
    if (!begin(&l, report, ctx))
        return NULL;
    loader_file(&l, path, true);
    return settle(&l);
}

struct config *config_load_text(const char *path, const char *text, size_t n, config_report *report,
                                void *ctx)
{
    struct loader l;
    if (!begin(&l, report, ctx))
        return NULL;
    if ((l.file = loader_copy(&l, path, strlen(path))))
        loader_text(&l, text, n);
    return settle(&l);
}

void config_discard(struct config *c)
{
    struct arena memory = c->memory;
    arena_drop(&memory);
}

bool config_stale(const struct config *c)
{
    int error = errno;
    bool stale = false;
    for (int i = 0; i < c->file_count && !stale; i++) {
        const struct config_file *then = &c->files[i];
        struct config_file now = {.path = then->path};
        struct stat st;
        config_file_note(&now, stat(then->path, &st) == 0 ? &st : NULL);
        stale = now.present != then->present || now.dev != then->dev || now.ino != then->ino ||
                now.changed_ns != then->changed_ns || now.size != then->size;
    }
    errno = error;
    return stale;
}

bool config_limits(const struct config *c)
{
    int rate = option_find(SECTION_HOST, "rate");
    for (int i = 0; i < c->section_count; i++) {
        const char *value = c->sections[i].value[rate];
        if (value && !word_is(value, strlen(value), "none"))
            return true;
    }
    return false;
}

bool config_covers(const struct config *c, const char *program)
{
    const char *at = c->programs, *w;
    bool wanted = false, named = false;
    char glob[256];
    size_t n;
    if (c->mode == MODE_OFF)
        return false;
    while ((w = word_next(&at, &n))) {
        bool exclude = *w == '!';
        snprintf(glob, sizeof(glob), "%.*s", (int)n - exclude, w + exclude);
        bool hit = ascii_glob(glob, program);
        if (exclude && hit)
            return false;
        named = named || !exclude;
        wanted = wanted || (!exclude && hit);
    }
    return wanted || !named; /* nothing but exclusions: all others */
}
