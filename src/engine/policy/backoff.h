/* SPDX-License-Identifier: MIT
 *
 * Exponential back-off with jitter (Brooker, "Exponential Backoff And Jitter", 2015).
 * With c = min(max_delay, base * 2^(n-1)) before attempt n+1:
 *     full          uniform in [0, c]
 *     equal         c/2 + uniform in [0, c/2]
 *     decorrelated  min(max_delay, uniform in [base, 3 * previous]), previous >= base
 *     none          c
 * call/retry.c chooses between this delay and a server's hint.
 *
 * Pure: the random number is an argument, any 64 bits. Saturates, never overflows. */
#ifndef ENGINE_POLICY_BACKOFF_H
#define ENGINE_POLICY_BACKOFF_H

#include "engine/policy/policy.h"

#include <stdint.h>

/* attempt: the number of attempts made, >= 1. base_ns: in place of the policy's base delay. previous_ns:
 * the delay before the last attempt, for decorrelated. */
int64_t backoff_delay_ns(const struct policy *p, int64_t base_ns, int attempt, int64_t previous_ns,
                         uint64_t random);

/* hint * uniform[1, 1.5], so that clients come back after the hint, but not all at once. */
int64_t backoff_after_hint_ns(int64_t hint_ns, uint64_t random);

#endif
