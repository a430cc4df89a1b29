/* SPDX-License-Identifier: MIT
 *
 * Descriptors for the library's own use, each open only for a moment. None ever has a number from 0
 * to 2, not even until it is moved: a program that has closed its standard streams may still write
 * to them from another thread, and must not write into the library's file.
 *
 *     int fd = open_file(path, O_RDONLY, 0);      as open(2), with O_CLOEXEC
 *     close(fd);
 *
 * Any thread. */
#ifndef BASE_OPEN_H
#define BASE_OPEN_H

#include <stdbool.h>
#include <sys/types.h>

int open_file(const char *path, int flags, mode_t mode);
int open_at(int dir, const char *path, int flags, mode_t mode);
int open_socket(int family, int type, int protocol);

/* To be called by a thread that has left the process's descriptor table: every number is free to
 * use. */
void open_in_own_table(void);
bool open_has_own_table(void);

#endif
