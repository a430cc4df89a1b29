/* SPDX-License-Identifier: MIT
 *
 * connect() may be called in a signal handler, and by an allocator. Then the program's allocator may be
 * in the midst of its work in this very thread, and what needs it has to wait for a better time. Nobody
 * tells; but the signal of a handler is blocked while it runs, and an allocator is a library that
 * defines malloc().
 *
 *     if (alloc_is_safe(caller))
 *         ... what allocates ...
 *
 * A thread that blocks a signal all the time is taken for its handler, if it has one. A handler with
 * SA_NODEFER that blocks none is taken for none, and so is an allocator in the program itself. Preserves
 * errno; any thread. */
#ifndef PRELOAD_ALLOC_SAFE_H
#define PRELOAD_ALLOC_SAFE_H

#include <stdbool.h>

/* `caller`: the return address of the hook. */
bool alloc_is_safe(const void *caller);

#endif
