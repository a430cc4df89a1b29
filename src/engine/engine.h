/* SPDX-License-Identifier: MIT
 *
 * The engine of this process: configuration and board, opened at the first intercepted call and not
 * before, so that a program without network has no mapping, no file and no thread of ours.
 *
 *     struct engine *e = engine_get();
 *     if (!e)
 *         return real(...);            off, disabled, not covered, or failed: forward
 *
 * Lazy, without a lock: the first caller opens, others wait a bounded time (then forward), a
 * re-entry by the opening thread forwards. The config pointer changes with a reload, the board where
 * its file has vanished; read them once a call. Preserves errno. After fork the child goes on with the
 * same board. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/board/board.h"
#include "engine/config/config.h"

#include <stdatomic.h>
#include <sys/types.h>

struct engine {
    const struct config *_Atomic config;
    struct board *_Atomic board; /* read it once a call, and after the config */
    /* Of a shared one: its file, and who saw it under which root, to tell a file that is gone from one
     * that is out of reach. */
    dev_t dev, root_dev;
    ino_t ino, root_ino;
    uid_t user;
};

/* NULL: forward the call as if we were not there. */
struct engine *engine_get(void);
/* As engine_get, where it is open: what can wait for anything is left to that one. */
struct engine *engine_active(void);
/* The engine if it is open, without opening it. */
struct engine *engine_peek(void);
/* Whether it was asked for and will never open: disabled, a program that is not covered. */
bool engine_refused(void);
/* The program is about to install a filter of system calls that would forbid what we do: from here on
 * the engine is closed, nothing is written or said, and children inherit that; or it could not, and
 * all is as before. */
void engine_confine(void);
void engine_release(void);
bool engine_is_confined(void);
/* The configuration in force; before the engine is open, for a question that must be answered
 * without opening it, it is read and nothing is said of it. NULL for lack of memory. */
const struct config *engine_config(void);
/* Where the file of the board is gone, or another is in its place, opens that one; what is under way
 * ends on the old one. By whoever writes the snapshot. */
void engine_reopen(void);
/* What engine_get calls while the open engine is switched off by its configuration. */
void engine_while_off(void (*look)(void));
/* Loads the configuration again if a file changed; a bad one keeps the old settings and says so. */
void engine_reload(void);
struct stat;
/* What the file of a state directory's board is. False: there is none. */
bool engine_board_at(const char *dir, struct stat *st);
/* Something inside failed and the call was forwarded: counted, and said once. */
void engine_internal_error(const char *what);
/* HARDEN_STRICT: the configuration is checked at start, and a bad one ends the program with 78. */
void engine_start_strict(void);

struct text;
/* What the layers above tell the snapshot about themselves. */
struct engine_coverage {
    const char *const *hooks;
    void (*libcurls)(struct text *t);
};
extern struct engine_coverage engine_coverage;

#endif
