/* SPDX-License-Identifier: MIT
 *
 * Retry budget (as in gRPC's retry throttling and Finagle): 100 tokens a host; a success gives one
 * back, a retry costs 100/percent (5 at 20 %), twice as much after a timeout. So in the long run no
 * more than `percent` retries per success reach a struggling server. A retry pays when it is
 * decided, and has it back if it is not admitted then. One word of the board, in thousandths of a token *spent*, so that zero is a full budget.
 */
#ifndef ENGINE_BUDGET_H
#define ENGINE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define BUDGET_CAPACITY 100

struct budget {
    _Atomic uint64_t spent_milli;
};

/* percent 0: unlimited. */
bool budget_would_allow(const struct budget *b, int percent, bool after_timeout);
bool budget_take(struct budget *b, int percent, bool after_timeout);
void budget_give_back(struct budget *b, int percent, bool after_timeout);
void budget_success(struct budget *b);
/* 0..BUDGET_CAPACITY, for display. */
double budget_available(const struct budget *b);

#endif
