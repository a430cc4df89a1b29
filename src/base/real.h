/* SPDX-License-Identifier: MIT
 *
 * Who we are and whose a file is, as the kernel tells it. Libraries beside us may tell the program
 * another story: under fakeroot everybody is root, and all files are root's.
 *
 *     if (!real_stat(fd, "", &st, AT_EMPTY_PATH) && st.st_uid == real_euid())      it is ours
 *
 * Preserve errno unless they fail; any thread, also after fork and in signal handlers. */
#ifndef BASE_REAL_H
#define BASE_REAL_H

#include <sys/stat.h>
#include <sys/types.h>

uid_t real_euid(void);
/* fstatat(2). */
int real_stat(int dir, const char *path, struct stat *st, int flags);

#endif
