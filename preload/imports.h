/* SPDX-License-Identifier: MIT
 *
 * Functions of the C library, bound by ourselves. The library is linked to be bound at once, so the
 * loader would look up a hundred functions at the start of every program, of which hardly any ever
 * makes a transfer. Instead the build renames our calls: `open` becomes `libc_open`, a jump through
 * a slot (imports.S). The first such call binds all of them, and from then on everything is as if
 * the loader had done it; before, nothing has been paid.
 *
 * The slots lie among the data that the loader makes read-only. They are writable for the moment in
 * which they are filled, by one thread. Whoever comes at the same time, or in a child forked in
 * that moment, or where memory cannot be made writable, goes by a second table to the same
 * functions: nobody waits. Bound is the C library's own function at the version that the link
 * recorded, not what another preloaded library offers in its place: that one may tell a time that is
 * not the kernel's or a user who is not the real one, hold a lock that it shares with other processes,
 * and is taken down at exit before we are. What has to be everybody's is the exception: memory is the
 * first allocator's in the global order, and a thread is made where a sanitizer sees it.
 *
 * A library linked directly (LAZY_IMPORTS=no) has none of this, and calls what the loader binds. */
#ifndef PRELOAD_IMPORTS_H
#define PRELOAD_IMPORTS_H

#include <stdbool.h>

/* Binds what is not bound yet. False: the C library lacks a function, so stay out of everything. A
 * call of a missing function does nothing and returns 0. Any thread; preserves errno. */
bool imports_ready(void);

#endif
