/* SPDX-License-Identifier: MIT
 *
 * Abbreviations for compiler extensions. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
/* For functions that most calls run through. They are placed together, because a system call leaves
 * little of the library in the caches. */
#define HOT           __attribute__((hot))
#define array_size(a) (sizeof(a) / sizeof((a)[0]))
#define CACHE_LINE    64

#endif
