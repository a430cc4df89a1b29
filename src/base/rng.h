/* SPDX-License-Identifier: MIT
 *
 * Random numbers for jitter. Each is read from the kernel, so there is no state that a fork could
 * duplicate: two children must not retry in step. Called only when a retry or an open circuit is
 * decided, never on a hot path. errno is preserved. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

uint64_t rng_next(void);

#endif
