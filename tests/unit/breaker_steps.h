/* SPDX-License-Identifier: MIT
 *
 * Reports to a breaker, each in one line.
 *
 *     trip(&b, T0);                          five failures in a row
 *     report(&b, true, probe(&b, now).lease_ns, now, 0); */
#ifndef TESTS_BREAKER_STEPS_H
#define TESTS_BREAKER_STEPS_H

#include "base/clock.h"
#include "engine/board/breaker.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#define T0 (5000 * NS_PER_S)

static const struct policy policy = {
    .breaker = BREAKER_ON,
    .breaker_failures = 5,
    .breaker_ratio_percent = 50,
    .breaker_open_ns = 30 * NS_PER_S,
    .breaker_max_open_ns = 300 * NS_PER_S,
    .breaker_successes = 2,
};

static uint64_t results;

static inline bool tell(struct breaker *b, const struct policy *p, bool success, int64_t lease,
                        uint64_t told, int64_t now)
{
    struct breaker_result r = {.success = success, .lease_ns = lease, .results = told};
    return breaker_report(b, p, &r, now, 0);
}

static inline bool report_of(struct breaker *b, unsigned operation, bool success,
                             bool recent_success, int64_t lease, int64_t now, uint64_t random)
{
    struct breaker_result r = {.success = success,
                               .recent_success = recent_success,
                               .operation = operation,
                               .lease_ns = lease};
    results++;
    if (breaker_wants_results(b, success, now))
        r.results = results;
    return breaker_report(b, &policy, &r, now, random);
}

static inline bool report(struct breaker *b, bool success, int64_t lease, int64_t now,
                          uint64_t random)
{
    return report_of(b, 0, success, false, lease, now, random);
}

static inline bool result(struct breaker *b, bool success, int64_t now)
{
    return report(b, success, 0, now, 0);
}

static inline void trip(struct breaker *b, int64_t now)
{
    for (int i = 0; i < 4; i++)
        cr_assert(not(result(b, false, now)));
    cr_assert(result(b, false, now));
}

static inline struct breaker_answer probe(struct breaker *b, int64_t now)
{
    struct breaker_answer a = breaker_admit(b, &policy, 0, 0, now);
    cr_assert(a.admit);
    cr_assert(a.lease_ns != 0);
    return a;
}

static inline bool is_admitted(struct breaker *b, unsigned operation, int64_t now)
{
    return breaker_admit(b, &policy, operation, 0, now).admit;
}

#endif
