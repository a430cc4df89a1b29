/* SPDX-License-Identifier: MIT
 *
 * Whether the program's allocator may be called now. connect() may be called in a signal handler or
 * by an allocator, while an operation of the allocator is in progress in this very thread. There is
 * no direct test for that, but a signal is blocked while its handler runs, and an allocator is a
 * library that defines malloc().
 *
 *     if (alloc_is_safe(caller))
 *         ... allocate ...
 *
 * A thread that always blocks a signal with a handler counts as running that handler. Two cases are
 * not recognized: a handler with SA_NODEFER that blocks no signal, and an allocator in the program
 * itself. Any thread; preserves errno. */
#ifndef PRELOAD_ALLOC_SAFE_H
#define PRELOAD_ALLOC_SAFE_H

#include <stdbool.h>

/* `caller`: the return address of the hook. */
bool alloc_is_safe(const void *caller);

#endif
