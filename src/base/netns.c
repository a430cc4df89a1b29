/* SPDX-License-Identifier: MIT */
#include "base/netns.h"

#include "base/open.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

uint64_t netns_of_socket(int fd)
{
    uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    struct stat st;
    int saved = errno;
    if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) < 0)
        cookie = errno == ENOPROTOOPT && stat("/proc/thread-self/ns/net", &st) == 0 ? st.st_ino : 0;
    errno = saved;
    return cookie;
}

/* An IPv4 socket, as the caller is about to create: no sandbox that allows that forbids this one.
 */
uint64_t netns_of_thread(void)
{
    int saved = errno, fd = open_socket(AF_INET, SOCK_DGRAM, 0);
    uint64_t network = 0;
    if (fd >= 0) {
        network = netns_of_socket(fd);
        close(fd);
    }
    errno = saved;
    return network;
}
