/* SPDX-License-Identifier: MIT
 *
 * connect() of a program that speaks its own protocol: the rate limit, breaker, retries and health
 * of the host apply, with the same engine as for a transfer.
 *
 *     struct endpoint to;
 *     if (endpoint_of(&to, address, length))
 *         return dial(&(struct dial_request){real, fd, address, length, &to, caller});
 *     return real(fd, address, length);
 *
 * The socket decides what dial() does:
 *
 *   stream, blocking      waits for its turn, calls connect(), and retries with back-off if the
 *                         failure is likely to be temporary; within SO_SNDTIMEO and max_elapsed. A
 *                         signal ends the back-off: the program gets the failure at once. A signal
 *                         that ends system calls (no SA_RESTART) ends the wait, with ETIMEDOUT.
 *                         With `fallback`, further attempts go to other places (dial_place.h)
 *   stream, non-blocking  never waits and never retries; counted, and refused only with on_limit =
 *                         fail, on_concurrency = fail or an open circuit. EINPROGRESS is no result
 *   anything else         the bare call
 *
 * The socket is inspected only when necessary: a successful connection to a host without limits
 * costs no additional system call (socket.h).
 *
 * Returns the real result with its errno; on success errno is unchanged. A refusal is ETIMEDOUT
 * (limit) or ECONNREFUSED (open circuit). Any thread. A cancellation point, like connect().
 * Nothing is locked while a signal handler of the program runs, so the handler may longjmp. */
#ifndef SOCK_DIAL_H
#define SOCK_DIAL_H

#include "sock/endpoint.h"

typedef int dial_function(int fd, const struct sockaddr *address, socklen_t length);

struct dial_request {
    dial_function *real;
    int fd;
    const struct sockaddr *address;
    socklen_t length;
    const struct endpoint *to;
    const void *caller; /* return address: each place in the code mostly uses one kind of socket */
};

int dial(const struct dial_request *r);

#endif
