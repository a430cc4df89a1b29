/* SPDX-License-Identifier: MIT
 *
 * What files do not tell of well-known programs and libraries. Names are base names. */
#ifndef CLI_DOCTOR_KNOWN_H
#define CLI_DOCTOR_KNOWN_H

#include <stdbool.h>

enum known_trait {
    /* By non-blocking sockets and poll(), without an event loop to be seen. An rsync that has no poll()
     * is one of before 3.4, whose sockets block. */
    CONNECTS_ASYNC = 1 << 0,
    STARTS_OTHERS = 1 << 1, /* whose connections are the point of it */
};

unsigned known_traits(const char *program);
/* The n-th remark about it; NULL past the end. */
const char *known_note(const char *program, int n);
/* A library that connects by non-blocking sockets. */
bool known_asynchronous(const char *library);
/* A library of the system, whose connections are local ones to its daemons. */
bool known_local(const char *library);

#endif
