/* SPDX-License-Identifier: MIT
 *
 * The objects loaded at program start, in the loader's order, and their functions. Found without
 * the loader, because its lock may be held: by a dlopen() whose constructor waits for the calling
 * thread, or by the code that a signal handler has interrupted.
 *
 *     open = scope_resolve("open", "GLIBC_2.2.5");      what the loader binds a reference to
 *     connect = scope_next("connect", "");            what RTLD_NEXT means, from this object on
 *
 * None of these objects is ever unloaded, and none is inserted between them, so their list can be
 * read at any time. Any thread, also in a signal handler; allocates nothing, and calls no function
 * that imports.h binds. */
#ifndef PRELOAD_SCOPE_H
#define PRELOAD_SCOPE_H

#include "symtab.h"

#include <link.h>
#include <stdbool.h>

/* Called by the constructor: notes the last object loaded at program start. Before that, all loaded
 * objects count as such. */
void scope_note_last(void);

/* The object after `map`; for NULL the program itself. NULL: no more objects, or no list found. */
const struct link_map *scope_after(const struct link_map *map);

/* `version` "": a reference without one. NULL: no object defines it. */
void *scope_resolve(const char *name, const char *version);
void *scope_next(const char *name, const char *version);

/* The C library's own symbols, whatever is loaded before it. False: not found (musl). */
bool scope_libc(struct symtab *libc);
/* The function that `object` itself defines. */
void *scope_own(const struct symtab *object, const char *name, const char *version);

#endif
