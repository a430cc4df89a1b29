/* SPDX-License-Identifier: MIT
 *
 * The few compiler words that the rest of the house uses. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)
#define array_size(a) (sizeof(a) / sizeof((a)[0]))
#define CACHE_LINE    64

#endif
