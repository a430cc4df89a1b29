/* SPDX-License-Identifier: MIT
 *
 * Whether a hook may do more than forward the call to the real function. Any thread, at any time,
 * also before the constructor; preserves errno. */
#ifndef PRELOAD_HOOKS_OFF_H
#define PRELOAD_HOOKS_OFF_H

#include <stdbool.h>

/* True for all calls of a process with HARDEN_DISABLE, in secure mode (AT_SECURE), without a
 * function of the C library that we need, or with another active copy of the library; after the
 * process has confined itself (engine.h); and in the threads of our own checks. A hook then
 * forwards, and keeps nothing about the call. The first call that is answered otherwise binds the C
 * library (imports.h). */
bool hooks_off(void);

/* True: another copy of the library in this process is active, and this one only forwards. */
bool hooks_spare(void);

#endif
