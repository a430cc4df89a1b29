/* SPDX-License-Identifier: MIT
 *
 * An attempt that a time limit of the library cuts short has no response: the program gets the
 * result of the previous attempt. */
#include "multi_loop.h"

#include "curl/multi/private.h"
#include "curl/transfer.h"
#include "engine/board/status.h"

TestSuite(previous_result, .fini = loops_end);

/* An attempt whose response is missing or incomplete for longer than every timeout. */
#define HANGS {.lasts_ms = 60000}

/* Long enough for a retry on a slow machine. */
static void with_short_deadline(void)
{
    setenv("HARDEN_MAX_ELAPSED", "800ms", 1);
}

static long long_info(const struct program *p, CURLINFO info)
{
    long v = -1;
    if (!easy_getinfo(p->shadow, info, &v))
        fake_curl.easy_getinfo(p->handle, info, &v);
    return v;
}

Test(previous_result, a_retry_without_a_response_in_time_leaves_the_previous_response)
{
    struct program p;
    with_short_deadline();
    START(&p, BUSY_503, HANGS);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 2);
    cr_assert_str_eq(p.seen, seen_503);
    cr_assert_str_eq(p.error, "");
    cr_assert_eq(long_info(&p, CURLINFO_RESPONSE_CODE), 503);
    cr_assert_eq(long_info(&p, CURLINFO_OS_ERRNO), 0);
    cr_assert_eq(fake_of(p.handle)->response_code, 0,
                 "libcurl itself has the errno of the last attempt");
}

Test(previous_result, a_retry_cut_short_by_the_programs_timeout_leaves_the_previous_response)
{
    struct program p;
    for (int i = 0; i < 4;
         i++) { /* the retry often starts so early that nearly all of the timeout is left */
        START(&p, BUSY_503, HANGS);
        set_number(&p, CURLOPT_TIMEOUT_MS, 200);
        CURLcode r = program_perform(&p);
        cr_assert(r == CURLE_OK || performs(&p) == 1, "%d", r);
        cr_assert_str_eq(p.seen, seen_503);
    }
}

Test(previous_result, error_code_and_text_are_those_of_the_previous_response)
{
    struct program p;
    with_short_deadline();
    START(&p,
          {.head = "HTTP/1.1 503 Busy\n\n",
           .result = CURLE_HTTP_RETURNED_ERROR,
           .error = "The requested URL returned error: 503"},
          HANGS);
    cr_assert_eq(program_perform(&p), CURLE_HTTP_RETURNED_ERROR);
    cr_assert_str_eq(p.seen, "H503[HTTP/1.1 503 Busy]H503[]");
    cr_assert_str_eq(p.error, "The requested URL returned error: 503");
}

Test(previous_result, a_previous_failure_is_restored_with_its_errno)
{
    struct program p;
    with_short_deadline();
    START(&p, RESET, HANGS);
    cr_assert_eq(program_perform(&p), CURLE_RECV_ERROR);
    cr_assert_str_eq(p.seen, "");
    cr_assert_str_eq(p.error, "reset");
    cr_assert_eq(long_info(&p, CURLINFO_OS_ERRNO), 104);
}

Test(previous_result, the_errno_of_a_failure_before_the_restored_response_stays_hidden)
{
    struct program p;
    with_short_deadline();
    START(&p, RESET, {.head = "HTTP/1.1 503 Busy\n\n", .os_errno = 104}, HANGS);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 3);
    cr_assert_eq(long_info(&p, CURLINFO_RESPONSE_CODE), 503);
    cr_assert_eq(long_info(&p, CURLINFO_OS_ERRNO), 0);
}

Test(previous_result, half_a_response_of_the_cut_retry_is_not_delivered)
{
    struct program p;
    with_short_deadline();
    setenv("HARDEN_MAX_ATTEMPTS", "4", 1);
    START(&p, BUSY_503, {.head = "HTTP/1.1 502 Bad\nY: 1\n\n", .body = "ba", .lasts_ms = 60000});
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 2);
    cr_assert_str_eq(p.seen, seen_503);
    cr_assert_eq(long_info(&p, CURLINFO_RESPONSE_CODE), 503);
}

