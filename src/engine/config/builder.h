/* SPDX-License-Identifier: MIT
 *
 * Builds a configuration from what files and the environment say, the weakest source first. For
 * config.c and the files of this folder only.
 *
 *     struct builder b = {.config = c, .report = report, .ctx = ctx,     c is zeroed, has memory
 *                         .program = "curl", .include = builder_include};
 *     builder_read_file(&b, "/etc/harden/harden.ini", FILE_MAY_EXIST);   sections with their values
 *     builder_apply_programs(&b);
 *     builder_read_environment(&b);
 *     if (builder_finish(&b))                                            the members of *c
 *         ... c is complete, and not changed any more
 *
 * Until builder_finish() the configuration has only sections with values as text, each checked
 * when it is set. A later value replaces an earlier one of the same section and key.
 *
 * Everything is kept in the arena of the configuration, and freed with it. A failed allocation does
 * not stop the build: it sets out_of_memory, which builder_finish() returns as false. Errors are
 * reported and counted, and never stop the build either. One thread; errno is not preserved. */
#ifndef ENGINE_CONFIG_BUILDER_H
#define ENGINE_CONFIG_BUILDER_H

#include "engine/config/config.h"

#include <stdbool.h>
#include <stddef.h>

/* Room for a subject: what an error is about, "[host *] rate = 5/s". */
#define BUILDER_SUBJECT_SIZE 384

/* The positions of sections in their list, by a hash of their names: an entry is a position + 1, and 0
 * is free. */
struct section_index {
    uint32_t *entries;
    uint32_t size; /* a power of two, more than the number of sections; 0 at first */
};

struct builder {
    struct config *config;
    struct section_index hosts, checks, programs;
    config_report *report;
    void *ctx;
    const char *file;              /* that values come from, for errors: a path or "environment" */
    const struct reading *reading; /* the innermost of the files that are being read (files.c) */
    /* builder_include(), which reads files, for the lines of a file */
    void (*include)(struct builder *b, const char *value, int line, const char *subject);
    const char *program; /* whose [program] sections apply; NULL: none do */
    bool out_of_memory;
};

/* ---- the sources ---- */

/* Of a file or directory. */
enum file_need {
    FILE_MAY_EXIST,
    FILE_MUST_EXIST,
    FILE_OF_USER, /* below HOME, which may be another user's: then the file counts as absent */
};

/* HARDEN_CONFIG, or else the files and directories of the machine and of the user. */
void builder_read_files(struct builder *b);
void builder_read_file(struct builder *b, const char *path, enum file_need need);
/* Its files *.ini in the order of their names, without hidden ones. */
void builder_read_directory(struct builder *b, const char *path, enum file_need need);
/* The file that `include = value` names, at this line of b->file. */
void builder_include(struct builder *b, const char *value, int line, const char *subject);
/* The text of b->file. */
void builder_read_text(struct builder *b, const char *text, size_t n);
/* After the files: what [program GLOB] sections say about b->program overrides [harden] and [host *]. */
void builder_apply_programs(struct builder *b);
void builder_read_environment(struct builder *b);

/* ---- what the sources say ---- */

/* The [host NAME] or [override NAME] section, created if it is new; NULL without memory. A later call may
 * move it. */
struct section *builder_host_section(struct builder *b, const char *name, bool overrides);
/* The same for [check NAME]. */
struct section *builder_check_section(struct builder *b, const char *name);
/* The same for [program GLOB]; each file has its own. */
struct section *builder_program_section(struct builder *b, const char *glob);
/* Checks a value and keeps a copy, or reports it as `subject`. s NULL: of [harden]. */
void builder_set(struct builder *b, struct section *s, int option, const char *value, int line,
                 const char *subject);

/* Reports "FILE:LINE: subject: what is wrong". line 0: no single line is wrong. */
__attribute__((format(printf, 4, 5))) void builder_error(struct builder *b, int line,
                                                         const char *subject, const char *fmt, ...);
/* The value of a key of [check NAME] as an error may show it: "..." for a target, or the value of
 * an unknown key, with anything that may be a user, path or query. */
void builder_show_value(char *out, size_t size, const char *key, const char *value);

/* Zeroed memory that lives as long as the configuration; NULL without memory. */
void *builder_keep(struct builder *b, size_t n);
const char *builder_copy(struct builder *b, const char *s, size_t n);

/* ---- the end ---- */

/* Fills the configuration from the sections. False without memory. */
bool builder_finish(struct builder *b);
/* Parts of it: config->checks; the paths of [harden]. */
void builder_finish_checks(struct builder *b);
void builder_finish_paths(struct builder *b);
/* The value of a key of [harden], or its default. */
const char *builder_value(const struct builder *b, int option);
bool builder_value_is(const struct builder *b, int option, const char *word);

#endif
