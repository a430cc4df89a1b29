/* SPDX-License-Identifier: MIT
 *
 * A slot of the board as its readers see it: packed words taken apart, and nothing believed that
 * cannot be. For snapshot, metrics and the `harden` command. Each function reads, none writes. */
#ifndef ENGINE_BOARD_VIEW_H
#define ENGINE_BOARD_VIEW_H

#include "engine/board/board.h"
#include "engine/board/status.h"
#include "engine/policy/classify.h"
#include "engine/policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

/* Room for a name as it is shown: printable ASCII without quote and backslash. What is not becomes
 * %XX; a name that is not whole and unchanged ends in ~ and six digits of its slot's key, so that no
 * two hosts are shown under one name. */
#define VIEW_NAME_SIZE (2 * SLOT_NAME_SIZE)

/* The i-th slot if it is a host or a proxy, with its name; else NULL. i counts to board_size(b). */
const struct slot *view_host(const struct board *b, uint32_t i, char name[VIEW_NAME_SIZE]);

/* How a host or a proxy is. Until its circuit is closed it is degraded at least, for requests are
 * refused; status_since_ms is of this. */
enum health_status view_status(const struct slot *s, int64_t now_ns);

/* All of them together. */
struct overall {
    uint32_t hosts, healthy, unhealthy; /* the rest is degraded */
};
void view_add(struct overall *all, enum health_status one);
enum health_status view_overall(const struct overall *all);

/* An active check that is looked after (check_run.h). A NAME that a host has too is marked like one
 * that is not whole. */
struct check_view {
    char name[VIEW_NAME_SIZE];
    char target[VIEW_NAME_SIZE]; /* its origin */
    char kind[16];
    bool known; /* it has had a result */
    enum health_status status;
};
const struct slot *view_check(const struct board *b, uint32_t i, int64_t now_ns,
                              struct check_view *v);
/* The name of either; false: the slot is neither. */
bool view_name(const struct board *b, uint32_t i, int64_t now_ns, char name[VIEW_NAME_SIZE]);

/* How many there are at most, of both, for those that make room. */
uint32_t view_count(const struct board *b);

/* A proxy's counts are of requests that are counted for their hosts as well: no part of a sum. */
bool view_is_proxy(const struct slot *s);

/* slot->last_error with values that have names. */
struct last_error view_error(const struct slot *s);

/* The limit in force, the first where there are several, and its bucket's TAT; false: none. */
bool view_rate(const struct board *b, const struct slot *s, struct rate *r, int64_t *tat_ns);
/* Tokens left in the retry budget, of BUDGET_CAPACITY. */
double view_budget(const struct slot *s, int64_t now_ns);
/* Copies the histogram and returns its sum, so that sum and buckets agree. */
uint64_t view_latency(const struct slot *s, uint64_t counts[LATENCY_BUCKETS]);
/* Of that histogram; 0 when nothing was counted. Within its bucket a percentile is an estimate; the
 * longest attempt, which is known exactly, bounds it. */
int64_t view_quantile_ns(const struct slot *s, const uint64_t counts[LATENCY_BUCKETS], uint64_t n,
                         double q);

#endif
