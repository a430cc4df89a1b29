/* SPDX-License-Identifier: MIT
 *
 * Retry budget (as in gRPC's retry throttling and Finagle): 100 tokens a host. A retry costs
 * 100/percent (5 at 20 %), whatever it is for; a success gives one back, a retry that helped its own
 * cost, and time `reserve`: 10/1m are ten retries a minute. So in the long run no more than `percent`
 * retries per success reach a struggling server, and a dead one is asked again no more than 20 times
 * at once and 10 times a minute. A retry pays when it is decided, and has it back if it is not
 * admitted then.
 *
 *     budget_take(&b, 20, 6 * NS_PER_S, now_ns)      20 times true, and then once in six seconds
 *
 * One word of the board: thousandths of a token that are *spent*, so that zero is a full budget, and
 * until when what comes back with time is in them. Nothing comes back while the clock stands still; a
 * time that is far ahead, as of another boot, counts as now. Times are arguments. */
#ifndef ENGINE_BOARD_BUDGET_H
#define ENGINE_BOARD_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BUDGET_CAPACITY 100

struct budget {
    _Atomic uint64_t word; /* spent 17 bits, time in ms 47: budget.c */
};

/* percent 0: unlimited. reserve_ns: from one retry that time gives back to the next; 0: none. */
bool budget_would_allow(const struct budget *b, int percent, int64_t reserve_ns, int64_t now_ns);
bool budget_take(struct budget *b, int percent, int64_t reserve_ns, int64_t now_ns);
/* The cost of one retry, which was not made, or helped. */
void budget_give_back(struct budget *b, int percent);
void budget_success(struct budget *b);
/* In how many ms an empty budget is full again by time alone, as readers are told it; 0: never. Less
 * than BUDGET_FILL_MAX_MS. */
#define BUDGET_FILL_MAX_MS (1ULL << 46)
uint64_t budget_fill_ms(int percent, int64_t reserve_ns);
/* 0..BUDGET_CAPACITY, for display. */
double budget_available(const struct budget *b, uint64_t fill_ms, int64_t now_ns);

#endif
