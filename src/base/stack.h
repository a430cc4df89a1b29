/* SPDX-License-Identifier: MIT
 *
 * A stack for a function that needs more than the stack of its caller may have. It is mapped for
 * the call and unmapped after it. If that fails, and on processors other than x86-64 and aarch64,
 * the function runs on the caller's stack. It must return, and no signal handler of the program may
 * run meanwhile: callers use shield_run(), which ensures that. */
#ifndef BASE_STACK_H
#define BASE_STACK_H

void stack_run(void (*run)(void *arg), void *arg);

#endif
