/* SPDX-License-Identifier: MIT */
#include "base/quiet.h"

#include "base/compiler.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

void quiet_begin(struct quiet *q)
{
    static const int by_fault[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    sigset_t all;
    q->saved_errno = errno;
    sigfillset(&all);
    for (size_t i = 0; i < array_size(by_fault); i++)
        sigdelset(&all, by_fault[i]);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &q->cancel_state);
    sigpending(&q->pending);
    pthread_sigmask(SIG_BLOCK, &all, &q->mask);
}

void quiet_end(struct quiet *q)
{
    static const int by_write[] = {SIGPIPE, SIGXFSZ};
    sigset_t now, swallow;
    sigemptyset(&swallow);
    sigpending(&now);
    bool any = false;
    for (int i = 0; i < 2; i++) {
        if (sigismember(&now, by_write[i]) && !sigismember(&q->pending, by_write[i])) {
            sigaddset(&swallow, by_write[i]);
            any = true;
        }
    }
    /* A signal that write() raises goes to the writing thread, so it is here if it was raised. */
    static const struct timespec at_once;
    while (any && sigtimedwait(&swallow, NULL, &at_once) > 0)
        ;
    pthread_sigmask(SIG_SETMASK, &q->mask, NULL);
    pthread_setcancelstate(q->cancel_state, NULL);
    errno = q->saved_errno;
}
