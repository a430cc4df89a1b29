/* SPDX-License-Identifier: MIT
 *
 * Time, in nanoseconds. CLOCK_MONOTONIC is one clock for every process since boot, which is what
 * makes a time on the shared board mean the same to all of them. In a time name space it is ahead or
 * behind (time_namespaces(7)): that is taken off, as /proc tells it when the clock is first read.
 * Where /proc does not tell, the clock is not known to be the boot's; the kernel's count of ticks,
 * times(2), which no name space changes, tells whether two processes have the same one:
 *
 *     header.ticks_ahead_ns = clock_ticks_ahead_ns();      who makes a board
 *     clock_agrees(header.ticks_ahead_ns)                  who opens it
 *
 * The engine never calls these: its callers read the clock and hand the value in, so that tests can
 * step it. Never fails; preserves errno; safe in any thread, after fork and in signal handlers. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

static inline int64_t clock_read_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* How far this process's own clock is ahead of the boot's. */
extern _Atomic int64_t clock_ahead_ns;
#define CLOCK_UNSETTLED INT64_MIN /* nobody has asked yet */
int64_t clock_settle(void);

/* Monotonic: for every decision and duration. */
static inline int64_t clock_now_ns(void)
{
    int64_t ahead = atomic_load_explicit(&clock_ahead_ns, memory_order_relaxed);
    if (unlikely(ahead == CLOCK_UNSETTLED))
        ahead = clock_settle();
    return clock_read_ns(CLOCK_MONOTONIC) - ahead;
}

/* Whether clock_now_ns is the boot's clock for certain. */
bool clock_is_known(void);
/* How far the count of ticks is ahead of it; 0: the kernel tells nothing. */
int64_t clock_ticks_ahead_ns(void);
/* Whether that is what it was for somebody else, and so the clock; true, too, where it is not known. */
bool clock_agrees(int64_t ticks_ahead_ns);
/* For a process that may have moved into another name space: where its own clock has made a jump, that
 * is taken off too. No system call where it has not. */
void clock_settle_again(int64_t ticks_ahead_ns);
/* A time as the kernel is to be told it, who knows our own clock. */
struct timespec clock_for_kernel(int64_t at_ns);

/* Since 1970: only to be shown to people, and for dates that servers send. */
static inline int64_t clock_wall_ns(void)
{
    return clock_read_ns(CLOCK_REALTIME);
}

/* The same to the kernel's last tick, a few milliseconds at most, and much cheaper. */
static inline int64_t clock_wall_about_ns(void)
{
    return clock_read_ns(CLOCK_REALTIME_COARSE);
}

/* Sleeps until the monotonic time at_ns; returns 0 then, EINTR when a signal came first. */
int clock_sleep_until(int64_t at_ns);

/* The same as a system call does that is begun anew after a signal (signal(7), SA_RESTART): EINTR only
 * when a handler was installed without that flag. Before Linux 5.16 no signal ends it. */
int clock_sleep_restarted(int64_t at_ns);

#endif
