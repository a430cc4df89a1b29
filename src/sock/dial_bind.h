/* SPDX-License-Identifier: MIT
 *
 * The binding of an endpoint: the slot and the policy of the name, or the address, that it belongs
 * to. Bindings are kept for endpoints that were asked for lately, in a table without locks; the
 * caller gets a copy, for a binding belongs to one call at a time.
 *
 *     struct binding b;
 *     bool more_follow;
 *     if (dial_bind(&b, &more_follow, engine, to, now_ns)) ...
 *
 * False for lack of memory: let the call through. Any thread, also after fork. */
#ifndef SOCK_DIAL_BIND_H
#define SOCK_DIAL_BIND_H

#include "engine/call.h"
#include "engine/engine.h"
#include "sock/endpoint.h"

/* *more_follow: the name has further addresses for the program to try. */
bool dial_bind(struct binding *b, bool *more_follow, struct engine *e, const struct endpoint *to,
               int64_t now_ns);

#endif
