/* SPDX-License-Identifier: MIT
 *
 * Binding: where the state of a destination is on the board, and the policy that applies to it.
 *
 *     struct binding b = {0};                           kept per handle or endpoint
 *     if (!binding_is_current(&b, config, board))
 *         call_bind(&b, config, board, &target, &source, now_ns);
 *     call_begin(&c, &b, app_timeout_ns, now_ns);       calls binding_refresh
 *
 * A binding is current while config and board are the same and every slot still has the key it was
 * found by. A slot can be given to another key at any time until binding_refresh has marked it as
 * used; from then on it keeps its key for SLOT_IDLE_NS. A binding needs no clean-up: it may be copied,
 * overwritten and dropped, and its slots stay mapped. It belongs to one thread at a time. No locks
 * and no system calls; only rules_find may allocate memory. */
#ifndef ENGINE_CALL_BIND_H
#define ENGINE_CALL_BIND_H

#include "engine/board/board.h"
#include "engine/config/config.h"
#include "engine/config/pattern.h"
#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a bucket key reads the request headers named by "per". NULL: unknown. Values are hashed
 * and never stored. */
struct header_source {
    const char *(*header)(void *ctx, const char *name); /* value of a request header */
    void *ctx;
};

/* One rate of one limit, and its word on the board. */
struct lane {
    _Atomic int64_t *tat;
    struct rate rate;
    struct slot *slot; /* contains the word */
    uint64_t key;      /* of that slot */
};

/* The permits of one limit. */
struct bulkhead_binding {
    struct slot
        *slot;      /* their first page; NULL: the limit has no concurrency, or the board is full */
    uint64_t key;   /* of that slot */
    uint16_t limit; /* 0: the limit has no concurrency */
    _Atomic uint64_t *last; /* the permit of the last request: most likely it is free. Never NULL */
};

/* The proxy in front of a destination. It has its own health and breaker. */
struct proxy_binding {
    struct slot *slot; /* NULL: none */
    uint64_t key;
    struct slot *facts; /* as of the binding */
    uint64_t facts_key;
    const struct policy *policy; /* breaker and health settings of the rules for the proxy's name */
};

/* What makes a binding unusual: code for the usual case needs to test only that none is set. */
enum special {
    SPECIAL_OBSERVED = 1, /* there is `facts` */
    SPECIAL_PROXY = 2,
    SPECIAL_BULKHEAD = 4, /* the first limit has a concurrency */
    SPECIAL_ADAPTIVE = 8,
    SPECIAL_SLOW = 16,   /* slow_after */
    SPECIAL_PLACES = 32, /* fallback */
    SPECIAL_SLO = 64,
    SPECIAL_BULKHEADS = 128, /* another limit has a concurrency */
};
#define SPECIAL_PERMITS (SPECIAL_BULKHEAD | SPECIAL_BULKHEADS)

/* Zero-initialised: empty, and not current. */
struct binding {
    const struct config *config;
    struct board *board;
    const struct policy *policy;
    struct slot *slot; /* health, breaker, budget and pause of the host (host, or host:port) */
    uint64_t key;
    /* In observe mode, `slot` is of kind OBSERVED: enforcing programs do not read what decisions are
     * made with. Then this is the host's own, for the facts, which concern everybody. NULL: enforce.
     * Without room for both on the board, both are the overflow slot, and nothing is decided. */
    struct slot *facts;
    uint64_t facts_key;
    int64_t refreshed_ns; /* when the slots were last marked as used; 0: bind the lanes again */
    int lane_count;
    struct slot *scope; /* the pauses of a part of the host (policy->pause_scope); NULL: none */
    uint64_t scope_key;
    bool per_request;  /* a key contains a header: bind again for every request */
    uint8_t special;   /* of enum special */
    uint8_t operation; /* hash of scheme, port and path, for the breaker */
    uint8_t bulkheads; /* bit i: limit i has a concurrency, and a slot for its permits */
    char name
        [SLOT_NAME_SIZE]; /* "api.example.com", "localhost:8080" (board_cut_name): safe to show */
    struct proxy_binding proxy;
    struct bulkhead_binding bulkhead; /* of the first limit */
    uint64_t bucket_key[LIMITS_MAX];  /* from here on unused if there are no lanes */
    /* The last one is only for a target with a path. A copy may end after lane_count of them, and one more with
     * SPECIAL_ADAPTIVE. */
    struct lane lane[LIMITS_MAX * RATES_MAX + 1];
    char proxy_name[SLOT_NAME_SIZE]; /* "http://proxy.example.com:3128", by call_bind_proxy */
    struct bulkhead_binding more_bulkheads[LIMITS_MAX - 1];
};

static inline struct bulkhead_binding *binding_bulkhead(struct binding *b, int limit)
{
    return limit ? &b->more_bulkheads[limit - 1] : &b->bulkhead;
}
/* Finds the permits of its limits. */
void binding_bind_bulkheads(struct binding *b, int64_t now_ns);
/* For display, on the slot of the host. */
void binding_show_concurrency(const struct binding *b, struct slot *s);
/* The host part of a name that is shown. */
void binding_host_name(char host[SLOT_NAME_SIZE], const char *name);
/* The same permits for readers: key as binding_bucket_key returns it. */
uint64_t binding_bulkhead_key(uint64_t bucket_key);
/* Finds or claims the slot of page i. NULL: the board is full. */
struct slot *binding_page(const struct binding *b, uint64_t key, unsigned page, int64_t now_ns);

/* The keys of the slots of a limit's bucket, and of the part of a host that a pause may concern. t->host: as the
 * board names it (network_zone.h). */
uint64_t binding_bucket_key(const struct limit *l, const struct target *t,
                            const struct header_source *source, const struct board *board);
uint64_t binding_scope_key(const struct limit *scope, const struct target *t,
                           const struct header_source *source, const struct board *board);

/* Size of a binding with room for this many lanes, for stacks without room for a whole one. A
 * target without a path matches no limit of an operation, and needs RATES_MAX lanes at most. */
#define BINDING_BYTES(lanes) (offsetof(struct binding, lane) + (lanes) * sizeof(struct lane))

/* False if memory is short: let the request through. */
bool call_bind(struct binding *b, const struct config *config, struct board *board,
               const struct target *t, const struct header_source *source, int64_t now_ns);
/* After call_bind. t: the proxy, with the scheme that is spoken to it. */
void call_bind_proxy(struct binding *b, const struct target *t, int64_t now_ns);
/* Whether config and board are the same and all slots that decide still belong to their keys. */
bool binding_is_current(const struct binding *b, const struct config *config,
                        const struct board *board);
/* Marks the slots as used, and binds those again that were given to other keys. */
void binding_refresh(struct binding *b, int64_t now_ns);
/* The same for those of permits, which keep their keys while a request has a permit (board.c). */
void binding_refresh_bulkheads(struct binding *b, int64_t now_ns);

#endif
