/* SPDX-License-Identifier: MIT
 *
 * Retry budget (as in gRPC's retry throttling and Finagle): 100 tokens per host. A retry costs
 * 100/percent tokens (5 at 20 %), whatever the reason. A success returns one token, a retry that helped
 * returns its cost, and time returns tokens at the rate of `reserve`: 10/1m is ten retries a minute. So
 * in the long run a struggling server gets no more than `percent` retries per 100 successes, and a dead
 * one no more than 20 retries at once and 10 a minute. The cost is taken when the retry is decided, and
 * returned if the retry is not admitted.
 *
 *     budget_take(&b, 20, 6 * NS_PER_S, now_ns)      20 times true, and then once in six seconds
 *
 * One word of the board: thousandths of a token that are *spent*, so that zero is a full budget, and
 * the time up to which the reserve is included. A time far in the future, such as one of another boot,
 * counts as now. Times are arguments. Any thread, any process; never blocks or fails. */
#ifndef ENGINE_BOARD_BUDGET_H
#define ENGINE_BOARD_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BUDGET_CAPACITY 100

struct budget {
    _Atomic uint64_t word; /* spent 17 bits, time in ms 47: budget.c */
};

/* percent 0: unlimited. reserve_ns: how long it takes until time has returned one retry; 0: never. */
bool budget_would_allow(const struct budget *b, int percent, int64_t reserve_ns, int64_t now_ns);
bool budget_take(struct budget *b, int percent, int64_t reserve_ns, int64_t now_ns);
/* Returns the cost of one retry that was not made, or that helped. */
void budget_give_back(struct budget *b, int percent);
void budget_success(struct budget *b);
/* How many ms it takes until time alone has filled an empty budget, for display; 0: never. Less than
 * BUDGET_FILL_MAX_MS. */
#define BUDGET_FILL_MAX_MS (1ULL << 46)
uint64_t budget_fill_ms(int percent, int64_t reserve_ns);
/* 0..BUDGET_CAPACITY, for display. */
double budget_available(const struct budget *b, uint64_t fill_ms, int64_t now_ns);

#endif
