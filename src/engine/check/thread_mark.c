/* SPDX-License-Identifier: MIT */
#include "engine/check/thread_mark.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/prctl.h>

#define THREAD_NAME "harden-check"

_Thread_local bool check_own_thread;
static atomic_bool ever; /* stays set in children, where it only costs a system call */

void check_name_own_thread(void)
{
    check_own_thread = true;
    atomic_store(&ever, true);
    prctl(PR_SET_NAME, THREAD_NAME);
}

bool check_is_own_descendant(void)
{
    char name[16];
    return atomic_load_explicit(&ever, memory_order_relaxed) && prctl(PR_GET_NAME, name) == 0 &&
           strcmp(name, THREAD_NAME) == 0;
}
