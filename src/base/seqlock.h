/* SPDX-License-Identifier: MIT
 *
 * A record in shared memory that is read without a lock and seldom written: a sequence number, odd
 * while the record is being written, and the words of the record. A reader copies the words and
 * then checks that the number has not changed.
 *
 *     uint64_t before = seqlock_begin(&e->sequence);
 *     seqlock_copy(out, e->words, 0, n);
 *     if (seqlock_same(&e->sequence, before)) ... out is consistent
 *
 *     seqlock_write(&e->sequence, e->words, record, n);        false: another thread is writing
 *
 * No thread waits: a reader that meets a writer gets nothing, and a second writer gives up. If a
 * writer is killed, or missing in the child of a fork, the number stays odd and the record is lost
 * for ever.
 *
 * Hans-J. Boehm, "Can seqlocks get along with programming language memory models?", 2012. */
#ifndef BASE_SEQLOCK_H
#define BASE_SEQLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0: never written; odd: being written. */
static inline uint64_t seqlock_begin(const _Atomic uint64_t *sequence)
{
    return atomic_load_explicit(sequence, memory_order_acquire);
}

/* Copies the words from `from` up to, but without, `to`. */
static inline void seqlock_copy(void *out, const _Atomic uint64_t *words, size_t from, size_t to)
{
    uint64_t *copy = (uint64_t *)out;
#pragma GCC unroll 8
    for (size_t i = from; i < to; i++)
        copy[i] = atomic_load_explicit(&words[i], memory_order_relaxed);
}

static inline bool seqlock_same(const _Atomic uint64_t *sequence, uint64_t before)
{
    atomic_thread_fence(memory_order_acquire);
    return !(before & 1) && atomic_load_explicit(sequence, memory_order_relaxed) == before;
}

static inline bool seqlock_write(_Atomic uint64_t *sequence, _Atomic uint64_t *words,
                                 const void *record, size_t n)
{
    const uint64_t *from = (const uint64_t *)record;
    uint64_t before = atomic_load_explicit(sequence, memory_order_relaxed);
    if ((before & 1) ||
        !atomic_compare_exchange_strong_explicit(sequence, &before, before + 1,
                                                 memory_order_acquire, memory_order_relaxed))
        return false;
    atomic_thread_fence(memory_order_release);
    for (size_t i = 0; i < n; i++)
        atomic_store_explicit(&words[i], from[i], memory_order_relaxed);
    atomic_store_explicit(sequence, before + 2, memory_order_release);
    return true;
}

#endif
