/* SPDX-License-Identifier: MIT */
#include "engine/config/config.h"

#include "base/env.h"
#include "base/words.h"
#include "engine/config/builder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FILE_NAME "harden/harden.ini"

/* HARDEN_CONFIG is read instead of the system's and the user's file. */
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
            builder_read_file(b, whole, FILE_MUST_EXIST);
        else
            builder_error(b, 0, NULL, "the path is too long");
        return;
    }
    builder_read_file(b, SYSCONFDIR "/" FILE_NAME, FILE_MAY_EXIST);
    if (xdg && *xdg == '/')
        snprintf(path, sizeof(path), "%s/" FILE_NAME, xdg);
    else if (home && *home == '/')
        snprintf(path, sizeof(path), "%s/.config/" FILE_NAME, home);
    else
        return;
    builder_read_file(b, path, FILE_OF_USER);
}

static bool begin_config(struct builder *b, config_report *report, void *ctx)
{
    struct arena memory = {NULL};
    *b = (struct builder){
        .config = arena_get(&memory, sizeof(*b->config)), .report = report, .ctx = ctx};
    if (b->config)
        b->config->memory = memory;
    return b->config != NULL;
}

static struct config *finish_config(struct builder *b)
{
    if (builder_finish(b))
        return b->config;
    config_discard(b->config);
    return NULL;
}

struct config *config_load(config_report *report, void *ctx)
{
    struct builder b;
    int saved = errno;
    if (!begin_config(&b, report, ctx))
        return NULL;
    read_files(&b);
    builder_read_environment(&b);
    struct config *c = finish_config(&b);
    errno = saved;
    return c;
}

struct config *config_load_file(const char *path, config_report *report, void *ctx)
{
    struct builder b;
    if (!begin_config(&b, report, ctx))
        return NULL;
    builder_read_file(&b, path, FILE_MUST_EXIST);
    return finish_config(&b);
}

struct config *config_load_text(const char *path, const char *text, size_t n, config_report *report,
                                void *ctx)
{
    struct builder b;
    if (!begin_config(&b, report, ctx))
        return NULL;
    if ((b.file = builder_copy(&b, path, strlen(path))))
        builder_read_text(&b, text, n);
    return finish_config(&b);
}

void config_discard(struct config *c)
{
    struct arena memory = c->memory; /* c is in it */
    arena_drop(&memory);
}

bool config_has_limits(const struct config *c)
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
    bool included = false, any_inclusion = false;
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
        any_inclusion = any_inclusion || !exclude;
        included = included || (!exclude && hit);
    }
    return included || !any_inclusion; /* only exclusions: all other programs are covered */
}
