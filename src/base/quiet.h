/* SPDX-License-Identifier: MIT
 *
 * File output from a thread that is not ours. Between begin and end the program cannot be hit by
 * what our writing does: no SIGPIPE, SIGXFSZ or SIGTTOU; and what we do cannot be left half done:
 * no other signal whose handler could jump out of it, no thread cancellation. errno as it was.
 *
 *     struct quiet q;
 *     quiet_begin(&q);
 *     ... open, write, close ...
 *     quiet_end(&q); */
#ifndef BASE_QUIET_H
#define BASE_QUIET_H

#include <signal.h>
#include <stdbool.h>

struct quiet {
    sigset_t mask;    /* of the caller */
    sigset_t pending; /* before us: not ours to swallow */
    int cancel_state;
    int saved_errno;
};

void quiet_begin(struct quiet *q);
void quiet_end(struct quiet *q);

#endif
