/* SPDX-License-Identifier: MIT
 *
 * The binding of an endpoint: the slot and the policy of the name, or the address, that it belongs
 * to. Bindings are kept for endpoints that were asked for lately, in a table without locks; the
 * caller gets a copy, for a binding belongs to one call at a time.
 *
 *     struct dial_room room;
 *     struct dial_binding *b = dial_binding_in(&room);
 *     if (dial_bind(b, engine, to, fd, now_ns)) ... b->binding
 *
 * Most connections need much less of it, and that is kept besides, in two cache lines:
 *
 *     struct fast_path p;
 *     if (dial_fast_path(&p, engine, to, now_ns)) ... see call.h
 *
 * False for lack of memory: let the call through. Any thread, also after fork. */
#ifndef SOCK_DIAL_BIND_H
#define SOCK_DIAL_BIND_H

#include "engine/call/fast_path.h"
#include "engine/engine.h"
#include "sock/endpoint.h"

struct dial_binding {
    struct endpoint to;
    uint32_t generation; /* of the names, when it was bound */
    bool more_follow;    /* the name has further addresses for the program to try */
    bool zoned;          /* another host in each network name space (zone.h) */
    uint64_t network;    /* the one that it was bound for; 0: not known */
    int64_t until_ns;
    struct binding binding; /* the last member: lanes in use only */
};

/* Room for one, without the lanes that no connection has. */
#define DIAL_LANES RATES_MAX
struct dial_room {
    _Alignas(struct dial_binding) char bytes[offsetof(struct dial_binding, binding) +
                                             BINDING_BYTES(DIAL_LANES)];
};

static inline struct dial_binding *dial_binding_in(struct dial_room *room)
{
    return (struct dial_binding *)(void *)room->bytes;
}

/* Of an endpoint that was bound lately and whose connections neither a limit nor a bound in time
 * concerns; it may be out of date by less than a minute in what the board knows (fast_path_is_clear), and
 * of another network name space in a program that has changed its own: for what succeeds, since
 * dial_bind asks the socket. */
bool dial_fast_path(struct fast_path *path, struct engine *e, const struct endpoint *to,
                    int64_t now_ns);
bool dial_bind(struct dial_binding *b, struct engine *e, const struct endpoint *to, int fd,
               int64_t now_ns);

#endif
