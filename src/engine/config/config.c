/* SPDX-License-Identifier: MIT */
#include "engine/config/config.h"

#include "base/compiler.h"
#include "base/env.h"
#include "base/words.h"
#include "engine/board/gcra.h"
#include "engine/board/place.h"
#include "engine/config/builder.h"
#include "engine/config/parse.h"
#include "engine/config/rules.h"

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

static const char *joined(struct builder *b, const char *directory, const char *name)
{
    size_t n = strlen(directory) + strlen(name) + 2;
    char *path = builder_keep(b, n);
    if (path)
        snprintf(path, n, "%s/%s", directory, name);
    return path;
}

static const char *absolute(struct builder *b, int option)
{
    char path[PATH_MAX];
    const char *value = text_of(b->config, option), *home = env_get("HOME");
    if (strncmp(value, "~/", 2) == 0 && home && (value = joined(b, home, value + 2)) == NULL)
        return NULL;
    const char *whole = env_absolute(value, path, sizeof(path));
    if (whole)
        return builder_copy(b, whole, strlen(whole));
    b->file = b->config->from[option].file;
    builder_error(b, b->config->from[option].line, options[option].name,
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
static const char *memory_directory(struct builder *b)
{
    char path[64], free[64] = "";
    unsigned user = place_user();
    for (int i = 0; i < MEMORY_PLACES; i++) {
        snprintf(path, sizeof(path), i ? "/dev/shm/harden-%u.%d" : "/dev/shm/harden-%u", user, i);
        enum place is = place_look(path);
        if (is == PLACE_OURS)
            return builder_copy(b, path, strlen(path));
        if (is == PLACE_FREE && !*free)
            snprintf(free, sizeof(free), "%s", path);
        if (is == PLACE_FOREIGN && !i && !b->config->state_taken)
            b->config->state_taken = builder_copy(b, path, strlen(path));
    }
    return builder_copy(b, *free ? free : path, strlen(*free ? free : path));
}

static const char *state_directory(struct builder *b)
{
    const char *runtime = env_get("XDG_RUNTIME_DIR");
    int option = option_find(SECTION_HARDEN, "state");
    if (is_word(b->config, option, "private"))
        return NULL;
    if (!is_word(b->config, option, "auto"))
        return absolute(b, option);
    if (!runtime || *runtime != '/')
        return memory_directory(b);
    if (place_is_ours(runtime)) {
        const char *path = joined(b, runtime, "harden");
        if (!path || place_look(path) != PLACE_FOREIGN)
            return path;
        b->config->state_taken = path;
    } else if (place_look(runtime) == PLACE_FOREIGN) {
        b->config->runtime_taken = builder_copy(b, runtime, strlen(runtime));
    }
    return memory_directory(b);
}

static const char *output(struct builder *b, const char *key, const char *name)
{
    struct config *c = b->config;
    int option = option_find(SECTION_HARDEN, key);
    if (is_word(c, option, "none"))
        return NULL;
    if (name && is_word(c, option, "auto"))
        return c->state ? joined(b, c->state, name) : NULL;
    return absolute(b, option);
}

static void settle_harden(struct builder *b)
{
    struct config *c = b->config;
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
                                               : absolute(b, log_to);
    if (!c->log_to)
        c->log_to = "stderr";
    c->state = state_directory(b);
    c->events = output(b, "events", NULL);
    c->snapshot = output(b, "snapshot", "health.json");
    c->metrics = output(b, "metrics", "metrics.prom");
}

static void settle_patterns(struct builder *b, struct section *s)
{
    const char *list = s->value[option_find(SECTION_HOST, "match")], *w;
    size_t n, count = 0;
    if (!list || !*list)
        list = s->name;
    /* A word takes two characters of the list at least. */
    s->patterns = builder_keep(b, (strlen(list) / 2 + 2) * sizeof(*s->patterns));
    while (s->patterns && (w = word_next(&list, &n)))
        s->patterns[count++] = builder_copy(b, w, n);
}

/* A number of tokens that stands for more time, at a rate of the same section, than may be owed.
 * What comes together from several sections is only cut. */
static void check_span(struct builder *b, const struct section *s, const char *key)
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
        b->file = s->from[own].file;
        builder_error(b, s->from[own].line, subject,
                      "at rate = %.100s that is more than 62 days' worth, and counts as %lld; "
                      "write at most %lld",
                      s->value[rate], (long long)most, (long long)most);
        return;
    }
}

static struct config *settle(struct builder *b)
{
    struct config *c = b->config;
    settle_harden(b);
    for (int i = 0; i < c->section_count; i++)
        settle_patterns(b, &c->sections[i]);
    for (int i = 0; i < c->section_count; i++) {
        check_span(b, &c->sections[i], "burst");
        check_span(b, &c->sections[i], "cost");
    }
    builder_settle_checks(b);
    if (!b->oom && rules_prepare(c))
        return c;
    config_discard(c);
    return NULL;
}

/* ---- the layers ---- */

static void read_files(struct builder *b)
{
    char path[PATH_MAX];
    const char *only = env_get("HARDEN_CONFIG"), *xdg = env_get("XDG_CONFIG_HOME");
    const char *home = env_get("HOME");
    if (only && *only) {
        if (strcmp(only, "none") == 0)
            return;
        b->file = only;
        const char *whole = env_absolute(only, path, sizeof(path));
        if (whole)
            builder_file(b, whole, true);
        else
            builder_error(b, 0, NULL, "the path is too long");
        return;
    }
    builder_file(b, SYSCONFDIR "/" FILE_NAME, false);
    if (xdg && *xdg == '/')
        snprintf(path, sizeof(path), "%s/" FILE_NAME, xdg);
    else if (home && *home == '/')
        snprintf(path, sizeof(path), "%s/.config/" FILE_NAME, home);
    else
        return;
    builder_file(b, path, false);
}

static bool begin(struct builder *b, config_report *report, void *ctx)
{
    struct arena memory = {NULL};
    *b = (struct builder){
        .config = arena_get(&memory, sizeof(*b->config)), .report = report, .ctx = ctx};
    if (b->config)
        b->config->memory = memory;
    return b->config != NULL;
}

struct config *config_load(config_report *report, void *ctx)
{
    struct builder b;
    int error = errno;
    if (!begin(&b, report, ctx))
        return NULL;
    read_files(&b);
    builder_environment(&b);
    struct config *c = settle(&b);
    errno = error;
    return c;
}

struct config *config_load_file(const char *path, config_report *report, void *ctx)
{
    struct builder b;
    if (!begin(&b, report, ctx))
        return NULL;
    builder_file(&b, path, true);
    return settle(&b);
}

struct config *config_load_text(const char *path, const char *text, size_t n, config_report *report,
                                void *ctx)
{
    struct builder b;
    if (!begin(&b, report, ctx))
        return NULL;
    if ((b.file = builder_copy(&b, path, strlen(path))))
        builder_text(&b, text, n);
    return settle(&b);
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
