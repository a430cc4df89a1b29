/* SPDX-License-Identifier: MIT
 *
 * A configuration while it is being put together: loader.c keeps what is brought in by config_file.c
 * and config_env.c, weakest layer first; config.c makes settings of it and owns its life. Everything that is kept is in one arena, so a
 * configuration that nobody uses can be freed as a whole. Lack of memory is remembered in `oom`
 * and told once, at the end. */
#ifndef ENGINE_CONFIG_BUILDER_H
#define ENGINE_CONFIG_BUILDER_H

#include "engine/config/config.h"

#include <stdbool.h>
#include <stddef.h>

struct loader {
    struct config *config;
    config_report *report;
    void *ctx;
    const char *file; /* being read; "environment" */
    bool oom;
};

/* Zeroed memory that lives as long as the configuration; NULL for lack of it. */
void *loader_keep(struct loader *l, size_t n);
const char *loader_copy(struct loader *l, const char *s, size_t n);

/* One wrong line: "FILE:LINE: subject: what is wrong". line 0: of the file as a whole. */
__attribute__((format(printf, 4, 5))) void loader_error(struct loader *l, int line,
                                                        const char *subject, const char *fmt, ...);

/* A value of a check as it may be shown: of a target, by that key or a misspelt one, nothing that could
 * be a user, path or query. */
void loader_show_value(char *out, size_t size, const char *key, const char *value);

/* The [host NAME] section, made when it is new; NULL for lack of memory. Not valid any more once
 * another one is made. */
struct section *loader_section(struct loader *l, const char *name, bool environment);
/* The same for [check NAME]. */
struct section *loader_check(struct loader *l, const char *name);
/* Checks a value and keeps it; s NULL: of [harden]. subject is for the error. */
void loader_set(struct loader *l, struct section *s, int option, const char *value, int line,
                const char *subject);

struct stat;
/* st NULL: not there. */
void config_file_note(struct config_file *f, const struct stat *st);

void loader_file(struct loader *l, const char *path, bool must_exist);
void loader_text(struct loader *l, const char *text, size_t n);
void loader_environment(struct loader *l);
/* What the sections say, as config->checks. */
void loader_settle_checks(struct loader *l);

#endif
