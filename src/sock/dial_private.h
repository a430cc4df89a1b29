/* SPDX-License-Identifier: MIT
 *
 * Shared by the files of dial.h: the state of one connection and its attempts.
 *
 *     struct dial d;                            on the stack of the connecting thread
 *     if (dial_attempt(&d, now_ns, &at_ns))     another attempt at at_ns
 *
 * dial.c decides what happens to a connection, dial_attempt.c makes one attempt and reports it. */
#ifndef SOCK_DIAL_PRIVATE_H
#define SOCK_DIAL_PRIVATE_H

#include "engine/call/call.h"
#include "engine/engine.h"
#include "sock/dial.h"
#include "sock/dial_bind.h"
#include "sock/socket.h"

#include <stdbool.h>
#include <stdint.h>

struct dial {
    const struct dial_request *request;
    struct engine *engine;
    struct dial_binding *host;
    struct dial_room room; /* host is in it */
    struct call call;
    struct admission admission; /* the last answer of call_admit */
    struct socket_facts socket;
    bool inspected; /* socket is filled in */
    bool begun, ended;
    bool timeout_is_ours; /* SO_SNDTIMEO is set to our timeout */
    bool interrupted;     /* while waiting for its turn */
    bool fd_changed;      /* the descriptor was closed, or refers to another file now */
    int error;            /* errno of the last attempt; 0: connected */
    int error_before;     /* of the one before it; 0: there was none */
};

/* The real connect(). */
int dial_bare(const struct dial *d);
/* Whether the descriptor still refers to the inspected socket. Call it after anything that may take
 * long, before the descriptor is used again. Preserves errno. */
bool dial_fd_is_same(struct dial *d);
/* Restores the program's SO_SNDTIMEO. */
void dial_restore_timeout(struct dial *d);
/* Whether this errno of connect() says nothing about the host: the connection is in progress or
 * established, or the arguments were wrong. */
bool dial_is_no_result(int error);
/* Reports an attempt that ended with d->error. shortened: by our timeout; again: it may be
 * repeated. True: another attempt at *at_ns. */
bool dial_report(struct dial *d, int64_t begun_ns, bool shortened, bool again, int64_t *at_ns);
/* Makes and reports an attempt on a blocking socket. True: another attempt at *at_ns. */
bool dial_attempt(struct dial *d, int64_t now_ns, int64_t *at_ns);

#endif
