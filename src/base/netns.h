/* SPDX-License-Identifier: MIT
 *
 * The network namespace of a socket or thread: a number that no other namespace has had since boot
 * (SO_NETNS_COOKIE). Before Linux 5.14 it is the inode of /proc/thread-self/ns/net, which may be
 * reused once the namespace is gone. 0: not known, for example on such a kernel without /proc.
 *
 *     netns_of_socket(fd)    where the socket was created; one system call
 *     netns_of_thread()      where this thread would create one; three
 *
 * Any thread; errno is preserved. */
#ifndef BASE_NETNS_H
#define BASE_NETNS_H

#include <stdint.h>

uint64_t netns_of_socket(int fd);
uint64_t netns_of_thread(void);

#endif
