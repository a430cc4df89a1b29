/* SPDX-License-Identifier: MIT
 *
 * The engine of this process: its configuration and its board. It opens at the first intercepted call, so
 * a program that does not use the network has no mapping, file or thread of this library.
 *
 *     struct engine *e = engine_get();
 *     if (!e)
 *         return real(...);            off, disabled, not covered, or failed: forward
 *
 * Invariants: one thread opens the engine, once; it is never closed. There is no lock: other threads
 * wait 100 ms at most for the one that opens, then forward their calls. A call by the opening itself is
 * forwarded at once. A reload replaces the configuration, and a board file that is removed or replaced
 * the board. The old ones stay valid, so a call reads each pointer once, `config` first, and uses what
 * it read.
 *
 * Any thread, unless a function says otherwise. All but engine_reload preserve errno. The child of a fork
 * keeps using the same board. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/board/board.h"
#include "engine/config/config.h"
#include "engine/state_dir.h"

#include <stdatomic.h>

struct engine {
    const struct config *_Atomic config;
    struct board *_Atomic board;
    struct state_file board_file; /* of a shared board */
};

/* Opens the engine if necessary. NULL: forward the call unchanged. */
struct engine *engine_get(void);
/* The engine if it is open and switched on. Never opens it, and never waits. */
struct engine *engine_active(void);
/* The engine if it is open, also while it is switched off. */
struct engine *engine_peek(void);
/* Whether it will never open: disabled, a program that is not covered, or a failure. */
bool engine_refused(void);

/* Before the program installs a filter of system calls that would forbid the library's own: from now on
 * the engine is closed, nothing is written or logged, and children inherit that. engine_release: the
 * filter could not be installed, and everything is as before. */
void engine_confine(void);
void engine_release(void);
bool engine_is_confined(void);

/* The current configuration, for callers that must not open the engine. Before the engine is open, it is
 * read, and its errors are not reported. NULL without memory. */
const struct config *engine_config(void);
/* Loads the configuration again if a file changed. A wrong one is reported, and the old one stays. One
 * thread at a time. */
void engine_reload(void);
/* Opens the board again if its file has been removed or replaced. Calls under way end on the old one.
 * Otherwise removes boards of other layouts that are not used any more. One thread at a time. */
void engine_reopen(void);
/* engine_get calls `callback` while the open engine is switched off by its configuration: that is how
 * publish/monitor, which is above this, notices a configuration that switches it on again. */
void engine_while_off(void (*callback)(void));

/* HARDEN_STRICT: checks the configuration at start. A wrong one ends the program with status 78. */
void engine_start_strict(void);
/* A failure inside the library: counted, and logged once for each `what`, a static string. The caller
 * then forwards the call. */
void engine_internal_error(const char *what);

struct text;
/* What the layers above contribute to the snapshot. */
struct engine_coverage {
    const char *const *hooks;
    void (*libcurls)(struct text *t);
};
extern struct engine_coverage engine_coverage;

#endif
