/* SPDX-License-Identifier: MIT
 *
 * Time, in nanoseconds. CLOCK_MONOTONIC is the same clock for all processes since boot, so a time on the
 * shared board means the same to all of them. In a time namespace (time_namespaces(7)) it has an
 * offset, which is read from /proc when the clock is first used, and subtracted. Without /proc the offset
 * is unknown. Then the kernel's tick count, times(2), which is the same in all namespaces, shows whether
 * two processes have the same clock:
 *
 *     header.ticks_ahead_ns = clock_ticks_ahead_ns();      the process that creates a board
 *     clock_agrees(header.ticks_ahead_ns)                  a process that opens it
 *
 * The engine's decisions never read the clock: callers pass the time in, so that tests can step it.
 * Never fails; preserves errno; safe in any thread, after fork and in signal handlers. */
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

/* How far CLOCK_MONOTONIC of this process is ahead of the boot's. */
extern _Atomic int64_t clock_ahead_ns;
#define CLOCK_UNSETTLED INT64_MIN /* not determined yet */
int64_t clock_settle(void);

/* Monotonic: for every decision and duration. */
static inline int64_t clock_now_ns(void)
{
    int64_t ahead = atomic_load_explicit(&clock_ahead_ns, memory_order_relaxed);
    if (unlikely(ahead == CLOCK_UNSETTLED))
        ahead = clock_settle();
    return clock_read_ns(CLOCK_MONOTONIC) - ahead;
}

/* Whether clock_now_ns is certainly the clock of the boot. */
bool clock_is_known(void);
/* How far the tick count is ahead of clock_now_ns; 0: not known. */
int64_t clock_ticks_ahead_ns(void);
/* Whether this process has the same clock as the one that got this value from clock_ticks_ahead_ns. Also
 * true if that is not known. */
bool clock_agrees(int64_t ticks_ahead_ns);
/* For a process that may have moved into another namespace: if its clock has jumped, the offset is
 * adjusted. Otherwise it makes no system call. */
void clock_settle_again(int64_t ticks_ahead_ns);
/* Converts a time to this process's CLOCK_MONOTONIC, for system calls. */
struct timespec clock_for_kernel(int64_t at_ns);

/* Since 1970: for display, and for dates that servers send. */
static inline int64_t clock_wall_ns(void)
{
    return clock_read_ns(CLOCK_REALTIME);
}

/* The same, but up to a few milliseconds behind (the kernel's last tick), and much cheaper. */
static inline int64_t clock_wall_about_ns(void)
{
    return clock_read_ns(CLOCK_REALTIME_COARSE);
}

/* Sleeps until the monotonic time at_ns. 0, or EINTR if a signal came first. */
int clock_sleep_until(int64_t at_ns);

/* Like a system call that is restarted after a signal (signal(7), SA_RESTART): EINTR only if a handler
 * was installed without that flag. Before Linux 5.16 no signal ends the sleep. */
int clock_sleep_restarted(int64_t at_ns);

#endif