Test(previous_result, the_latest_response_is_restored)
{
    struct program p;
    with_short_deadline();
    START(&p, BUSY_503, RESET, HANGS);
    cr_assert_eq(program_perform(&p), CURLE_RECV_ERROR);
    cr_assert_eq(performs(&p), 3);
    cr_assert_str_eq(p.seen, "");
    cr_assert_eq(long_info(&p, CURLINFO_RESPONSE_CODE), 0);
}

Test(previous_result, an_attempt_that_attempt_timeout_ends_is_retried)
{
    struct program p;
    setenv("HARDEN_ATTEMPT_TIMEOUT", "60ms", 1);
    START(&p, BUSY_503, HANGS, OK_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 3);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_eq(long_info(&p, CURLINFO_RESPONSE_CODE), 200);

    START(&p, BUSY_503, HANGS, HANGS);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_eq(performs(&p), 3);
    cr_assert_str_eq(p.seen, seen_503);
    cr_assert_eq(long_info(&p, CURLINFO_RESPONSE_CODE), 503);
}

Test(previous_result, without_a_previous_response_the_program_gets_the_timeout)
{
    struct program p;
    setenv("HARDEN_ATTEMPT_TIMEOUT", "40ms", 1);
    START(&p, HANGS);
    cr_assert_eq(program_perform(&p), CURLE_OPERATION_TIMEDOUT);
    cr_assert_eq(performs(&p), 3);
    cr_assert_str_eq(p.error, "Operation timed out");
    START(&p, HANGS);
    set_number(&p, CURLOPT_TIMEOUT_MS, 30);
    cr_assert_eq(program_perform(&p), CURLE_OPERATION_TIMEDOUT, "its own");
}

Test(previous_result, a_timeout_before_the_librarys_own_deadline_counts_against_the_host)
{
    struct program p;
    START(&p, BUSY_503, {.result = CURLE_OPERATION_TIMEDOUT, .error = "Connection timed out"});
    cr_assert_eq(program_perform(&p), CURLE_OPERATION_TIMEDOUT);
    cr_assert_eq(performs(&p), 3);
    cr_assert_str_eq(p.seen, "");
    cr_assert_str_eq(p.error, "Connection timed out");
    cr_assert_eq(long_info(&p, CURLINFO_RESPONSE_CODE), 0);
}

Test(previous_result, data_that_was_delivered_is_not_replaced)
{
    struct program p;
    setenv("HARDEN_ATTEMPT_TIMEOUT", "60ms", 1);
    START(&p, BUSY_503, {.head = "HTTP/1.1 200 OK\n\n", .body = "fi", .lasts_ms = 60000});
    cr_assert_eq(program_perform(&p), CURLE_OPERATION_TIMEDOUT);
    cr_assert_str_eq(p.seen, "H200[HTTP/1.1 200 OK]H200[]B200[fi]");
    cr_assert_eq(long_info(&p, CURLINFO_RESPONSE_CODE), 200);
}

/* ---- slow successful responses --------------------------------------------------------------- */

#define LONG_200 {.head = "HTTP/1.1 200 OK\nX: 1\n\n", .body = "fine", .lasts_ms = 10000}

Test(previous_result, a_good_response_may_stream_past_the_librarys_deadline)
{
    struct program p;
    with_short_deadline();
    START(&p, BUSY_503, LONG_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_leq(fake_of(p.handle)->timeouts_seen[1], 800);
    cr_assert_eq(fake_of(p.handle)->timeout_ms, 0);
}

Test(previous_result, a_good_response_without_header_callback_may_stream_past_it)
{
    struct program p;
    with_short_deadline();
    START(&p, BUSY_503, LONG_200);
    set_function(&p, CURLOPT_HEADERFUNCTION, NULL);
    set_pointer(&p, CURLOPT_HEADERDATA, NULL);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "B200[fine]");
}

Test(previous_result, a_good_response_that_is_committed_late_may_stream_past_it)
{
    struct program p;
    with_short_deadline();
    setenv("HARDEN_COMMIT", "late", 1);
    START(&p, BUSY_503, LONG_200);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
}

Test(previous_result, a_good_response_after_a_redirect_may_stream_past_it)
{
    struct program p;
    with_short_deadline();
    START(&p, BUSY_503,
          {.head = "HTTP/1.1 302 Found\nLocation: /y\n\nHTTP/2 200 \n\n",
           .body = "fine",
           .lasts_ms = 10000});
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_not_null(strstr(p.seen, "B200[fine]"));
}

