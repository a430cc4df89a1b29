/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <errno.h>

int clock_sleep_until(int64_t at_ns)
{
    int saved = errno;
    struct timespec t = {.tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S};
    int err = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
    errno = saved;
    return err;
}
