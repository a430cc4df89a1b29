/* SPDX-License-Identifier: MIT
 *
 * The adaptive rate of a host that throttles and does not say how much it accepts: all processes of a user
 * find it together. A throttle (429 and the like, without a usable hint) cuts the rate by what the host does not
 * accept, and a little more. The goodput g is what the host has accepted per second of late, and f the part
 * of the requests that this was while they were made at the adaptive rate, at most 1:
 *
 *     first cut     to 0.95 g
 *     later ones    to 0.95 f rate, but to half of the rate and 0.1/s at least; at most one a second
 *     growth        by 2 % of g a second, and twice as fast after each 10 s without a cut
 *     off           300 s after the last cut
 *     example       g = 10/s: 9.5/s; 1 s later 9.7/s, after 10 s 11.5/s, after 20 s 15.5/s, after 1 min 135/s
 *
 * At most ADAPTIVE_BURST requests start at once. A configured rate is the ceiling, the argument ceiling_milli;
 * 0: none. g is measured over 250 ms at least (for the first cut over 1 s), and forgets in about a second, or
 * in about 16 accepted requests if these take longer, up to 10 s. After an idle time, the first cut takes what is known from
 * before, or what the last requests say if that is more; if that was less than 1/s, and none was accepted for
 * 10 s, it waits for a second of new requests.
 *
 *     adaptive_accepted(&a, now_ns);              for each attempt that the host accepted
 *     if (adaptive_throttled(&a, 0, now_ns, &v))  ... the rate was cut to v.rate_milli ...
 *     if (adaptive_read(&a, 0, now_ns, &v))       ... on: v.rate_milli is the rate now ...
 *     if (adaptive_take_end(&a, now_ns))          ... it is off again; once, whoever asks ...
 *
 * Three words of the board, without locks; a process killed at any instruction leaves each of them valid.
 * Zero is off. Rates are thousandths of a request per second. Nothing read is trusted: a cut that is more than
 * ADAPTIVE_OFF_NS ahead is damage, and off; a rate beyond ADAPTIVE_MAX_MILLI counts as that. Times are
 * arguments. Any thread, any process; never blocks or fails. */
#ifndef ENGINE_BOARD_ADAPTIVE_H
#define ENGINE_BOARD_ADAPTIVE_H

#include "engine/policy/policy.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define ADAPTIVE_BURST     2
#define ADAPTIVE_LEAST     100        /* 0.1/s */
#define ADAPTIVE_MAX_MILLI 1000000000 /* a million requests per second */
#define ADAPTIVE_OFF_NS    (300 * NS_PER_S)

struct adaptive {
    _Atomic int64_t tat_ns;  /* of the rate: gcra.h */
    _Atomic uint64_t cut;    /* the last one: time:32 rate:16 goodput:16; 0: off */
    _Atomic uint64_t window; /* of the measurement: start:32 accepted:16 goodput before it:16 */
};

struct adaptive_view {
    uint64_t rate_milli;
    uint64_t cut_milli;     /* the rate right after the last cut */
    uint64_t goodput_milli; /* at the last cut */
    int64_t cut_ns;         /* when that was, to 17 ms */
    int64_t off_ns;         /* when it will be off */
    bool first;             /* adaptive_throttled(): it was off */
};

void adaptive_accepted(struct adaptive *a, int64_t now_ns);
/* True: it was off, or the last cut is a second old, and *v is the rate from now on. */
bool adaptive_throttled(struct adaptive *a, uint64_t ceiling_milli, int64_t now_ns,
                        struct adaptive_view *v);
/* False: it is off, and nothing is limited. */
bool adaptive_read(const struct adaptive *a, uint64_t ceiling_milli, int64_t now_ns,
                   struct adaptive_view *v);
/* The goodput of late, whether on or off; 0: not known. */
uint64_t adaptive_goodput_milli(const struct adaptive *a, int64_t now_ns);
/* When it went off; 0: it did not, or that was asked before. */
int64_t adaptive_take_end(struct adaptive *a, int64_t now_ns);
/* The rate as gcra.h wants it. */
struct rate adaptive_rate(uint64_t rate_milli);

#endif
