/* SPDX-License-Identifier: MIT
 *
 * Which threads run active checks. The hooks let their calls pass: they are neither limited nor counted
 * as the program's. */
#ifndef ENGINE_CHECK_THREAD_MARK_H
#define ENGINE_CHECK_THREAD_MARK_H

#include <stdbool.h>

/* Set by each thread that this folder starts. */
extern _Thread_local bool check_own_thread;
static inline bool check_is_own_thread(void)
{
    return check_own_thread;
}

/* The calling thread is the thread of the checks, from now on. */
void check_name_own_thread(void);
/* Whether the calling thread has the name of the thread of the checks: threads that a library starts
 * from there inherit it. One system call, but only in a process that has run checks. */
bool check_is_own_descendant(void);

#endif
