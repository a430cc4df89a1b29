/* SPDX-License-Identifier: MIT
 *
 * The objects that the program was started with, in the loader's order, and their functions: found
 * without the loader's help, because its lock may be held. By a dlopen() whose constructor waits for
 * the thread that calls us; by the code that a signal handler has interrupted.
 *
 *     open = scope_bound("open", "GLIBC_2.2.5");      what the loader binds a reference to
 *     connect = scope_next("connect", "");            what RTLD_NEXT means, from this object on
 *
 * None of these objects is ever unloaded, and none comes between them, so their list may be read at any
 * time. Any thread, signal handlers too; allocates nothing, and calls no function that imports.h
 * binds. */
#ifndef PRELOAD_SCOPE_H
#define PRELOAD_SCOPE_H

#include "symtab.h"

#include <link.h>
#include <stdbool.h>

/* Where the objects end that the program was started with; from the constructor. Until then, all that
 * are there are taken for such. */
void scope_note_last(void);

/* One after the other, the program first; NULL: no more, or the list cannot be found. */
const struct link_map *scope_after(const struct link_map *map);

/* `version` "": what a reference without one means. NULL: nobody has it. */
void *scope_bound(const char *name, const char *version);
void *scope_next(const char *name, const char *version);

/* The C library's own symbols, whatever is loaded before it; false: it is not known (musl). */
bool scope_libc(struct symtab *libc);
/* The object's own function. */
void *scope_own(const struct symtab *object, const char *name, const char *version);

#endif
