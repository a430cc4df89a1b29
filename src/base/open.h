/* SPDX-License-Identifier: MIT
 *
 * Descriptors of our own, all of them for a moment. None has a number from 0 to 2, not even until it is
 * moved: a program that has closed its standard streams may write to them all the same, in another
 * thread and for nobody, and must not hit a file of ours.
 *
 *     int fd = open_file(path, O_RDONLY, 0);      as open(2), and O_CLOEXEC
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

/* This thread has a descriptor table of its own, in which every number is ours. */
void open_in_own_table(void);
bool open_has_own_table(void);

#endif
