/* SPDX-License-Identifier: MIT
 *
 * What readers see of a slot: packed words unpacked, and values that cannot be right replaced. For the
 * snapshot, the metrics and the `harden` command. These functions write nothing to the board. Any
 * thread; none blocks or fails. */
#ifndef ENGINE_BOARD_VIEW_H
#define ENGINE_BOARD_VIEW_H

#include "engine/board/board.h"
#include "engine/board/status.h"
#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* Room for a name as it is shown: printable ASCII without quote and backslash; other bytes become %XX. A
 * name that was cut or changed ends in ~ and six digits of its slot's key, so that no two hosts are
 * shown under one name. */
#define VIEW_NAME_SIZE (2 * SLOT_NAME_SIZE)

/* The i-th slot if it is a host, a proxy or a place, with its name; else NULL. i counts to board_size(b). */
const struct slot *view_host(const struct board *b, uint32_t i, char name[VIEW_NAME_SIZE]);

/* The status of a host, proxy or place: at least degraded while its circuit is not closed, because requests are
 * refused, while it is paused as a whole, and while the fast pair of its SLO burns (slo.h). */
enum health_status view_status(const struct board *b, const struct slot *s, int64_t now_ns);
/* The status together with what it depends on, which is read once, so that a host is never shown as
 * healthy beside an open circuit. */
struct view_state {
    enum health_status status;
    enum breaker_state breaker;
    bool slo_burns;
};
struct view_state view_state(const struct board *b, const struct slot *s, int64_t now_ns);
/* Since when it has had this status, in ms of the wall clock; 0: unknown. */
int64_t view_since_ms(const struct board *b, const struct slot *s, enum health_status status,
                      int64_t now_ns, int64_t wall_ns);

/* The status of all hosts, proxies and places together. */
struct overall {
    uint32_t hosts, healthy, unhealthy; /* the others are degraded */
};
void view_add(struct overall *all, enum health_status one);
enum health_status view_overall(const struct overall *all);

/* An active check that some process runs (check_slot.h). A name that a host has, too, is marked like one
 * that was cut. */
struct check_view {
    char name[VIEW_NAME_SIZE];
    char target[VIEW_NAME_SIZE]; /* its origin */
    char kind[16];
    bool known; /* it has had a result */
    enum health_status status;
};
const struct slot *view_check(const struct board *b, uint32_t i, int64_t now_ns,
                              struct check_view *v);
/* The name of a host or check; false: the slot is neither. */
bool view_name(const struct board *b, uint32_t i, int64_t now_ns, char name[VIEW_NAME_SIZE]);

/* An upper limit for the number of hosts and checks, to allocate memory. */
uint32_t view_count(const struct board *b);

/* One of the places of a name: "api.example.com via backup.example.com". */
bool view_is_place(const struct slot *s);
/* The requests of a proxy or a place are also counted for their hosts, so they must not be added to a sum. */
bool view_is_counted_twice(const struct slot *s);

/* What programs with mode or breaker = observe would have done with the requests of a host: not part of its
 * own counters. False: nothing was observed. */
struct observed_view {
    uint64_t waits, rejected, retries, fallbacks;
    int64_t waited_ns; /* at most INT64_MAX: the board may be damaged */
};
bool view_observed(const struct board *b, const struct slot *s, struct observed_view *v);

/* The adaptive rate, no more than the limit of view_rate(); observed: the one that programs with mode =
 * observe would keep to. False: it is off. */
bool view_adaptive(const struct board *b, const struct slot *s, bool observed, int64_t now_ns,
                   struct adaptive_view *v);

/* slot->last_error; class and reason are in range. */
struct last_error view_error(const struct slot *s);

/* The limit that applies (the first if there are several) and the TAT of its bucket; false: none. */
bool view_rate(const struct board *b, const struct slot *s, struct rate *r, int64_t *tat_ns);
/* The concurrency limit that applies (the first if there are several). Asks the kernel which holders of
 * permits are alive, so it preserves errno, but makes system calls. False: there is none, and *v is zero. */
struct concurrency_view {
    uint32_t limit;
    uint32_t in_flight, waiting; /* waiting: as far as they have places on the board */
};
bool view_concurrency(const struct board *b, const struct slot *s, int64_t now_ns,
                      struct concurrency_view *v);
/* Of the bulkhead with this key. */
void view_bulkhead(const struct board *b, uint64_t key, uint32_t limit, int64_t now_ns,
                   struct concurrency_view *v);
/* Tokens left in the retry budget, of BUDGET_CAPACITY. */
double view_budget(const struct slot *s, int64_t now_ns);
/* Copies the histogram and returns its sum, so that sum and buckets agree. */
uint64_t view_latency(const struct slot *s, uint64_t counts[LATENCY_BUCKETS]);
/* A percentile of that histogram; 0 if it is empty. It is interpolated within its bucket, and never
 * larger than the longest attempt, which is known exactly. */
int64_t view_quantile_ns(const struct slot *s, const uint64_t counts[LATENCY_BUCKETS], uint64_t n,
                         double q);

#endif
