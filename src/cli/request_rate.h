/* SPDX-License-Identifier: MIT
 *
 * Requests per second, from what was counted between two moments. What cannot be known is RATE_UNKNOWN: of
 * a host after a reset, and of anything before the second moment.
 *
 *     struct request_rates rates = {0};
 *     for (;;) {
 *         request_rates_read(&rates, board, hosts, n, now_ns);      the counters are read once, by the caller
 *         ... hosts[0].per_s, rates.per_s ...
 *     }
 *     request_rates_free(&rates);
 *
 * If the file of the board has been replaced, request_rates_free() begins again. The board itself has a
 * history only of the sum over all hosts. */
#ifndef CLI_REQUEST_RATE_H
#define CLI_REQUEST_RATE_H

#include "cli/host_list.h"

#include <stdint.h>

#define RATE_UNKNOWN (-1.0)

struct request_count {
    uint64_t key, requests;
    double per_s;
};

struct request_rates {
    int64_t at_ns;            /* of the last reading; 0: none */
    uint64_t kept;            /* changes when a host is reset or loses its slot */
    struct request_count *of; /* sorted by key */
    uint32_t n;
    double per_s;    /* of all hosts together */
    int64_t over_ns; /* the time between the last two readings */
};

/* Sets the rates between the last reading and this one; soon after that one, those that it has set.
 * Without memory they stay unknown. */
void request_rates_read(struct request_rates *r, const struct board *b, struct host *hosts,
                        uint32_t n, int64_t now_ns);
void request_rates_free(struct request_rates *r);

/* All hosts together over the last minute, or what the history has of it. RATE_UNKNOWN: it has nothing that
 * recent. */
double request_rate_of_history(const struct board *b, const struct host *hosts, uint32_t n,
                               int64_t now_ns, int64_t *over_ns);

#endif
