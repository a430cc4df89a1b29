/* SPDX-License-Identifier: MIT
 *
 * Whether memory that a program passes to the kernel can be read. The kernel
 * reports a bad pointer (EFAULT), but the destination must be known before a connection is made.
 *
 *     if (!readable(address, length))
 *         return real(fd, address, length);
 *
 * No system call for memory that cannot vanish during the call: the caller's stack, the program's
 * data and the heap below the break. Other memory (mappings, heaps of threads and of other
 * allocators) is tested with a futex operation on no waiters, which reads 4 bytes, changes
 * nothing, and is allowed wherever the C library runs (0.35 us). The result is not cached: the
 * memory may be unmapped later. (Rejected: process_vm_readv costs twice as much, and sandboxes
 * forbid it; a connect() of one byte is visible to supervisors; rt_sigprocmask with an invalid
 * operation costs 0.15 us, but valgrind reports it.)
 *
 * Any thread, also in a signal handler; preserves errno. Up to 4,096 bytes. */
#ifndef SOCK_READABLE_H
#define SOCK_READABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Frames further up are tested. A coroutine's stack next to the thread's own can be mistaken for
 * it within this distance only. */
#define READABLE_NEAR (64 * 1024)

bool readable_elsewhere(uintptr_t at, size_t n);

/* The thread control block is above the thread's stack, in the same mapping. */
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
