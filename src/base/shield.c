/* SPDX-License-Identifier: MIT
 *
 * Uses the system calls, whose signal sets have 8 bytes; those of the C library have 128. */
#include "base/shield.h"

#include "base/stack.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BIT(signal) ((uint64_t)1 << ((signal) - 1))
#define BY_FAULT                                                                                   \
    (BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGFPE) | BIT(SIGILL) | BIT(SIGTRAP) | BIT(SIGABRT) |        \
     BIT(SIGSYS))
/* Signals that the C library itself uses, below SIGRTMIN: setuid() waits until all threads have
 * handled one. */
#ifdef __GLIBC__
#define OF_LIBC (BIT(32) | BIT(33))
#else
#define OF_LIBC (BIT(32) | BIT(33) | BIT(34))
#endif
#define BY_WRITE (BIT(SIGPIPE) | BIT(SIGXFSZ))

static _Thread_local bool inside; /* changed only while signals are blocked */
static atomic_bool confined;

static void set_mask(int how, uint64_t set, uint64_t *old)
{
    syscall(SYS_rt_sigprocmask, how, &set, old, sizeof set);
}

static uint64_t pending_signals(void)
{
    uint64_t set = 0;
    syscall(SYS_rt_sigpending, &set, sizeof set);
    return set;
}

void shield_begin(struct shield *q)
{
    q->saved_errno = errno;
    q->mask = 0;
    q->pending = pending_signals();
    set_mask(SIG_BLOCK, ~(BY_FAULT | OF_LIBC), &q->mask);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &q->cancel_state);
}

void shield_end(struct shield *q)
{
    /* A signal that write() raises is sent to the writing thread, so it is pending in this one. */
    static const struct timespec at_once;
    uint64_t swallow = pending_signals() & ~q->pending & BY_WRITE;
    while (swallow && syscall(SYS_rt_sigtimedwait, &swallow, NULL, &at_once, sizeof swallow) > 0)
        ;
    /* The mask comes last: a handler that runs then may leave by longjmp(). */
    pthread_setcancelstate(q->cancel_state, NULL);
    errno = q->saved_errno;
    set_mask(SIG_SETMASK, q->mask, NULL);
}

void shield_confine(bool is_confined)
{
    atomic_store(&confined, is_confined);
}

bool shield_is_confined(void)
{
    return atomic_load(&confined);
}

void shield_run(void (*run)(void *arg), void *arg)
{
    struct shield q;
    if (inside || atomic_load(&confined)) {
        run(arg);
        return;
    }
    shield_begin(&q);
    inside = true;
    stack_run(run, arg);
    inside = false;
    shield_end(&q);
}
