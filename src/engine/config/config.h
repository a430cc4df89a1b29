/* SPDX-License-Identifier: MIT
 *
 * Configuration: built-in defaults, SYSCONFDIR/harden/harden.ini, the user's harden.ini, HARDEN_*
 * from the environment, weakest first. Parsed by inih; keys, types and defaults come from the one
 * table in options.h.
 *
 * The result is immutable and lives as long as the process: a reload makes a new one. Errors do not
 * stop anything: the bad key keeps its default, one line says what is wrong, and `errors` counts.
 *
 *     struct config *c = config_load(report, ctx);
 *
 * A file that others could have written (group or world writable, or of a foreign owner other than
 * root) is refused as a whole. */
#ifndef ENGINE_CONFIG_CONFIG_H
#define ENGINE_CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/log.h"
#include "engine/config/options.h"
#include "engine/config/target.h"
#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where a value came from, for `harden config`. */
struct origin {
    const char *file; /* NULL: built-in; "environment" */
    int line;         /* 0: none */
};

/* One [host PATTERN] or [check NAME] section as written: a value per row of the option table, NULL where not given.
 * Sections of the same name in several files are one section; the later file wins key by key. */
struct section {
    const char *name;      /* after the word: a pattern or a label, hosts in lower case; a NAME */
    const char **patterns; /* NULL-terminated: `match`, or the name itself */
    bool environment;      /* HARDEN_*: beats every section */
    struct origin at;      /* its first header */
    const char *value[OPTION_MAX];
    struct origin from[OPTION_MAX];
};

/* A file that was looked for, to notice a change. */
struct config_file {
    const char *path;
    bool present;
    dev_t dev;
    ino_t ino;
    int64_t changed_ns; /* ctime: a change of content or of permissions */
    int64_t size;
};

struct config {
    enum mode mode;
    const char *programs;
    const char *service;
    enum log_level log;
    const char *log_to;        /* absolute path, "stderr" or "syslog" */
    const char *events;        /* absolute path; NULL: none */
    const char *state;         /* absolute directory; NULL: private */
    const char *state_taken;   /* where `auto` would have put it, but somebody else has it; NULL */
    const char *runtime_taken; /* $XDG_RUNTIME_DIR, if it is somebody else's; NULL */
    uint32_t max_hosts;
    const char *snapshot; /* absolute path; NULL: none */
    const char *metrics;  /* absolute path; NULL: none */
    int64_t snapshot_interval_ns;
    bool deepbind_mask;
    bool thread;

    const char *value[OPTION_MAX]; /* the [harden] keys as written, NULL where not given */
    struct origin from[OPTION_MAX];
    struct section *sections;
    int section_count;
    struct section *check_sections;
    int check_section_count;
    struct check_config *checks; /* of the sections, those that can be run */
    int check_count;
    struct config_file files[2];
    int file_count;
    int errors;
    struct policy_cache *policies; /* rules.c */
    struct arena memory;           /* of all this, the struct included */
};

/* Gets each error as one line without a newline, "FILE:LINE: [section] key = value: what is wrong;
 * what would be right". */
typedef void config_report(void *ctx, const char *line);

/* Reads the files that the captured environment (base/env.h) names, and the environment. NULL only
 * for lack of memory. */
struct config *config_load(config_report *report, void *ctx);
/* One given file on top of the defaults, without the environment; for `harden config FILE`, tests
 * and fuzzing. */
struct config *config_load_file(const char *path, config_report *report, void *ctx);
/* The same for a text, which is reported as `path`. */
struct config *config_load_text(const char *path, const char *text, size_t n, config_report *report,
                                void *ctx);
/* Frees one that nobody else has seen, such as a reload with errors. */
void config_discard(struct config *c);
/* Whether one of its files was changed, made or removed since. */
bool config_is_stale(const struct config *c);
/* Whether any section sets a limit: then it matters who shares the board. */
bool config_has_limits(const struct config *c);
/* Whether `programs` covers this program and the mode is not off. */
bool config_covers(const struct config *c, const char *program);

#endif
