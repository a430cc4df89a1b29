/* SPDX-License-Identifier: MIT
 *
 * Which network name space something is in: a number that no other one has had since the machine
 * started (SO_NETNS_COOKIE); before Linux 5.14 the inode of /proc/thread-self/ns/net, which may come
 * again once the name space is gone. 0: not known, as without /proc on such a kernel.
 *
 *     network_of_socket(fd)    of a socket, which stays where it was made: one system call
 *     network_of_thread()      of what this thread makes now: three
 *
 * Any thread; errno is preserved. */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <stdint.h>

uint64_t network_of_socket(int fd);
uint64_t network_of_thread(void);

#endif
