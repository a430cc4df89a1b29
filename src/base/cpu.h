/* SPDX-License-Identifier: MIT
 *
 * Which CPU this runs on, for a load or two: the kernel keeps the number in a thread's restartable
 * sequence area, which glibc registers since 2.35. It may be outdated at once, so it is good for
 * spreading work and for nothing else; without that area it is the same for a thread's life. */
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include <stddef.h>
#include <stdint.h>

extern const ptrdiff_t __rseq_offset __attribute__((weak));

/* Any number when the kernel does not tell. */
static inline unsigned cpu_number(void)
{
    const char *self = __builtin_thread_pointer();
    if (!&__rseq_offset)
        return (unsigned)((uintptr_t)self >> 12); /* stacks lie an odd number of pages apart */
    /* struct rseq: cpu_id_start, cpu_id; the second says so when nothing is registered. */
    return ((const volatile uint32_t *)(const void *)(self + __rseq_offset))[1];
}

#endif
