/* SPDX-License-Identifier: MIT
 *
 * A configuration while it is being put together: builder.c keeps what is brought in by files.c
 * and environment.c, weakest layer first; config.c makes settings of it and owns its life. Everything that is kept is in one arena, so a
 * configuration that nobody uses can be freed as a whole. Lack of memory is remembered in `oom`
 * and told once, at the end. */
#ifndef ENGINE_CONFIG_BUILDER_H
#define ENGINE_CONFIG_BUILDER_H

#include "engine/config/config.h"

#include <stdbool.h>
#include <stddef.h>

struct builder {
    struct config *config;
    config_report *report;
    void *ctx;
    const char *file; /* being read; "environment" */
    bool oom;
};

/* Zeroed memory that lives as long as the configuration; NULL for lack of it. */
void *builder_keep(struct builder *b, size_t n);
const char *builder_copy(struct builder *b, const char *s, size_t n);

/* One wrong line: "FILE:LINE: subject: what is wrong". line 0: of the file as a whole. */
__attribute__((format(printf, 4, 5))) void builder_error(struct builder *b, int line,
                                                         const char *subject, const char *fmt, ...);

/* A value of a check as it may be shown: of a target, by that key or a misspelt one, nothing that could
 * be a user, path or query. */
void builder_show_value(char *out, size_t size, const char *key, const char *value);

/* The [host NAME] section, made when it is new; NULL for lack of memory. Not valid any more once
 * another one is made. */
struct section *builder_section(struct builder *b, const char *name, bool environment);
/* The same for [check NAME]. */
struct section *builder_check(struct builder *b, const char *name);
/* Checks a value and keeps it; s NULL: of [harden]. subject is for the error. */
void builder_set(struct builder *b, struct section *s, int option, const char *value, int line,
                 const char *subject);

struct stat;
/* st NULL: not there. */
void config_file_note(struct config_file *f, const struct stat *st);

void builder_file(struct builder *b, const char *path, bool must_exist);
void builder_text(struct builder *b, const char *text, size_t n);
void builder_environment(struct builder *b);
/* What the sections say, as config->checks. */
void builder_settle_checks(struct builder *b);

#endif
