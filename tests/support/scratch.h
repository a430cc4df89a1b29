/* SPDX-License-Identifier: MIT
 *
 * Removes the temporary directory of a test, which has no subdirectories. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

#include <dirent.h>
#include <unistd.h>

/* Removes the directory and its files. It may be gone already. */
static inline void scratch_remove(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(dir);
}

#endif
