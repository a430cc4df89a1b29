/* SPDX-License-Identifier: MIT
 *
 * connect() of a program that brings its own protocol: rate limit, breaker, retry and health of the
 * host, by the same engine as for a transfer.
 *
 *     struct endpoint to;
 *     if (endpoint_of(&to, address, length))
 *         return dial(&(struct dial_request){real, fd, address, length, &to, caller});
 *     return real(fd, address, length);
 *
 * What it does depends on the socket:
 *
 *   stream, blocking      waits for its turn, makes the call, repeats it with back-off where the
 *                         failure is likely to pass; within SO_SNDTIMEO and max_elapsed. A signal
 *                         ends the back-off: the program gets the failure at once. One that
 *                         ends system calls (no SA_RESTART) ends the wait, with ETIMEDOUT
 *   stream, non-blocking  never waits and never repeats; counted, and refused only where on_limit =
 *                         fail or the circuit is open. EINPROGRESS is no result
 *   anything else         the bare call
 *
 * What the socket is is not asked before it must be known: a connection that no limit concerns and
 * that succeeds costs no system call more (dial_socket.h).
 *
 * The result is the real one, errno to the bit; on success errno is as it was before the call. A
 * refusal is ETIMEDOUT (limit) or ECONNREFUSED (open circuit). Any thread; a cancellation point, as
 * connect() is; nothing is held while a program's signal handler runs, so it may longjmp. */
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
    const void *caller; /* return address: the same place mostly has the same kind of socket */
};

int dial(const struct dial_request *r);

#endif
