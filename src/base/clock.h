/* SPDX-License-Identifier: MIT
 *
 * Time, in nanoseconds. CLOCK_MONOTONIC is one clock for every process since boot, which is what
 * makes a time on the shared board mean the same to all of them. The engine never calls these: its
 * callers read the clock and hand the value in, so that tests can step it. Never fails; preserves
 * errno; safe in any thread, after fork and in signal handlers. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

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

/* Monotonic: for every decision and duration. */
static inline int64_t clock_now_ns(void)
{
    return clock_read_ns(CLOCK_MONOTONIC);
}

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
