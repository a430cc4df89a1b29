/* SPDX-License-Identifier: MIT
 *
 * The number of the CPU that the thread runs on, at the cost of one or two loads: the kernel keeps it in the
 * thread's restartable sequence area, which glibc registers since 2.35. It may be outdated at once,
 * so it is only good for spreading work. Without that area it is a number that is constant for the
 * thread. */
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include <stddef.h>
#include <stdint.h>

extern const ptrdiff_t __rseq_offset __attribute__((weak));

static inline unsigned cpu_number(void)
{
    const char *self = __builtin_thread_pointer();
    if (!&__rseq_offset)
        return (unsigned)((uintptr_t)self >> 12); /* stacks are an odd number of pages apart */
    /* struct rseq: cpu_id_start, cpu_id. The second is negative if nothing is registered. */
    return ((const volatile uint32_t *)(const void *)(self + __rseq_offset))[1];
}

#endif
