/* SPDX-License-Identifier: MIT
 *
 * The hosts on the board at one moment, for the commands that show them. Each number is read only
 * once, so that all figures shown of a host are consistent.
 *
 *     struct host *hosts = host_list_read(board, clock_now_ns(), &n);      NULL: out of memory
 *     ... hosts[0] needs attention first ...
 *     free(hosts); */
#ifndef CLI_HOST_LIST_H
#define CLI_HOST_LIST_H

#include "engine/board/board.h"
#include "engine/board/pause.h"
#include "engine/board/slo_slot.h"
#include "engine/board/view.h"

#include <stdbool.h>
#include <stdint.h>

struct host {
    char name[VIEW_NAME_SIZE];
    uint64_t key;      /* of its slot, and of its changes in the history */
    bool proxy, place; /* not part of totals: its requests are counted for their hosts as well */
    enum health_status status;
    enum breaker_state breaker;
    int64_t since_ms; /* start of the status, wall clock; 0: unknown */
    uint32_t failures_in_row;
    struct last_error error;
    int64_t error_ms;                  /* when it was, wall clock; 0: there was none */
    uint64_t count[COUNTERS_READ];     /* by enum counter */
    uint64_t latency[LATENCY_BUCKETS]; /* they add up to count[COUNT_ATTEMPTS] */
    int64_t p50_ns, p95_ns, p99_ns;    /* 0: no attempt yet */
    bool limited;
    double available; /* tokens, of `burst` */
    uint32_t burst;
    struct pause_shown paused, part_paused; /* until_ns 0: no pause */
    double per_s;                           /* requests; negative: unknown (cli/request_rate.h) */
    struct concurrency_view concurrency;    /* limit 0: none */
    struct adaptive_view adaptive, would_adapt; /* rate_milli 0: off; by programs that observe */
    struct slo_view slo;                        /* ppm 0: no objective */
    bool slo_burns;                             /* the fast pair */
    bool is_observed;
    struct observed_view observed;
};

/* Sorted: unhealthy ones first, then those with a circuit that is not closed, paused ones, degraded ones,
 * the larger share of failures, and more requests. NULL: out of memory; to be freed. */
struct host *host_list_read(const struct board *b, int64_t now_ns, uint32_t *n);

static inline bool host_is_counted_twice(const struct host *h)
{
    return h->proxy || h->place;
}
/* Requests refused by a limit or by an open circuit. */
uint64_t host_rejected(const struct host *h);
/* Time spent waiting, at most INT64_MAX: the board may be damaged. */
int64_t host_waited_ns(const struct host *h);
/* Successful requests as a share of those that ended, refused ones included: "99.9 %", or "-" if there are
 * none. 100 only if all of them succeeded. */
const char *host_success(const struct host *h, char out[16]);
/* Formats a duration: "1.2 ms", "340 ms", "12.0 s"; "-" for 0. */
const char *host_time(int64_t ns, char out[16]);

#endif
