/* SPDX-License-Identifier: MIT
 *
 * The hosts of the board at one moment, for those that show them: each number read once, so that
 * what is shown of a host agrees with itself.
 *
 *     struct host *hosts = host_list_read(board, clock_now_ns(), &n);      NULL: out of memory
 *     ... hosts[0] is the one to look at first ...
 *     free(hosts); */
#ifndef CLI_HOSTS_H
#define CLI_HOSTS_H

#include "engine/board/board.h"
#include "engine/board/view.h"

#include <stdbool.h>
#include <stdint.h>

struct host {
    char name[VIEW_NAME_SIZE];
    uint64_t key; /* of its slot: that of its changes in the history */
    bool proxy;   /* its counts are part of no sum */
    enum health_status status;
    enum breaker_state breaker;
    int64_t since_ms; /* of the status, wall clock; 0: not known */
    uint32_t failures_in_row;
    uint64_t requests, attempts, successes, failures, retries, recovered;
    uint64_t rate_rejected, breaker_rejected;
    uint64_t budget_denied; /* retries */
    int64_t waited_ns;
    uint64_t latency[LATENCY_BUCKETS]; /* attempts are their sum */
    int64_t p50_ns, p95_ns, p99_ns;    /* 0: no attempt yet */
    bool limited;
    double available; /* tokens of `burst` */
    uint32_t burst;
};

/* The sick first, then the busy. */
struct host *host_list_read(const struct board *b, int64_t now_ns, uint32_t *n);

/* Of the settled requests, the share that went well: "99.9 %", "-". 100 only without a failure. */
const char *host_success(const struct host *h, char out[16]);
/* "1.2 ms", "340 ms", "12.0 s", "-" for nothing */
const char *host_time(int64_t ns, char out[16]);

#endif
