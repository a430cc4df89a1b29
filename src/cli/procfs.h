/* SPDX-License-Identifier: MIT
 *
 * Information about a process from /proc. Its content is not trusted. */
#ifndef CLI_PROCFS_H
#define CLI_PROCFS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The content of /proc/PID/NAME, to be freed, followed by two zero bytes. NULL: see errno. */
char *procfs_read(pid_t pid, const char *name, size_t *size);
/* Finds the first mapping of a file with this base name in the text of maps. `out` receives its
 * path, including a " (deleted)" of the kernel, or "". A name that ends in a dot matches any number
 * after it. */
bool procfs_mapping(const char *maps, const char *name, char out[PATH_MAX]);
/* The value of a variable in the content of environ; NULL: not set. */
const char *procfs_variable(const char *environment, size_t size, const char *name);
/* Whether the process has a thread of this name. */
bool procfs_has_thread(pid_t pid, const char *name);

#endif
