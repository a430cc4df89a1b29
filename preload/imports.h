/* SPDX-License-Identifier: MIT
 *
 * Binds the functions of the C library at the first call of one. With ordinary linking, and -z now,
 * the loader would look up a hundred functions at the start of every program, and few programs make
 * a transfer. Instead the build renames our calls: `open` becomes `libc_open`, a jump through a
 * slot (imports.S). The first such call binds all slots; from then on calls cost what the loader's
 * binding would cost.
 *
 * The loader makes the slots read-only; one thread makes them writable while it fills them. During
 * that time, in a child forked during it, and where memory cannot be made writable, a second table
 * leads calls to the same functions. So no call waits.
 *
 * A slot gets the C library's own function, at the version that the link recorded, and not the
 * replacement of another preloaded library. A replacement may return a false time or user, may hold
 * a lock shared with other processes, and is finalized before us at exit. Exceptions are the
 * functions that must be the same for the whole process: the allocator is the first in the global
 * order, and threads are created where a sanitizer sees them.
 *
 * With LAZY_IMPORTS=no (lazy.mk) none of this exists, and the loader binds the calls. */
#ifndef PRELOAD_IMPORTS_H
#define PRELOAD_IMPORTS_H

#include <stdbool.h>

/* Binds all slots unless that was done before. False: the C library lacks a function, so hooks must
 * only forward; a call of a missing function does nothing and returns 0. Any thread; preserves
 * errno. */
bool imports_ready(void);

#endif
