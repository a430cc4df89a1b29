/* SPDX-License-Identifier: MIT
 *
 * Waking a thread of another process: a word in memory that both have mapped, with the kernel's futex.
 *
 *     while (!done())
 *         bell_wait(&word, value, at_ns);       the one:   `value` was read before done() was asked
 *     word = another value, bell_ring(&word, 1);  the other
 *
 * Any thread; errno is preserved. */
#ifndef BASE_BELL_H
#define BASE_BELL_H

#include <stdatomic.h>
#include <stdint.h>

/* Waits while *word == value, until the monotonic time at_ns at the latest. Like a system call that is restarted
 * after a signal: EINTR only if a handler was installed without SA_RESTART; before Linux 5.16 no signal ends
 * it. Otherwise 0. */
int bell_wait(_Atomic uint32_t *word, uint32_t value, int64_t at_ns);
/* Wakes `most` of those who wait for the word. */
void bell_ring(_Atomic uint32_t *word, int most);

/* The part of a word of 64 bits that bell_wait compares: the lower half. */
static inline _Atomic uint32_t *bell_of(_Atomic uint64_t *word)
{
    return (_Atomic uint32_t *)(void *)word + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

#endif
