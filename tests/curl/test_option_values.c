/* SPDX-License-Identifier: MIT
 *
 * Extreme values of every numeric option: the library uses them as libcurl does. */
#include "multi_loop.h"

#include "curl/multi/private.h"
#include "curl/transfer.h"

#include <limits.h>

TestSuite(option_values, .fini = loops_end);

static const long ends[] = {
    0,
    1,
    2,
    -1,
    -2,
    999,
    1000,
    30000,
    65535,
    65536,
    INT_MAX / 1000,
    INT_MAX / 1000 + 1,
    INT_MAX - 1,
    INT_MAX,
    INT_MIN,
    INT_MAX + 1L,
    UINT_MAX,
    UINT_MAX + 1L,
    LONG_MAX / 2 + 1,
    LONG_MAX / 1000000,
    LONG_MAX / 1000,
    LONG_MAX - 1,
    LONG_MAX,
    LONG_MIN,
    LONG_MIN + 1,
};
enum { ENDS = sizeof ends / sizeof *ends };

static const CURLoption numeric[] = {
    CURLOPT_TIMEOUT,
    CURLOPT_TIMEOUT_MS,
    CURLOPT_CONNECTTIMEOUT,
    CURLOPT_CONNECTTIMEOUT_MS,
    CURLOPT_LOW_SPEED_LIMIT,
    CURLOPT_LOW_SPEED_TIME,
    CURLOPT_PORT,
    CURLOPT_PROXYPORT,
    CURLOPT_POSTFIELDSIZE,
    CURLOPT_INFILESIZE,
    CURLOPT_NOPROGRESS,
    CURLOPT_FOLLOWLOCATION,
    CURLOPT_HTTPGET,
    CURLOPT_CONNECT_ONLY,
    CURLOPT_PROXYTYPE,
    CURLOPT_HTTP_VERSION,
    CURLOPT_FRESH_CONNECT,
};
enum { OPTIONS = sizeof numeric / sizeof *numeric };

static void allow_everything(void)
{
    setenv("HARDEN_BREAKER", "off", 1);
    setenv("HARDEN_RETRY_BUDGET", "off", 1);
}

/* A timeout that expires before a second attempt can begin leaves the first response. */
static void check_response(const struct program *p, CURLoption option, long v)
{
    cr_assert(!strcmp(p->seen, seen_200) || !strcmp(p->seen, seen_503), "option %d = %ld: %s",
              (int)option, v, p->seen);
    bool short_time = option == CURLOPT_TIMEOUT_MS && v > 0 && v < 200;
    if (!short_time && option != CURLOPT_CONNECT_ONLY)
        cr_assert_str_eq(p->seen, seen_200, "option %d = %ld", (int)option, v);
}

static void check_value(CURLoption option, long v)
{
    struct program p;
    START(&p, BUSY_503, OK_200);
    CURLcode r = set(&p, option, (union option_argument){.number = v});
    struct fake_handle before = *fake_of(p.handle);
    cr_assert_eq(program_perform(&p), CURLE_OK, "option %d = %ld (%d): %s", (int)option, v, r,
                 p.error);
    check_response(&p, option, v);
    const struct fake_handle *after = fake_of(p.handle);
    cr_assert_eq(after->timeout_ms, before.timeout_ms, "option %d = %ld", (int)option, v);
    cr_assert_eq(after->connect_timeout_ms, before.connect_timeout_ms);
    cr_assert_eq(after->low_speed_limit, before.low_speed_limit);
    cr_assert_eq(after->low_speed_time, before.low_speed_time);
    cr_assert_leq(after->timeouts_seen[1], 30000,
                  "the second attempt has a time limit of the library");
    programs_end();
}

Test(option_values, an_error_response_is_retried_for_every_value_of_a_numeric_option, .timeout = 60)
{
    allow_everything();
    for (int i = 0; i < OPTIONS; i++)
        for (int k = 0; k < ENDS; k++)
            check_value(numeric[i], ends[k]);
}

Test(option_values, an_error_response_is_retried_with_configured_timeouts_too, .timeout = 60)
{
    allow_everything();
    setenv("HARDEN_CONNECT_TIMEOUT", "1d", 1);
    setenv("HARDEN_ATTEMPT_TIMEOUT", "1d", 1);
    setenv("HARDEN_STALL_TIMEOUT", "1d", 1);
    for (int i = 0; i < OPTIONS; i++)
        for (int k = 0; k < ENDS; k++)
            check_value(numeric[i], ends[k]);
}

