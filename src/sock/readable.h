/* SPDX-License-Identifier: MIT
 *
 * Whether memory that a program hands to the kernel may be read: a bad pointer is the kernel's to
 * find (EFAULT), but what a connection goes to must be known before it is made.
 *
 *     if (!readable(address, length))
 *         return real(fd, address, length);
 *
 * No system call for what cannot go away while the call lasts: the stack of the caller, the data of
 * the program, the heap below the break. Other memory (mappings, heaps of threads and of other
 * allocators) is asked for: by a futex operation on no waiters, which reads 4 bytes, changes nothing,
 * and is allowed wherever the C library runs (0.35 us). What was readable a moment ago is not
 * remembered: it may be unmapped since. (process_vm_readv costs twice as much, and sandboxes forbid it;
 * supervisors would see a connect() of one byte; rt_sigprocmask with an order that does not exist costs
 * 0.15 us, but valgrind complains of it.)
 *
 * Any thread, also in a signal handler; errno is preserved. Up to 4,096 bytes. */
#ifndef SOCK_READABLE_H
#define SOCK_READABLE_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Frames further up are asked for. So the little that a stack of another kind, a coroutine's beside
 * the thread's own, can hide is hidden in no more than this. */
#define READABLE_NEAR (64 * 1024)

bool readable_elsewhere(uintptr_t at, size_t n);

/* The control block of a thread lies above its stack, in the same mapping. */
static inline bool readable(const void *p, size_t n)
{
    uintptr_t at = (uintptr_t)p, here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t top = (uintptr_t)__builtin_thread_pointer();
    if (at >= here && at - here < READABLE_NEAR && n <= READABLE_NEAR && at + n <= top &&
        top - here <= READABLE_NEAR)
        return true;
    return p && readable_elsewhere(at, n);
}

#endif
