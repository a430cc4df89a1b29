/* SPDX-License-Identifier: MIT
 *
 * What is to be known of a socket, asked only when it must be: each answer is a system call. None
 * changes the socket; SO_ERROR, which reading clears, is left alone. errno is not preserved. */
#ifndef SOCK_DIAL_SOCKET_H
#define SOCK_DIAL_SOCKET_H

#include "sock/descriptor.h"

#include <stdbool.h>
#include <stdint.h>

struct socket_facts {
    struct descriptor_id id;
    bool stream; /* and of the Internet */
    bool blocking;
    bool idle;               /* neither connected nor connecting nor listening */
    bool has_failed;         /* idle, after it has tried to connect at least once */
    int64_t send_timeout_ns; /* SO_SNDTIMEO, which bounds a blocking connect; 0: none */
};

struct socket_facts socket_inspect(int fd);

/* Whether a connect() that has just succeeded was a stream's. Asks once for each place that calls
 * and port; after that only for what came back in less than half the time of the quickest handshake
 * there, and always where a datagram socket was seen. So one of these is taken for a stream only if it
 * is the first at a place that had streams, and was held up for that long. */
bool socket_was_stream(int fd, const void *caller, uint16_t port, int64_t duration_ns);

/* SO_SNDTIMEO. */
void socket_set_send_timeout(int fd, int64_t timeout_ns);

#endif
