/* SPDX-License-Identifier: MIT */
#include "base/kernel.h"

#include <sys/syscall.h>
#include <unistd.h>

uid_t kernel_euid(void)
{
    return (uid_t)syscall(SYS_geteuid);
}

/* Where a long has 64 bits, the C library's struct stat is that of the kernel. */
int kernel_stat(int dir, const char *path, struct stat *st, int flags)
{
    _Static_assert(sizeof(long) == 8, "the kernel has another struct stat here");
    return (int)syscall(SYS_newfstatat, dir, path, st, flags);
}
