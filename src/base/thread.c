/* SPDX-License-Identifier: MIT */
#include "base/thread.h"

#include "base/compiler.h"
#include "base/sizes.h"

#include <errno.h>
#include <signal.h>

static _Thread_local bool is_forbidden;

bool thread_forbid(bool forbidden)
{
    bool before = is_forbidden;
    is_forbidden = forbidden;
    return before;
}

size_t (*thread_stack_taken)(const pthread_attr_t *);

int thread_start(void *(*run)(void *), void *arg)
{
    static const size_t stacks[] = {THREAD_STACK_BYTES, 1 << 20, 8 << 20};
    pthread_attr_t attr;
    sigset_t all, mask;
    int err = is_forbidden ? EDEADLK : pthread_attr_init(&attr);
    if (err)
        return err;
    size_t taken = thread_stack_taken ? thread_stack_taken(&attr) : 0;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    err = EINVAL;
    for (size_t i = thread_stack_taken && !taken; i < array_size(stacks) && err == EINVAL; i++) {
        pthread_t thread;
        err = pthread_attr_setstacksize(&attr, stacks[i] + taken);
        if (!err)
            err = pthread_create(&thread, &attr, run, arg);
    }
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    pthread_attr_destroy(&attr);
    return err;
}
