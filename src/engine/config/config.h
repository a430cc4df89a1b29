/* SPDX-License-Identifier: MIT
 *
 * A configuration, from these sources, the weakest first: built-in defaults,
 * harden.ini and the files in harden.d below SYSCONFDIR/harden, those of the user, HARDEN_* in the
 * environment.
 *
 *     struct config *c = config_load(report, ctx);
 *
 * [program GLOB] sections of the files override [harden] and [host *] for the programs that they name.
 *
 * Immutable once loaded, and in use until the process ends: a reload makes a new one (settings.h).
 * Any thread may read it.
 *
 * Errors never stop a load: a wrong value leaves its key at the default, one line reports it, and
 * `errors` counts it. A file that another user could have written (writable by group or others, or
 * owned by neither this user nor root) is refused as a whole. */
#ifndef ENGINE_CONFIG_CONFIG_H
#define ENGINE_CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/log.h"
#include "engine/config/check_target.h"
#include "engine/config/options.h"
#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Where a value comes from. */
struct origin {
    const char *file; /* a path or "environment"; NULL: the built-in default */
    int line;         /* 0: none */
};

/* One [host ...], [override ...], [check NAME] or [program GLOB] section as written. Sections of the same name,
 * in one file or several, are one section; a later file wins key by key. A [program] section belongs to one
 * file. */
struct section {
    const char *name;              /* a pattern (host in lower case) or label; NAME; GLOB */
    const char **patterns;         /* of a host: `match` or the name itself; NULL-terminated */
    bool overrides;                /* [override ...] or HARDEN_*: beats every [host] section */
    struct origin at;              /* of a check or program: its first header */
    const char *value[OPTION_MAX]; /* by row of the table of options; NULL: not given */
    struct origin from[OPTION_MAX];
};

/* A file or directory as it was when it was read, or was not there. */
struct config_file {
    const char *path;
    bool present;
    bool passed_over; /* another user's, not read */
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
    const char *state_taken;   /* what `auto` would be if another user did not own it; or NULL */
    const char *runtime_taken; /* $XDG_RUNTIME_DIR, if it cannot be used; or NULL */
    const char *state_refused; /* the named directory, if another user owns it; or NULL */
    uint32_t max_hosts;
    const char *snapshot; /* absolute path; NULL: none */
    const char *metrics;  /* absolute path; NULL: none */
    mode_t files_mode;    /* of those of the two that are not in the state directory */
    int64_t snapshot_interval_ns;
    bool deepbind_mask;
    bool thread;

    const char *value[OPTION_MAX]; /* the [harden] keys as written, NULL where not given */
    struct origin from[OPTION_MAX];
    struct section *sections;
    int section_count;
    struct section *check_sections;
    int check_section_count;
    struct check_config *checks; /* of those sections that are complete */
    int check_count;
    struct section *program_sections; /* all that files have, also those of other programs */
    int program_section_count;
    struct config_file *files;
    int file_count;
    struct config_file *directories; /* whose files are among those */
    int directory_count;
    int errors;
    struct policy_cache *policies; /* rules.c */
    struct arena memory;           /* of all this, the struct included */
};

/* Called with each error as one line without a newline, "FILE:LINE: [section] key = value: what is wrong;
 * what would be right". */
typedef void config_report(void *ctx, const char *line);

/* Reads the files and the environment (as captured by base/env.h). NULL without memory. Preserves
 * errno. */
struct config *config_load(config_report *report, void *ctx);
/* One given file on top of the defaults, without the environment: for `harden config FILE` and
 * tests. */
struct config *config_load_file(const char *path, config_report *report, void *ctx);
/* The same two for another program, by its base name; NULL: no [program] section applies. path NULL: the
 * files and the environment. */
struct config *config_load_for(const char *program, const char *path, config_report *report,
                               void *ctx);
/* The same for a text; errors name it `path`. */
struct config *config_load_text(const char *path, const char *text, size_t n, config_report *report,
                                void *ctx);
/* Frees a configuration that no other thread has seen, such as a reload with errors. */
void config_discard(struct config *c);
/* Whether one of its files or directories has been changed, created or removed since. */
bool config_is_stale(const struct config *c);
/* Whether any section sets a rate or a concurrency. Then it matters which processes share the board. */
bool config_has_limits(const struct config *c);
/* Whether `programs` includes this program and the mode is not off. */
bool config_covers(const struct config *c, const char *program);

#endif
