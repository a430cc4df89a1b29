/* SPDX-License-Identifier: MIT
 *
 * The parts of the page of `harden report`, in the order in which a person asks: is all well, which
 * host is not, what happened when, how slow is it, what is configured. Each writes one part of HTML
 * from what was read once, so that the parts agree with each other. */
#ifndef CLI_REPORT_REPORT_H
#define CLI_REPORT_REPORT_H

#include "base/clock.h"
#include "cli/check_list.h"
#include "cli/host_list.h"
#include "engine/config/config.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct report {
    FILE *f;
    const struct board *board;
    const struct config *config;
    const struct host *hosts;
    uint32_t host_count;
    const struct check *checks;
    uint32_t check_count;
    int64_t now_ns, wall_ns; /* one moment on both clocks */
};

/* A moment of the board on the clock of people. */
static inline int64_t report_wall_ns(const struct report *r, int64_t at_ns)
{
    return r->wall_ns - (r->now_ns - at_ns);
}

/* How long a host has had its status; -1: not known, or damaged. */
static inline int64_t report_unwell_ns(const struct report *r, const struct host *h)
{
    return h->since_ms > 0 && h->since_ms <= r->wall_ns / NS_PER_MS
               ? r->wall_ns - h->since_ms * NS_PER_MS
               : -1;
}

/* "1 of 12 hosts is not well: api.example.com, for 4 min" */
void report_verdict(const struct report *r, char *out, size_t size);
void report_head(const struct report *r, const char *verdict);
void report_hosts(const struct report *r);
void report_checks(const struct report *r); /* within the hosts' section */
/* These need memory; false: there is none. */
bool report_times(const struct report *r);
bool report_states(const struct report *r);
bool report_latency(const struct report *r);
bool report_config(const struct report *r);
void report_foot(const struct report *r);

#endif
