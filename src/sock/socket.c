/* SPDX-License-Identifier: MIT */
#include "sock/socket.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/precondition.h"
#include "base/sizes.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/time.h>

/* connect() of a datagram socket only looks up a route, in about one microsecond. A handshake
 * passes through the whole stack four times, even on one machine. */
#define HANDSHAKE_NS (5 * NS_PER_US)

static bool is_stream(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/* The path MTU is known after the first SYN, and remains known when the connection has failed. */
static void inspect_state(int fd, struct socket_facts *f)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    bool known = getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
    f->idle = !known || info.tcpi_state == TCP_CLOSE;
    f->has_failed = known && f->idle && info.tcpi_pmtu;
}

/* The kernel accepts longer times than fit into the type. */
static int64_t timeval_ns(const struct timeval *t)
{
    int64_t ns;
    if (__builtin_mul_overflow(t->tv_sec, NS_PER_S, &ns) ||
        __builtin_add_overflow(ns, t->tv_usec * NS_PER_US, &ns))
        return INT64_MAX;
    return ns;
}

struct socket_facts socket_inspect(int fd)
{
    struct socket_facts f = {.id = descriptor_id(fd)};
    f.stream = f.id.known && is_stream(fd);
    if (!f.stream)
        return f;
    int flags = fcntl(fd, F_GETFL);
    struct timeval timeout = {0};
    socklen_t size = sizeof timeout;
    f.blocking = flags >= 0 && !(flags & O_NONBLOCK);
    inspect_state(fd, &f);
    if (f.blocking && getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, &size) == 0)
        f.send_timeout_ns = timeval_ns(&timeout);
    return f;
}

/* What was learnt about a place. The two words may be of different places for a moment; that
 * costs a system call, or leaves the minimum at HANDSHAKE_NS. */
struct place {
    _Atomic uint64_t name;    /* lowest bit: both kinds of socket were seen there */
    _Atomic int64_t least_ns; /* the quickest handshake */
};

static void learn_place(struct place *p, uint64_t name, bool stream, int64_t duration_ns)
{
    uint64_t was = atomic_load_explicit(&p->name, memory_order_relaxed);
    if (was != name || duration_ns < atomic_load_explicit(&p->least_ns, memory_order_relaxed))
        atomic_store_explicit(&p->least_ns, duration_ns, memory_order_relaxed);
    if (!stream)
        atomic_store_explicit(&p->name, name | 1, memory_order_relaxed);
    else if (was != (name | 1))
        atomic_store_explicit(&p->name, name, memory_order_relaxed);
}

HOT bool socket_was_stream(int fd, const void *caller, uint16_t port, int64_t duration_ns)
{
    static struct place places[DIAL_PLACES];
    uint64_t name = ((uint64_t)(uintptr_t)caller << 16 ^ port) << 1;
    struct place *p = &places[(name * 0x9e3779b97f4a7c15ULL) >> 32 & (DIAL_PLACES - 1)];
    if (likely(atomic_load_explicit(&p->name, memory_order_relaxed) == name &&
               duration_ns >= HANDSHAKE_NS &&
               duration_ns >= atomic_load_explicit(&p->least_ns, memory_order_relaxed) / 2))
        return true;
    bool stream = is_stream(fd);
    learn_place(p, name, stream, duration_ns);
    return stream;
}

void socket_set_send_timeout(int fd, int64_t timeout_ns)
{
    precondition(timeout_ns >= 0);
    struct timeval timeout = {.tv_sec = timeout_ns / NS_PER_S,
                              .tv_usec = timeout_ns % NS_PER_S / NS_PER_US};
    if (timeout_ns && !timeout.tv_sec && !timeout.tv_usec)
        timeout.tv_usec = 1; /* 0 means for ever */
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}
