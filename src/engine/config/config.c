/* SPDX-License-Identifier: MIT */
#include "engine/config/config.h"

#include "base/compiler.h"
#include "base/env.h"
#include "base/words.h"
#include "engine/config/builder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool begin_config(struct builder *b, const char *program, config_report *report, void *ctx)
{
    struct arena memory = {NULL};
    *b = (struct builder){.config = arena_get(&memory, sizeof(*b->config)),
                          .program = program,
                          .include = builder_include,
                          .report = report,
                          .ctx = ctx};
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

struct config *config_load_for(const char *program, const char *path, config_report *report,
                               void *ctx)
{
    struct builder b;
    int saved = errno;
    if (!begin_config(&b, program, report, ctx))
        return NULL;
    if (path)
        builder_read_file(&b, path, FILE_MUST_EXIST);
    else
        builder_read_files(&b);
    builder_apply_programs(&b);
    if (!path)
        builder_read_environment(&b);
    struct config *c = finish_config(&b);
    errno = saved;
    return c;
}

struct config *config_load(config_report *report, void *ctx)
{
    return config_load_for(env_program(), NULL, report, ctx);
}

struct config *config_load_file(const char *path, config_report *report, void *ctx)
{
    return config_load_for(env_program(), path, report, ctx);
}

struct config *config_load_text(const char *path, const char *text, size_t n, config_report *report,
                                void *ctx)
{
    struct builder b;
    if (!begin_config(&b, env_program(), report, ctx))
        return NULL;
    if ((b.file = builder_copy(&b, path, strlen(path))))
        builder_read_text(&b, text, n);
    builder_apply_programs(&b);
    return finish_config(&b);
}

void config_discard(struct config *c)
{
    struct arena memory = c->memory; /* c is in it */
    arena_drop(&memory);
}

bool config_has_limits(const struct config *c)
{
    const int keys[] = {option_find(SECTION_HOST, "rate"),
                        option_find(SECTION_HOST, "concurrency")};
    for (int i = 0; i < c->section_count; i++) {
        for (size_t k = 0; k < array_size(keys); k++) {
            const char *value = c->sections[i].value[keys[k]];
            if (value && !word_is(value, strlen(value), "none"))
                return true;
        }
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