Test(previous_result, a_response_that_is_not_retried_may_stream_past_it)
{
    struct program p;
    with_short_deadline();
    START(&p, BUSY_503, {.head = "HTTP/1.1 404 No\n\n", .body = "none", .lasts_ms = 10000});
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_not_null(strstr(p.seen, "B404[none]"));
}

Test(previous_result, a_good_response_is_still_limited_by_the_programs_timeout)
{
    struct program p;
    with_short_deadline();
    START(&p, BUSY_503, LONG_200);
    set_number(&p, CURLOPT_TIMEOUT_MS, 20000);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
    START(&p, BUSY_503, LONG_200);
    set_number(&p, CURLOPT_TIMEOUT_MS, 700);
    cr_assert_eq(program_perform(&p), CURLE_OPERATION_TIMEDOUT);
    cr_assert_str_eq(p.seen, seen_200);
}

/* ---- later transfers and statistics ---------------------------------------------------------- */

Test(previous_result, the_next_transfer_has_its_own_result)
{
    struct program p;
    with_short_deadline();
    START(&p, BUSY_503, HANGS, {.head = "HTTP/1.1 201 Made\n\n"}, OK_200);
    program_perform(&p);
    cr_assert_eq(long_info(&p, CURLINFO_RESPONSE_CODE), 503);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    cr_assert_str_eq(p.seen, "H201[HTTP/1.1 201 Made]H201[]");
    cr_assert_eq(long_info(&p, CURLINFO_RESPONSE_CODE), 201);
}

Test(previous_result, reset_and_copied_handles_do_not_have_the_restored_result)
{
    struct program p;
    with_short_deadline();
    START(&p, BUSY_503, HANGS);
    program_perform(&p);
    CURL *copy = fake_curl.easy_duphandle(p.handle);
    struct shadow *s = shadow_copy(copy, p.shadow);
    cr_assert_null(s->last_info);
    shadow_remove(copy);
    fake_curl.easy_cleanup(copy);
    shadow_reset(p.shadow);
    cr_assert_null(p.shadow->last_info);
}

Test(previous_result, an_attempt_cut_short_does_not_count_against_the_host)
{
    struct program p;
    with_short_deadline();
    setenv("HARDEN_RETRY_BUDGET", "off", 1);
    setenv("HARDEN_UNHEALTHY_AFTER", "1", 1);
    setenv("HARDEN_BREAKER_FAILURES", "1", 1);
    START(&p, {.head = "HTTP/1.1 425 Early\n\n", .body = "early"}, HANGS);
    for (int i = 0; i < 3; i++) {
        fake_of(p.handle)->performs = 0;
        cr_assert_eq(program_perform(&p), CURLE_OK);
        cr_assert_eq(performs(&p), 2);
        cr_assert_not_null(strstr(p.seen, "B425[early]"));
    }
    const struct slot *s = p.shadow->binding.slot;
    cr_assert_eq(s->failures_by[GROUP_TIMEOUT], 0);
    cr_assert_neq(status_of(s), STATUS_UNHEALTHY);
}

Test(previous_result, the_request_is_judged_by_the_previous_response)
{
    struct program p;
    with_short_deadline();
    START(&p, BUSY_503, HANGS);
    cr_assert_eq(program_perform(&p), CURLE_OK);
    const struct slot *s = p.shadow->binding.slot;
    cr_assert_eq(s->failures_by[GROUP_TIMEOUT], 0);
    cr_assert_eq(s->failures_by[GROUP_HTTP_5XX], 1);
    cr_assert_eq(last_error_unpack(s->last_error).http, 503);
}

/* ---- the multi interface --------------------------------------------------------------------- */

Test(previous_result, the_multi_interface_restores_the_previous_response_too)
{
    struct loop l;
    struct program p;
    with_short_deadline();
    loop_start(&l);
    START(&p, BUSY_503, HANGS);
    add(&l, &p);
    run(&l);
    cr_assert_eq(l.result, CURLE_OK);
    cr_assert_eq(performs(&p), 2);
    cr_assert_str_eq(p.seen, seen_503);
    cr_assert_str_eq(p.error, "");
    cr_assert_eq(long_info(&p, CURLINFO_RESPONSE_CODE), 503);
}
