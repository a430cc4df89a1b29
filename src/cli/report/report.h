/* SPDX-License-Identifier: MIT
 *
 * The page of `harden report`: the verdict, the hosts, their history, latency and configuration.
 * Each function writes one part of the page as HTML: frame.c the verdict, header and footer,
 * section_NAME.c a section. All use the same `struct report`, which was read once, so that the
 * parts are consistent. */
#ifndef CLI_REPORT_REPORT_H
#define CLI_REPORT_REPORT_H

#include "base/clock.h"
#include "cli/board_places.h"
#include "cli/check_list.h"
#include "cli/host_list.h"
#include "engine/config/config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct report {
    FILE *f;
    const struct board *board;
    const struct board_place *place; /* of the board */
    const struct config *config;
    const struct host *hosts;
    uint32_t host_count;
    const struct check *checks;
    uint32_t check_count;
    int64_t now_ns, wall_ns; /* the same moment on both clocks */
};

/* Converts a time on the board to wall clock time. */
static inline int64_t report_wall_ns(const struct report *r, int64_t at_ns)
{
    return r->wall_ns - (r->now_ns - at_ns);
}

/* How long a host has had its status; -1: unknown. */
static inline int64_t report_status_age_ns(const struct report *r, const struct host *h)
{
    return h->since_ms > 0 && h->since_ms <= r->wall_ns / NS_PER_MS
               ? r->wall_ns - h->since_ms * NS_PER_MS
               : -1;
}

/* Formats the verdict: "1 of 12 hosts not healthy: api.example.com, for 4 min". */
void report_verdict(const struct report *r, char *out, size_t size);
void report_head(const struct report *r, const char *verdict);
void report_hosts(const struct report *r);
void report_slo(const struct report *r); /* nothing if no host has an objective */
bool report_has_slo(const struct report *r);
void report_checks(const struct report *r); /* a part of the section of hosts */
/* These return false if out of memory. */
bool report_times(const struct report *r);
bool report_states(const struct report *r);
bool report_latency(const struct report *r);
bool report_config(const struct report *r);
void report_foot(const struct report *r);

#endif
