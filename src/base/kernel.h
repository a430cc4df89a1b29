/* SPDX-License-Identifier: MIT
 *
 * The user of this process and the owner of a file according to the kernel. A library that is
 * loaded besides this one may report others to the program: under fakeroot every user is root, and owns
 * all files.
 *
 *     if (!kernel_stat(fd, "", &st, AT_EMPTY_PATH) && st.st_uid == kernel_euid())      the file is this user's
 *
 * errno is preserved on success. Any thread, also after a fork and in signal handlers. */
#ifndef BASE_KERNEL_H
#define BASE_KERNEL_H

#include <sys/stat.h>
#include <sys/types.h>

uid_t kernel_euid(void);
/* fstatat(2). */
int kernel_stat(int dir, const char *path, struct stat *st, int flags);

#endif
