/* SPDX-License-Identifier: MIT
 *
 * A stack for a function that needs more than its caller may have. It is mapped for the call and
 * unmapped after it, so that nothing is kept or shared; without memory for it, and on a processor that
 * is not known here, the caller's stack has to do. The function must return, and signal handlers of the
 * program must not run meanwhile: see quiet_run(), which is what callers want. */
#ifndef BASE_STACK_H
#define BASE_STACK_H

void stack_run(void (*run)(void *arg), void *arg);

#endif
