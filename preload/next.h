/* SPDX-License-Identifier: MIT
 *
 * The real function behind a hook of the C library: found at the first call, kept in an atomic
 * pointer. Takes no lock and allocates nothing; threads that search at the same time find the same
 * function.
 *
 *     static _Atomic next_function real;
 *     connect_function *next = (connect_function *)next_of(&real, "connect");
 *
 * NULL: there is none; the next call searches again. */
#ifndef PRELOAD_NEXT_H
#define PRELOAD_NEXT_H

#include "base/compiler.h"

#include "scope.h"

#include <stdatomic.h>

typedef void (*next_function)(void);

static inline next_function next_of(_Atomic next_function *known, const char *name)
{
    next_function real = atomic_load_explicit(known, memory_order_acquire);
    if (unlikely(!real)) {
        real = (next_function)scope_next(name, "");
        atomic_store_explicit(known, real, memory_order_release);
    }
    return real;
}

#endif
