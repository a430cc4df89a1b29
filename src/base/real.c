/* SPDX-License-Identifier: MIT */
#include "base/real.h"

#include <sys/syscall.h>
#include <unistd.h>

uid_t real_euid(void)
{
    return (uid_t)syscall(SYS_geteuid);
}

/* Where longs have 64 bits, struct stat is the kernel's own. */
int real_stat(int dir, const char *path, struct stat *st, int flags)
{
    _Static_assert(sizeof(long) == 8, "the kernel has another struct stat here");
    return (int)syscall(SYS_newfstatat, dir, path, st, flags);
}
