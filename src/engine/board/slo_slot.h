/* SPDX-License-Identifier: MIT
 *
 * The objective of a host on the board. The host's own slot says what is promised (shown_slo_ppm,
 * shown_slo_latency_ms); the requests are counted (slo.h) in a second slot, of kind SLO, which is found by the key
 * of the first. While the fast pair burns, the host is shown as degraded (view.h).
 *
 *     struct slo *s = slo_slot_claim(board, host_key, "api.example.com", now_ns);     NULL: the board is full
 *     slo_count(s, bad, now_ns);
 *     if (slo_slot_notice(board, host, "api.example.com", id, now_ns, wall_ns))
 *         ... the status may have changed: the snapshot is due ...
 *
 *     struct slo_view v;
 *     if (slo_slot_view(board, host, now_ns, &v))
 *         ... v.budget_left[...] ...
 *
 * Not every request of a host needs to have the objective: a section of the configuration may be for a path. So
 * the last one that had it decides what is shown, and after the last 24 hours without one, nothing is.
 *
 * Like every slot, that of an objective may be given to another host once it was not used for SLOT_IDLE_NS and
 * the board is full; then its history is lost. What is read is limited; any thread, any process; never blocks. */
#ifndef ENGINE_BOARD_SLO_SLOT_H
#define ENGINE_BOARD_SLO_SLOT_H

#include "engine/board/board.h"
#include "engine/board/slo.h"

#include <stdbool.h>
#include <stdint.h>

/* What the configuration accepts. */
#define SLO_PPM_MIN 500000
#define SLO_PPM_MAX 999990

uint64_t slo_slot_key(uint64_t host_key);
struct slo *slo_slot_claim(struct board *b, uint64_t host_key, const char *name, int64_t now_ns);
/* For readers. *ppm: the objective. NULL: the host has none, or no request yet. */
struct slo *slo_slot_find(const struct board *b, const struct slot *host, uint32_t *ppm);

/* Whether the fast pair burns. */
bool slo_slot_burns(const struct board *b, const struct slot *host, int64_t now_ns);
/* Whether requests should start at another place: it burns, and not because of a few requests only. */
bool slo_burns_fast(const struct board *b, const struct slot *host, int64_t now_ns);
#define SLO_BAD_TO_STEER 10 /* in five minutes */

/* Notes that the fast pair began or ceased to burn: in an event (id: of the request; 0: none) and in the
 * history. True: it did. */
bool slo_slot_notice(struct board *b, struct slot *host, const char *name, uint32_t id,
                     int64_t now_ns, int64_t wall_ns);
/* When to ask again, even without a request; INT64_MAX: need not be. */
int64_t slo_slot_next_ns(const struct board *b, const struct slot *host, int64_t now_ns);
/* The last change if nobody has noted it yet: when; 0: there is none. */
int64_t slo_slot_unnoticed_ns(const struct board *b, const struct slot *host, int64_t now_ns);

struct slo_view {
    uint32_t ppm;       /* 995000: 99.5 % */
    int64_t latency_ns; /* 0: only success counts */
    uint64_t good, bad; /* all requests since the host was first seen or reset */
    struct slo_sum sum[SLO_WINDOWS];
    double burn_rate[SLO_WINDOWS];
    double budget_left[SLO_WINDOWS];
    bool slow_burns; /* the slow pair; the fast one is part of the status */
    const struct slo *cells;
};
/* False: the host has no objective, or no request that counts in the last 24 hours; v->ppm is 0. */
bool slo_slot_view(const struct board *b, const struct slot *host, int64_t now_ns,
                   struct slo_view *v);

#endif
