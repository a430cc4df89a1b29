/* SPDX-License-Identifier: MIT
 *
 * What the parts of dial.h share: one connection on its way through the engine, and its attempts.
 *
 *     struct dial d;                     on the stack of the thread that connects
 *     if (dial_attempt(&d, now_ns, &at_ns))     another attempt at at_ns
 *
 * dial.c decides how a connection goes, dial_attempt.c makes one attempt and reports it. */
#ifndef SOCK_DIAL_PARTS_H
#define SOCK_DIAL_PARTS_H

#include "engine/call/call.h"
#include "engine/call/fast_path.h"
#include "engine/engine.h"
#include "sock/dial.h"
#include "sock/dial_bind.h"
#include "sock/dial_socket.h"

#include <stdbool.h>
#include <stdint.h>

struct dial {
    const struct dial_request *request;
    struct engine *engine;
    struct dial_binding *host;
    struct dial_room room; /* of it */
    struct call call;
    struct socket_facts socket;
    bool inspected; /* socket holds */
    bool begun, ended;
    bool timeout_is_ours; /* SO_SNDTIMEO is ours */
    bool interrupted;     /* while it waited for its turn */
    bool fd_changed;      /* the descriptor is another socket's by now, or nobody's */
    int error;            /* of the last attempt; 0: connected */
};

/* libc's connect(). */
int dial_bare(const struct dial *d);
/* To be asked after whatever may take long, before the descriptor is used again. Keeps errno. */
bool dial_fd_is_same(struct dial *d);
/* SO_SNDTIMEO is the program's again. */
void dial_restore_timeout(struct dial *d);
/* Whether an errno of connect() says nothing about the host: the connection is on its way or there
 * already, or the call itself was wrong. */
bool dial_is_no_result(int error);
/* Reports an attempt that ended with d->error. True: another one at *at_ns. */
bool dial_report(struct dial *d, int64_t begun_ns, bool shortened, bool again, int64_t *at_ns);
/* Makes one on a blocking socket, and reports it. True: another one at *at_ns. */
bool dial_attempt(struct dial *d, int64_t now_ns, int64_t *at_ns);

#endif
