/* SPDX-License-Identifier: MIT
 *
 * The user of this process and the owner of a file according to the kernel. A library that is
 * loaded besides this one may report others to the program: under fakeroot every user is root, and owns
 * all files.
 *
 *     if (!real_stat(fd, "", &st, AT_EMPTY_PATH) && st.st_uid == real_euid())      the file is this user's
 *
 * errno is preserved on success. Any thread, also after a fork and in signal handlers. */
#ifndef BASE_REAL_H
#define BASE_REAL_H

#include <sys/stat.h>
#include <sys/types.h>

uid_t real_euid(void);
/* fstatat(2). */
int real_stat(int dir, const char *path, struct stat *st, int flags);

#endif
