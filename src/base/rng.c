/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include "base/clock.h"

#include <errno.h>
#include <sys/random.h>
#include <unistd.h>

uint64_t rng_next(void)
{
    int saved = errno;
    uint64_t r = 0;
    if (getrandom(&r, sizeof r, GRND_NONBLOCK) != (ssize_t)sizeof r) {
        /* Without getrandom() (old kernel, sandbox) clock and pid still differ between processes.
         */
        r = (uint64_t)clock_now_ns() ^ ((uint64_t)getpid() << 40);
        r = (r ^ (r >> 30)) * 0xbf58476d1ce4e5b9ULL;
        r = (r ^ (r >> 27)) * 0x94d049bb133111ebULL;
        r ^= r >> 31;
    }
    errno = saved;
    return r;
}
