/* SPDX-License-Identifier: MIT
 *
 * The few compiler words that the rest of the house uses. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
/* On the way of most calls. These lie together, because after a system call little of us is left in the
 * caches. */
#define HOT           __attribute__((hot))
#define array_size(a) (sizeof(a) / sizeof((a)[0]))
#define CACHE_LINE    64

#endif
