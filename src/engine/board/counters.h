/* SPDX-License-Identifier: MIT
 *
 * Every counter of the board: one row each, and nothing else has to be written for it to be shown.
 * From these rows follow
 *
 *     the words of a slot and of the header            slot.h, board.h
 *     the members of health.json and its "totals"      publish/snapshot*.c
 *     the samples of metrics.prom                      publish/metrics.c
 *     what the `harden` command shows of a host        counters_read(), cli/host_list.h
 *
 * The metrics themselves, with type and HELP text, are the rows of publish/metrics_table.h: a row here
 * that names none of them does not compile. tests/unit/test_counters.c finds each row in each of these
 * outputs, in conf/health.schema.json, docs/quick-reference.md and docs/libharden.7.
 *
 * A new row, or another order, is another layout of the board: see BOARD_LAYOUT in board.h. */
#ifndef ENGINE_BOARD_COUNTERS_H
#define ENGINE_BOARD_COUNTERS_H

#include <stdint.h>

/* clang-format off */

/* ---- of a slot ------------------------------------------------------------------------------------
 *
 * X(NAME, UNIT, OBJECT, KEY, TOTAL, METRIC, LABEL)
 *
 *   NAME    COUNT_NAME is its index
 *   UNIT    NUMBER, or NS: nanoseconds here, seconds in the files
 *   OBJECT  the object of health.json that has it: EVERY (the entry of a host or an active check), HOST
 *           (the entry of a host), RATE, CONCURRENCY, BUDGET or BREAKER; DURATION: it is a part of duration_ms; NONE
 *   KEY     its name in there
 *   TOTAL   the row of TOTALS that it is added to, or NONE
 *   METRIC  the row of METRICS that has it as a sample, or NONE
 *   LABEL   of that sample, besides those of the host (publish/metrics_host.h) */

/* On the cache line of the limit, which is written at the same moment. */
#define COUNTERS_OF_LIMIT(X) \
    /* begun by the program */ \
    X(REQUESTS, NUMBER, HOST, "requests", REQUESTS, NONE, NO_LABEL) \
    /* waits for a token or for a server's hint */ \
    X(WAITED, NUMBER, RATE, "waited", NONE, RATE_LIMITED, LABEL("action", "waited")) \
    X(WAITED_NS, NS, RATE, "waited_s", NONE, RATE_WAIT, NO_LABEL) \
    /* refused: the wait for a token or a hint would be too long */ \
    X(RATE_REJECTED, NUMBER, RATE, "rejected", REJECTED, RATE_LIMITED, LABEL("action", "rejected"))

/* Written by every attempt or request: striped. */
#define COUNTERS_STRIPED(X) \
    /* requests that succeeded: the host answered, and no 5xx */ \
    X(SUCCESSES, NUMBER, EVERY, "successes", NONE, REQUESTS, LABEL("outcome", "success")) \
    /* sum over the attempts */ \
    X(DURATION_NS, NS, DURATION, "mean", NONE, DURATION, NO_LABEL)

/* Written seldom: each in one place. */
#define COUNTERS_SELDOM(X) \
    /* requests that ended in a failure of the host or of the way to it */ \
    X(FAILURES, NUMBER, EVERY, "failures", NONE, REQUESTS, LABEL("outcome", "failure")) \
    /* the metric has them by reason: retries_by */ \
    X(RETRIES, NUMBER, HOST, "retries", RETRIES, NONE, NO_LABEL) \
    /* requests that succeeded after a retry */ \
    X(RECOVERED, NUMBER, HOST, "recovered", RECOVERED, NONE, NO_LABEL) \
    /* requests that failed after a retry */ \
    X(EXHAUSTED, NUMBER, HOST, "exhausted", NONE, NONE, NO_LABEL) \
    X(BREAKER_OPENED, NUMBER, BREAKER, "opened", NONE, NONE, NO_LABEL) \
    X(BREAKER_REJECTED, NUMBER, BREAKER, "rejected", REJECTED, BREAKER_REJECTED, NO_LABEL) \
    X(BUDGET_DENIED, NUMBER, BUDGET, "denied", NONE, BUDGET_DENIED, NO_LABEL) \
    /* attempts that were not reported to the closed breaker; only the breaker uses it */ \
    X(UNJUDGED, NUMBER, NONE, "", NONE, NONE, NO_LABEL)

