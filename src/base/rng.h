/* SPDX-License-Identifier: MIT
 *
 * Random numbers for jitter. Drawn from the kernel at each call, so that there is no state that a
 * fork could duplicate: two children of one parent must not retry in step. Called only when a retry
 * or a breaker trip is decided, never on a hot path. Preserves errno. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

uint64_t rng_next(void);

#endif
