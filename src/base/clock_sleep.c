/* SPDX-License-Identifier: MIT
 *
 * Sleeping until a time of the clock, with and without a restart by the kernel after a signal handler. */
#include "base/clock.h"

#include "base/syscalls.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

/* struct futex_waitv of linux/futex.h since 5.16. */
struct waiter {
    uint64_t value, address;
    uint32_t flags, reserved;
};
#define WAIT_PRIVATE_32 (2 | FUTEX_PRIVATE_FLAG)

int clock_sleep_until(int64_t at_ns)
{
    int saved = errno;
    struct timespec t = clock_for_kernel(at_ns);
    int err = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    errno = saved;
    return err;
}

/* The word is never woken. futex_waitv is the only call that waits for a time, needs no descriptor, and
 * is restarted by the kernel. */
static int wait_in_kernel(int64_t at_ns)
{
    uint32_t word = 0;
    struct waiter w = {.address = (uintptr_t)&word, .flags = WAIT_PRIVATE_32};
    struct timespec t = clock_for_kernel(at_ns);
    return syscall(SYS_futex_waitv, &w, 1, 0, &t, CLOCK_MONOTONIC) < 0 ? errno : 0;
}

int clock_sleep_restarted(int64_t at_ns)
{
    static atomic_bool missing;
    int saved = errno;
    int err = atomic_load(&missing) ? ENOSYS : wait_in_kernel(at_ns);
    if (err != ETIMEDOUT && err != EINTR) {
        atomic_store(&missing, true);
        while (clock_sleep_until(at_ns) == EINTR)
            ;
    }
    errno = saved;
    return err == EINTR ? EINTR : 0;
}