/* Of policies that few hosts have, on a line of their own. */
#define COUNTERS_OF_POLICIES(X) \
    /* waits for a permit of the concurrency limit, and refusals */ \
    X(CONCURRENCY_WAITED, NUMBER, CONCURRENCY, "waited", NONE, CONCURRENCY_LIMITED, \
      LABEL("action", "waited")) \
    X(CONCURRENCY_WAITED_NS, NS, CONCURRENCY, "waited_s", NONE, CONCURRENCY_WAIT, NO_LABEL) \
    X(CONCURRENCY_REJECTED, NUMBER, CONCURRENCY, "rejected", REJECTED, CONCURRENCY_LIMITED, \
      LABEL("action", "rejected")) \
    /* attempts that succeeded, but later than slow_after */ \
    X(SLOW, NUMBER, BREAKER, "slow", NONE, SLOW, NO_LABEL) \
    /* requests whose last attempt went to another place of the name */ \
    X(FALLBACK_USED, NUMBER, HOST, "fallback_used", NONE, FALLBACK_USED, NO_LABEL)

/* Read like the others, but counted in words of another kind: slot_count() does not accept them. */
#define COUNTERS_DERIVED(X) \
    /* attempts really made: the sum of the histogram */ \
    X(ATTEMPTS, NUMBER, EVERY, "attempts", ATTEMPTS, DURATION, NO_LABEL) \
    /* slot->failed_attempts */ \
    X(FAILED_ATTEMPTS, NUMBER, NONE, "", NONE, ATTEMPTS, LABEL("result", "failure"))

/* In the order of health.json. */
#define COUNTERS(X) \
    COUNTERS_OF_LIMIT(X) COUNTERS_DERIVED(X) COUNTERS_STRIPED(X) COUNTERS_SELDOM(X) \
    COUNTERS_OF_POLICIES(X)

/* Sums over all hosts, the object "totals" of health.json: X(NAME, KEY). */
#define TOTALS(X) \
    X(REQUESTS, "requests") \
    X(ATTEMPTS, "attempts") \
    X(RETRIES, "retries") \
    X(RECOVERED, "recovered") \
    X(REJECTED, "rejected")

/* One word for each group of reasons (reason_group_name): X(member, KEY, METRIC, LABEL NAME) */
#define COUNTERS_BY_REASON(X) \
    /* requests that ended so */ \
    X(failures_by, "failures_by", FAILURES, "reason") \
    /* attempts that were repeated */ \
    X(retries_by, "", RETRIES, "reason")

/* ---- of the header ------------------------------------------------------------------------------
 *
 * X(member, KEY in the object "coverage" of health.json, METRIC) */
#define COUNTERS_OF_HEADER(X) \
    X(transfers_easy, "transfers_easy", NONE) \
    X(transfers_multi, "transfers_multi", NONE) \
    X(connects_blocking, "connects_blocking", NONE) \
    X(connects_nonblocking, "connects_nonblocking", NONE) \
    X(internal_errors, "internal_errors", INTERNAL_ERRORS) \
    /* look-ups that ended at the overflow slot, which is shown as the host _other */ \
    X(overflows, "", NONE)

/* clang-format on */

#define LABEL(name, value) "," name "=\"" value "\""
#define NO_LABEL           ""

#define COUNTER_INDEX(NAME, ...) COUNT_##NAME,
#define COUNTER_ONE(...)         +1

/* clang-format off */
enum counter {
    COUNTERS_OF_LIMIT(COUNTER_INDEX)
    COUNTERS_STRIPED(COUNTER_INDEX)
    COUNTERS_SELDOM(COUNTER_INDEX)
    COUNTERS_OF_POLICIES(COUNTER_INDEX)
    COUNTERS_DERIVED(COUNTER_INDEX)
    COUNTERS_READ, /* all of them */
    FIRST_STRIPED = 0 COUNTERS_OF_LIMIT(COUNTER_ONE),
    FIRST_SELDOM = FIRST_STRIPED COUNTERS_STRIPED(COUNTER_ONE),
    FIRST_POLICY = FIRST_SELDOM COUNTERS_SELDOM(COUNTER_ONE),
    COUNTER_COUNT = FIRST_POLICY COUNTERS_OF_POLICIES(COUNTER_ONE), /* without those derived */
};
/* clang-format on */

enum counter_unit { UNIT_NUMBER, UNIT_NS };

struct slot;
/* count[COUNT_...] of all of them, each read once; attempts: the sum of a histogram that was read
 * already, so that it and count[COUNT_ATTEMPTS] agree. */
void counters_read(const struct slot *s, uint64_t attempts, uint64_t count[COUNTERS_READ]);

#endif
