/* SPDX-License-Identifier: MIT
 *
 * The binding of an endpoint: slot and policy of its name or address. Bindings of recent endpoints
 * are kept in a table without locks. The caller gets a copy, because a binding belongs to one call
 * at a time.
 *
 *     struct dial_room room;
 *     struct dial_binding *b = dial_binding_in(&room);
 *     if (dial_bind(b, engine, to, fd, now_ns)) ... b->binding
 *
 * Most connections need only a small part of it, which is kept separately, in two cache lines:
 *
 *     struct fast_path path;
 *     if (dial_fast_path(&path, engine, to, now_ns)) ... see fast_path.h
 *
 * False: no memory; let the call through. Any thread, also after fork. */
#ifndef SOCK_DIAL_BIND_H
#define SOCK_DIAL_BIND_H

#include "engine/call/fast_path.h"
#include "engine/engine.h"
#include "sock/endpoint.h"

struct dial_binding {
    struct endpoint to;
    uint32_t generation;    /* of the names, when this binding was made */
    bool more_follow;       /* the name has more addresses that the program can try */
    bool zoned;             /* a different host in each network namespace (network_zone.h) */
    uint64_t network;       /* the namespace it was made for; 0: unknown */
    int64_t until_ns;       /* valid until then */
    struct binding binding; /* the last member: ends after the lanes in use */
};

/* Room for a binding without the lanes that no connection needs. */
#define DIAL_LANES RATES_MAX
struct dial_room {
    _Alignas(struct dial_binding) char bytes[offsetof(struct dial_binding, binding) +
                                             BINDING_BYTES(DIAL_LANES)];
};

static inline struct dial_binding *dial_binding_in(struct dial_room *room)
{
    return (struct dial_binding *)(void *)room->bytes;
}

/* For an endpoint that was seen recently and has neither a limit nor a timeout. May be out of date
 * by up to a minute: about the board, which fast_path_is_clear checks, and about the network
 * namespace if the program has changed its own. Only successes can be counted for the wrong
 * namespace: for failures, dial_bind asks the socket. */
bool dial_fast_path(struct fast_path *path, struct engine *e, const struct endpoint *to,
                    int64_t now_ns);
bool dial_bind(struct dial_binding *b, struct engine *e, const struct endpoint *to, int fd,
               int64_t now_ns);

#endif
