/* SPDX-License-Identifier: MIT */
#include "base/bell.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/shield.h"
#include "base/syscalls.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <unistd.h>

/* struct futex_waitv of linux/futex.h since 5.16. */
struct waiter {
    uint64_t value, address;
    uint32_t flags, reserved;
};
#define WAIT_32 2

/* futex_waitv is the only one of these calls that the kernel restarts. */
static int wait_restarted(_Atomic uint32_t *word, uint32_t value, int64_t at_ns)
{
    struct waiter w = {.value = value, .address = (uintptr_t)word, .flags = WAIT_32};
    struct timespec t = clock_for_kernel(at_ns);
    return syscall(SYS_futex_waitv, &w, 1, 0, &t, CLOCK_MONOTONIC) < 0 ? errno : 0;
}

static int wait_once(_Atomic uint32_t *word, uint32_t value, int64_t at_ns)
{
    struct timespec t = clock_for_kernel(at_ns);
    return syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, &t, NULL, FUTEX_BITSET_MATCH_ANY) < 0
               ? errno
               : 0;
}

int bell_wait(_Atomic uint32_t *word, uint32_t value, int64_t at_ns)
{
    static atomic_bool missing;
    if (unlikely(shield_is_confined()))
        return clock_sleep_until(at_ns);
    int saved = errno;
    int err = atomic_load(&missing) ? ENOSYS : wait_restarted(word, value, at_ns);
    if (err && err != ETIMEDOUT && err != EINTR && err != EAGAIN) {
        atomic_store(&missing, true);
        while ((err = wait_once(word, value, at_ns)) == EINTR)
            ;
    }
    errno = saved;
    return err == EINTR ? EINTR : 0;
}

void bell_ring(_Atomic uint32_t *word, int most)
{
    if (unlikely(shield_is_confined()))
        return; /* each waiter looks again by itself */
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAKE, most, NULL, NULL, 0);
    errno = saved;
}
