/* SPDX-License-Identifier: MIT
 *
 * The steps of a call on the board of one_host.h, each in one line.
 *
 *     limit(1, NS_PER_S, 1);
 *     ANSWER(fresh(NOW), ANSWER_GO);              call_begin() and call_admit()
 *     report(get(0, 503), NOW, &retry_at);        call_would_retry() and call_report() */
#ifndef TESTS_CALL_STEPS_H
#define TESTS_CALL_STEPS_H

#include "one_host.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static inline struct rate rate_of(uint32_t tokens, int64_t window_ns, uint32_t burst)
{
    return (struct rate){.tokens = tokens,
                         .burst = burst,
                         .window_ns = window_ns,
                         .interval_ns = (window_ns + tokens - 1) / tokens};
}

/* Adds a rate to the host's bucket. */
static inline void limit(uint32_t tokens, int64_t window_ns, uint32_t burst)
{
    struct limit *l = &policy.limits[0];
    l->rates[l->rate_count++] = rate_of(tokens, window_ns, burst);
    policy.limit_count = 1;
    binding.bucket_key[0] = binding.key;
    binding.refreshed_ns = 0;
}

/* Adds an operation with its own bucket. */
static inline struct slot *operation(uint32_t tokens, int64_t window_ns, uint32_t burst)
{
    int i = policy.limit_count++;
    policy.limits[i] = (struct limit){.operation = true, .rate_count = 1};
    policy.limits[i].rates[0] = rate_of(tokens, window_ns, burst);
    binding.bucket_key[i] = 77 + (uint64_t)i;
    binding.refreshed_ns = 0;
    return board_slot(board, binding.bucket_key[i], "h", SLOT_BUCKET, NOW);
}

static inline void begin(int64_t now)
{
    call_begin(&call, &binding, 0, now);
}

static inline struct admission admit(int64_t now)
{
    return call_admit(&call, now);
}

static inline struct admission admit_new(int64_t now)
{
    begin(now);
    return admit(now);
}

static inline struct attempt get(int code, int status)
{
    return (struct attempt){.protocol = PROTOCOL_HTTP,
                            .curl_code = code,
                            .http_status = status,
                            .method = "GET",
                            .replayable = true,
                            .duration_ns = 20 * NS_PER_MS};
}

static inline double budget_left(int64_t now)
{
    return budget_available(&binding.slot->budget, budget_fill_ms(20, 6 * NS_PER_S), now);
}

static inline bool report(struct attempt a, int64_t now, int64_t *at)
{
    int64_t ignored;
    bool would = call_would_retry(&call, &a, now);
    bool again = call_report(&call, &a, now, WALL, 0, at ? at : &ignored);
    if (!config.mode)
        cr_assert(eq(int, would, again), "call_would_retry() agrees with call_report()");
    return again;
}

/* A complete request with one attempt. */
static inline void request(struct attempt a, int64_t now)
{
    begin(now);
    cr_assert(eq(int, admit(now).answer, ANSWER_GO));
    report(a, now, NULL);
    call_end(&call, now, WALL);
}

static inline uint64_t count(enum counter c)
{
    return slot_counter(binding.slot, c);
}

#define ANSWER(ad, what) cr_assert(eq(int, (ad).answer, what))
#define REFUSED(ad, what)                                                                          \
    do {                                                                                           \
        struct admission ad_ = (ad);                                                               \
        cr_assert(eq(int, ad_.answer, ANSWER_REFUSE));                                             \
        cr_assert(eq(int, ad_.why, what));                                                         \
    } while (0)

static inline struct attempt with_retry_after(int status, int64_t retry_after_s)
{
    struct attempt a = get(0, status);
    a.hint =
        (struct hint){.wait_ns = retry_after_s * NS_PER_S, .asked = true, .line = "Retry-After"};
    return a;
}

/* Nothing is left of a quota until then. */
static inline struct attempt with_empty_quota(int status, int64_t reset_s)
{
    struct attempt a = get(0, status);
    a.hint = (struct hint){
        .wait_ns = reset_s * NS_PER_S, .exhausted = true, .line = "X-RateLimit-Reset"};
    return a;
}

static inline void open_circuit(void)
{
    policy.max_attempts = 1;
    for (int i = 0; i < 5; i++)
        request(get(7, 0), NOW);
}

static inline int state_now(void)
{
    return (int)breaker_state_at(&binding.slot->breaker, NOW);
}

#endif
