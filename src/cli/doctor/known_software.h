/* SPDX-License-Identifier: MIT
 *
 * Facts about well-known programs and libraries that cannot be read from their files. Names are
 * base names. */
#ifndef CLI_DOCTOR_KNOWN_SOFTWARE_H
#define CLI_DOCTOR_KNOWN_SOFTWARE_H

#include <stdbool.h>

enum known_trait {
    /* Connects with non-blocking sockets and poll(), without a known event loop. An rsync that does
     * not import poll() is older than 3.4, and its sockets block. */
    CONNECTS_ASYNC = 1 << 0,
    OWN_STREAMS =
        1 << 2, /* beside libcurl it has streams of its own, which connect without blocking */
    STARTS_OTHERS = 1 << 1, /* most of its connections are made by programs that it starts */
};

unsigned known_traits(const char *program);
/* The n-th note about it for the user; NULL past the end. */
const char *known_note(const char *program, int n);
/* A library that connects with non-blocking sockets. */
bool known_asynchronous(const char *library);
/* A system library that connects only to local daemons. */
bool known_local(const char *library);

#endif