Test(option_values, sizes_in_the_large_options_have_the_same_effect)
{
    static const CURLoption large[] = {CURLOPT_POSTFIELDSIZE_LARGE, CURLOPT_INFILESIZE_LARGE};
    allow_everything();
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < ENDS; k++) {
            struct program p;
            START(&p, BUSY_503, OK_200);
            set(&p, large[i], (union option_argument){.offset = ends[k]});
            cr_assert_eq(program_perform(&p), CURLE_OK);
            cr_assert_str_eq(p.seen, seen_200);
            programs_end();
        }
}

Test(option_values, values_that_libcurl_rejects_are_not_recorded)
{
    struct program p;
    START(&p, OK_200);
    set_number(&p, CURLOPT_TIMEOUT, 7);
    for (int k = 0; k < ENDS; k++) {
        CURLcode r = set(&p, CURLOPT_TIMEOUT, (union option_argument){.number = ends[k]});
        cr_assert_eq(r, ends[k] < 0 || ends[k] > INT_MAX / 1000 ? CURLE_BAD_FUNCTION_ARGUMENT : 0);
        cr_assert_eq(p.shadow->timeout_ms, fake_of(p.handle)->timeout_ms);
    }
}

Test(option_values, any_number_of_seconds_but_0_is_a_timeout)
{
    struct program p;
    START(&p, OK_200);
    for (int k = 0; k < ENDS; k++) {
        shadow_setopt(p.shadow, CURLOPT_TIMEOUT, (union option_argument){.number = ends[k]});
        int64_t ms = shadow_timeout_ms(p.shadow->timeout_ms);
        cr_assert(ms >= 0 && ms <= UINT_MAX);
        cr_assert_eq(ms == 0, ends[k] == 0);
    }
}

/* ---- event loops ----------------------------------------------------------------------------- */

Test(option_values, a_poll_waits_for_its_timeout_or_for_a_parked_transfer)
{
    static const int times[] = {INT_MIN, -2, -1, 0, 1, 999, INT_MAX - 1, INT_MAX};
    struct loop l;
    struct program p;
    slowly();
    loop_start(&l);
    START(&p, BUSY_503);
    for (int parked = 0; parked < 2; parked++) {
        for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
            int ready, want = times[i];
            cr_assert_eq(multi_poll(l.multi, NULL, 0, want, &ready), CURLM_OK);
            int told = fake(&l)->timeout_seen;
            cr_assert(parked && want > 0 ? told > 0 && told <= want : told == want, "%d: %d", want,
                      told);
            cr_assert_eq(multi_wait(l.multi, NULL, 0, want, &ready), CURLM_OK);
            told = fake(&l)->timeout_seen;
            cr_assert(parked && want > 0 ? told > 0 && told <= want : told == want, "%d: %d", want,
                      told);
        }
        add(&l, &p);
        turn(&l);
    }
}

Test(option_values, a_connection_limit_of_0_or_huge_starts_all_transfers)
{
    static const CURLMoption limits[] = {CURLMOPT_MAX_TOTAL_CONNECTIONS,
                                         CURLMOPT_MAX_HOST_CONNECTIONS,
                                         CURLMOPT_MAX_CONCURRENT_STREAMS};
    setenv("HARDEN_RATE", "1000/1s", 1);
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        for (int k = 0; k < ENDS; k++)
            for (int h2 = 0; h2 < 2; h2++) {
                struct loop l;
                struct program p[3];
                loop_start(&l);
                l.multi->multiplexes = h2;
                fake(&l)->slow = 1000;
                set_multi(&l, (int)limits[i], (union option_argument){.number = ends[k]});
                for (int n = 0; n < 3; n++) {
                    START(&p[n], OK_200);
                    add(&l, &p[n]);
                }
                turn(&l);
                bool few = limits[i] != CURLMOPT_MAX_CONCURRENT_STREAMS && ends[k] > 0 && !h2;
                int want = few && ends[k] < 3 ? (int)ends[k] : 3;
                cr_assert_eq(fake(&l)->count, want, "%d = %ld: %d", (int)limits[i], ends[k],
                             fake(&l)->count);
                loops_end();
            }
}

Test(option_values, an_invalid_number_of_streams_is_libcurls_default)
{
    struct loop l;
    loop_start(&l);
    for (int k = 0; k < ENDS; k++) {
        set_multi(&l, CURLMOPT_MAX_CONCURRENT_STREAMS, (union option_argument){.number = ends[k]});
        cr_assert_eq(l.multi->max_streams, ends[k] < 1 || ends[k] > INT_MAX ? 100 : ends[k]);
    }
}
