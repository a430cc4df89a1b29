/* SPDX-License-Identifier: MIT */
#include "multi_loop.h"

TestSuite(multi, .fini = loops_end);

/* ---- attempts -------------------------------------------------------------------------------- */

Test(multi, a_good_response_is_delivered_unchanged)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, OK_200);
    cr_assert_eq(add(&l, &p), CURLM_OK);
    run(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.last, p.handle);
    cr_assert_eq(l.result, CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_eq(fake(&l)->turns, 1, "libcurl alone needs one turn, too");
}

Test(multi, two_failures_are_invisible_when_the_third_attempt_succeeds)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, BUSY_503, RESET, OK_200);
    add(&l, &p);
    run(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.result, CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_str_eq(p.error, "");
    cr_assert_eq(fake(&l)->adds, 3);
    cr_assert_eq(fake(&l)->removes, 2);
}

Test(multi, the_last_failure_is_delivered_once)
{
    struct loop l;
    struct program p, q;
    setenv("HARDEN_BREAKER", "off", 1);
    loop_start(&l);
    START(&p, BUSY_503);
    START(&q, RESET);
    add(&l, &p);
    add(&l, &q);
    run(&l);
    cr_assert_eq(l.messages, 2);
    cr_assert_str_eq(p.seen, seen_503);
    cr_assert_str_eq(q.error, "reset");
    cr_assert_eq(performs(&p), 3);
    cr_assert_eq(performs(&q), 3);
}

Test(multi, parked_transfers_count_as_running_but_are_not_in_libcurls_multi_handle)
{
    struct loop l;
    struct program p;
    slowly();
    loop_start(&l);
    START(&p, BUSY_503, OK_200);
    add(&l, &p);
    for (int i = 0; i < 3; i++) {
        turn(&l);
        cr_assert_eq(l.running, 1);
        cr_assert_eq(l.messages, 0);
        cr_assert_eq(fake(&l)->count, 0);
    }
    long ms = -1;
    multi_timeout(l.multi, &ms);
    cr_assert(ms > 3500 * 1000 && ms <= 3600 * 1000, "%ld", ms);
    fake(&l)->own_timeout_ms = 5;
    multi_timeout(l.multi, &ms);
    cr_assert_eq(ms, 5, "libcurl's own timeout, if that is earlier");
}

Test(multi, transfers_start_in_the_order_in_which_they_were_added)
{
    struct loop l;
    struct program p[8];
    loop_start(&l);
    for (int i = 0; i < 8; i++) {
        START(&p[i], OK_200);
        add(&l, &p[i]);
    }
    run(&l);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(l.order[i], p[i].handle);
}

Test(multi, options_can_be_set_until_the_first_turn)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, RESET, OK_200);
    add(&l, &p);
    set_pointer(&p, CURLOPT_POSTFIELDS, "a=1");
    run(&l);
    cr_assert_eq(l.result, CURLE_RECV_ERROR, "a POST is not repeated");
    cr_assert_eq(performs(&p), 1);
}

Test(multi, a_transfer_without_host_is_left_to_libcurl)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, {.result = CURLE_FILE_COULDNT_READ_FILE, .error = "no such file"});
    set_pointer(&p, CURLOPT_URL, "file:///nowhere");
    add(&l, &p);
    run(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.result, CURLE_FILE_COULDNT_READ_FILE);
    cr_assert_eq(performs(&p), 1);
}

Test(multi, a_handle_created_unseen_can_be_added_too)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, BUSY_503, OK_200);
    static const struct fake_attempt busy = {.head = "HTTP/1.1 503 Busy\n\n"};
    CURL *unseen = fake_new(&busy, 1);
    fake_curl.easy_setopt(unseen, CURLOPT_URL, "http://api.example.com/");
    cr_assert_eq(multi_add(l.multi, unseen), CURLM_OK);
    add(&l, &p);
    run(&l);
    cr_assert_eq(l.messages, 2);
    cr_assert_eq(fake_of(unseen)->performs, 1);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_eq(multi_remove(l.multi, unseen), CURLM_OK);
    fake_curl.easy_cleanup(unseen);
}

