/* SPDX-License-Identifier: MIT
 *
 * The facts about a socket that dial needs. Ask only when necessary: each answer is a system call.
 * Inspecting changes nothing; SO_ERROR, which is cleared by reading it, is not read. errno is not
 * preserved. Any thread. */
#ifndef SOCK_SOCKET_H
#define SOCK_SOCKET_H

#include "sock/descriptor.h"

#include <stdbool.h>
#include <stdint.h>

struct socket_facts {
    struct descriptor_id id;
    bool stream; /* SOCK_STREAM */
    bool blocking;
    bool idle;               /* neither connected, connecting nor listening */
    bool has_failed;         /* idle, and has tried to connect at least once */
    int64_t send_timeout_ns; /* SO_SNDTIMEO, which limits a blocking connect; 0: none */
};

struct socket_facts socket_inspect(int fd);

/* Whether a connect() that has just succeeded was on a stream socket. Asks the kernel once for
 * each calling place and port. After that, asks only if the call took less than half of the
 * quickest handshake there, and always at a place where a datagram socket was seen. So a
 * datagram socket is mistaken for a stream only if it is the first one at a place that had
 * streams, and its call was delayed by that long. */
bool socket_was_stream(int fd, const void *caller, uint16_t port, int64_t duration_ns);

/* Sets SO_SNDTIMEO, to at least 1 us; 0: no timeout. */
void socket_set_send_timeout(int fd, int64_t timeout_ns);

#endif
