/* SPDX-License-Identifier: MIT */
#include "sock/dial_socket.h"

#include "base/clock.h"
#include "base/compiler.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>

#define PLACES 256 /* a power of two */
/* connect() of a datagram socket looks up a route, in about one microsecond; a handshake, even on
 * one machine, runs through the whole stack four times. */
#define HANDSHAKE_NS (5 * NS_PER_US)

static bool is_stream(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

static bool is_idle(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 || info.tcpi_state == TCP_CLOSE;
}

struct socket_facts socket_look(int fd)
{
    struct socket_facts f = {.stream = is_stream(fd)};
    if (!f.stream)
        return f;
    int flags = fcntl(fd, F_GETFL);
    struct timeval bound = {0};
    socklen_t size = sizeof bound;
    f.blocking = flags >= 0 && !(flags & O_NONBLOCK);
    f.idle = is_idle(fd);
    if (f.blocking && getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, &size) == 0)
        f.send_timeout_ns = bound.tv_sec * NS_PER_S + bound.tv_usec * NS_PER_US;
    return f;
}

HOT bool socket_was_stream(int fd, const void *caller, uint16_t port, int64_t duration_ns)
{
    static _Atomic uint64_t places[PLACES];
    uint64_t place = ((uint64_t)(uintptr_t)caller << 16 ^ port) << 1, mixed = place | 1;
    _Atomic uint64_t *known = &places[(place * 0x9e3779b97f4a7c15ULL) >> 32 & (PLACES - 1)];
    if (likely(duration_ns >= HANDSHAKE_NS &&
               atomic_load_explicit(known, memory_order_relaxed) == place))
        return true;
    bool stream = is_stream(fd);
    if (!stream)
        atomic_store_explicit(known, mixed, memory_order_relaxed);
    else if (atomic_load_explicit(known, memory_order_relaxed) != mixed)
        atomic_store_explicit(known, place, memory_order_relaxed);
    return stream;
}

void socket_bound(int fd, int64_t timeout_ns)
{
    struct timeval bound = {.tv_sec = timeout_ns / NS_PER_S,
                            .tv_usec = timeout_ns % NS_PER_S / NS_PER_US};
    if (timeout_ns && !bound.tv_sec && !bound.tv_usec)
        bound.tv_usec = 1; /* 0 is for ever */
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);
}
