/* SPDX-License-Identifier: MIT */
#ifndef ENGINE_CALL_BIND_H
#define ENGINE_CALL_BIND_H

#include "engine/board/board.h"
#include "engine/config/config.h"
#include "engine/config/rules.h"
#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What changes from request to request in a bucket key; NULL where unknown. Hashed, never stored.
 */
struct header_source {
    const char *(*header)(void *ctx, const char *name); /* value of a request header */
    void *ctx;
};

/* A rate of a limit, and its word on the board. */
struct lane {
    _Atomic int64_t *tat;
    struct rate rate;
    struct slot *slot; /* that the word is in */
    uint64_t key;      /* of that slot */
};

/* The proxy that requests for a destination go through: health and breaker of its own. */
struct proxy_binding {
    struct slot *slot; /* NULL: none */
    uint64_t key;
    const struct policy *policy; /* breaker and health of the rules for the proxy's name */
};

/* Where a destination's state is. Zero-initialised means unbound. */
struct binding {
    const struct config *config;
    struct board *board;
    const struct policy *policy;
    struct slot *slot; /* health, breaker, budget, gate: the host's (host, or host:port) */
    uint64_t key;
    int64_t refreshed_ns; /* when the slots were last marked as used; 0: lanes are to be bound */
    int lane_count;
    bool per_request;          /* keys hold a header or variable: bind at every request */
    uint8_t operation;         /* scheme, port and path as the breaker tells them apart */
    char name[SLOT_NAME_SIZE]; /* "api.example.com", "localhost:8080": safe to show */
    struct proxy_binding proxy;
    uint64_t bucket_key[LIMITS_MAX];          /* from here on unused without lanes */
    struct lane lane[LIMITS_MAX * RATES_MAX]; /* copies take lane_count of them, and end there */
    char proxy_name[SLOT_NAME_SIZE]; /* "http://proxy.example.com:3128"; by call_bind_proxy alone */
};

/* As much of a binding as has so many lanes: who binds targets without a path, which no limit of an
 * operation concerns, needs no more than RATES_MAX. For stacks that have no room for all of it. */
#define BINDING_BYTES(lanes) (offsetof(struct binding, lane) + (lanes) * sizeof(struct lane))

/* False for lack of memory: let the call through. */
bool call_bind(struct binding *b, const struct config *config, struct board *board,
               const struct target *t, const struct header_source *source, int64_t now_ns);
/* After call_bind: t is the proxy, with the scheme that it is spoken to in. */
void call_bind_proxy(struct binding *b, const struct target *t, int64_t now_ns);
/* Whether the binding still holds: same config and board, slots not given to others. */
bool binding_is_current(const struct binding *b, const struct config *config,
                        const struct board *board);
/* Marks the slots as used, and binds again what was given to others. */
void binding_refresh(struct binding *b, int64_t now_ns);

#endif
