/* SPDX-License-Identifier: MIT
 *
 * What the kernel tells of a process. */
#ifndef CLI_DOCTOR_PROC_H
#define CLI_DOCTOR_PROC_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* /proc/PID/NAME, with two zero bytes at the end, to be freed; NULL and errno. */
char *procfs_read(pid_t pid, const char *name, size_t *size);
/* In the text of maps: the path of the first mapping whose file has that name, with " (deleted)" where
 * it is; `out` is "" without one. A name that ends in a point stands for those with a number behind. */
bool procfs_mapping(const char *maps, const char *name, char out[PATH_MAX]);
/* In the bytes of environ; NULL. */
const char *procfs_variable(const char *environment, size_t size, const char *name);
/* Whether one of its threads has that name. */
bool procfs_has_thread(pid_t pid, const char *name);

#endif