Test(multi, an_unseen_handle_that_is_freed_takes_its_message_along)
{
    static const struct fake_attempt ok = {.head = "HTTP/1.1 200 OK\n\n"};
    struct loop l;
    loop_start(&l);
    CURL *unseen = fake_new(&ok, 1);
    fake_curl.easy_setopt(unseen, CURLOPT_URL, "http://api.example.com/");
    multi_add(l.multi, unseen);
    multi_perform(l.multi, &l.running);
    multi_remove_freed(unseen);
    fake_curl.easy_cleanup(unseen);
    read_messages(&l);
    cr_assert_eq(l.messages, 0);
    cr_assert_eq(fake(&l)->count, 0);
}

Test(multi, a_transfer_that_libcurl_does_not_accept_ends_with_a_message)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, OK_200);
    add(&l, &p);
    fake(&l)->refuses = CURLM_OUT_OF_MEMORY;
    run(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.result, CURLE_OUT_OF_MEMORY);
}

/* ---- refusals -------------------------------------------------------------------------------- */

Test(multi, beyond_the_limit_a_transfer_waits_or_is_refused)
{
    struct loop l;
    struct program p[3];
    setenv("HARDEN_RATE", "1/1m", 1);
    loop_start(&l);
    for (int i = 0; i < 2; i++)
        START(&p[i], OK_200);
    add(&l, &p[0]);
    add(&l, &p[1]);
    run(&l);
    cr_assert_eq(l.messages, 2);
    cr_assert_eq(l.results[0], CURLE_OK);
    cr_assert_eq(l.results[1], CURLE_OPERATION_TIMEDOUT);
    cr_assert_eq(strncmp(p[1].error, "harden: rate limit of api.example.com", 37), 0, "%s",
                 p[1].error);
    cr_assert_eq(performs(&p[1]), 0);
    cr_assert_eq(fake_of(p[1].handle)->empty_performs, 1,
                 "the result of the last transfer is cleared");
    cr_assert_str_eq(fake_of(p[1].handle)->url, "http://api.example.com/x");
}

Test(multi, waiting_transfers_start_when_their_tokens_are_due)
{
    struct loop l;
    struct program p[5];
    setenv("HARDEN_RATE", "50/1s", 1);
    setenv("HARDEN_BURST", "1", 1);
    loop_start(&l);
    for (int i = 0; i < 5; i++) {
        START(&p[i], OK_200);
        add(&l, &p[i]);
    }
    int64_t begun_ns = clock_now_ns();
    turn(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.running, 4);
    run(&l);
    cr_assert_eq(l.messages, 5);
    cr_assert_geq(clock_now_ns() - begun_ns, 80 * NS_PER_MS);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(l.order[i], p[i].handle);
}

Test(multi, an_open_circuit_ends_a_request_without_a_transfer)
{
    struct loop l;
    struct program p[6];
    setenv("HARDEN_RETRY", "off", 1);
    setenv("HARDEN_BREAKER_FAILURES", "3", 1);
    loop_start(&l);
    for (int i = 0; i < 6; i++)
        START(&p[i], {.result = CURLE_COULDNT_CONNECT, .unsent = true, .error = "refused"});
    for (int i = 0; i < 6; i++) {
        add(&l, &p[i]);
        run(&l);
        cr_assert_eq(l.result, CURLE_COULDNT_CONNECT);
        cr_assert_eq(performs(&p[i]), i < 3);
    }
    cr_assert_eq(strncmp(p[5].error, "harden: circuit open", 20), 0);
}

Test(multi, a_refusal_is_delivered_even_if_libcurl_does_not_accept_the_handle)
{
    struct loop l;
    struct program p[2];
    setenv("HARDEN_RATE", "1/1m", 1);
    loop_start(&l);
    for (int i = 0; i < 2; i++) {
        START(&p[i], OK_200);
        add(&l, &p[i]);
        fake(&l)->refuses = i ? CURLM_OUT_OF_MEMORY : CURLM_OK;
        run(&l);
    }
    cr_assert_eq(l.result, CURLE_OPERATION_TIMEDOUT);
    cr_assert_str_eq(fake_of(p[1].handle)->url, "http://api.example.com/x");
}

Test(multi, an_event_loop_that_runs_too_late_for_a_retry_gets_the_last_response)
{
    struct loop l;
    struct program p;
    setenv("HARDEN_MAX_ELAPSED", "300ms", 1);
    loop_start(&l);
    START(&p, BUSY_503, OK_200);
    add(&l, &p);
    turn(&l);
    cr_assert_eq(l.running, 1);
    for (int64_t until_ns = clock_now_ns() + 320 * NS_PER_MS; clock_now_ns() < until_ns;)
        ;
    turn(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_str_eq(p.seen, seen_503);
}
