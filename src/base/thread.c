/* SPDX-License-Identifier: MIT */
#include "base/thread.h"

#include "base/compiler.h"
#include "base/sizes.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

static _Thread_local bool is_forbidden;

bool thread_forbid(bool forbidden)
{
    bool before = is_forbidden;
    is_forbidden = forbidden;
    return before;
}

/* Stack sizes include the program's thread-local storage, of which it may have any amount. */
int thread_start(void *(*run)(void *), void *arg)
{
    static const size_t stacks[] = {THREAD_STACK_BYTES, 1 << 20, 8 << 20};
    pthread_attr_t attr;
    sigset_t all, mask;
    int err = is_forbidden ? EAGAIN : pthread_attr_init(&attr);
    if (err)
        return err;
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    err = EINVAL;
    for (size_t i = 0; i < array_size(stacks) && err == EINVAL; i++) {
        pthread_t thread;
        err = pthread_attr_setstacksize(&attr, stacks[i]);
        if (!err)
            err = pthread_create(&thread, &attr, run, arg);
    }
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    pthread_attr_destroy(&attr);
    return err;
}
