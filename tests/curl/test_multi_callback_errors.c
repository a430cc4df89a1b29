/* SPDX-License-Identifier: MIT
 *
 * A callback of the multi handle fails: libcurl then fails all transfers, and calls no callback
 * of the multi handle until a transfer is added to the empty handle. */
#include "multi_loop.h"

TestSuite(multi_callback_errors, .fini = loops_end);

/* The timer callback fails during one long transfer. */
static void end_all_by_callback_error(struct loop *l, struct program *running,
                                      struct program *refused)
{
    loop_start(l);
    with_timer(l);
    START(running, OK_200);
    START(refused, OK_200);
    fake(l)->slow = 1000;
    add(l, running);
    timer_fires(l);
    fake_multi_expire(l->handle, 5000);
    l->timer_answers = -1;
    cr_assert_eq(add(l, refused), CURLM_ABORTED_BY_CALLBACK);
}

Test(multi_callback_errors, a_failed_timer_callback_is_not_called_again)
{
    struct loop l;
    struct program p, q;
    end_all_by_callback_error(&l, &p, &q);
    int calls = l.timer_calls;
    cr_assert_eq(remove_from(&l, &q), CURLM_OK);
    cr_assert_eq(multi_socket_action(l.multi, CURL_SOCKET_TIMEOUT, 0, &l.running), CURLM_OK);
    cr_assert_eq(remove_from(&l, &p), CURLM_OK);
    cr_assert_eq(l.timer_calls, calls);
}

Test(multi_callback_errors, a_transfer_whose_timer_callback_failed_is_not_added)
{
    struct loop l;
    struct program p, q;
    end_all_by_callback_error(&l, &p, &q);
    cr_assert_null(q.shadow->member);
    run(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.last, p.handle);
    cr_assert_eq(l.result, CURLE_ABORTED_BY_CALLBACK);
    cr_assert_eq(fake(&l)->turns, 2, "libcurl got the error at once");
    cr_assert_eq(fake(&l)->added_in_failure, 0);
    curl_off_t added;
    multi_get_offt(l.multi, 5, &added);
    cr_assert_eq(added, 1);
}

Test(multi_callback_errors, nothing_can_be_added_until_all_transfers_have_ended)
{
    struct loop l;
    struct program p, q;
    end_all_by_callback_error(&l, &p, &q);
    l.timer_answers = 0;
    cr_assert_eq(add(&l, &q), CURLM_ABORTED_BY_CALLBACK);
    run(&l);
    fake(&l)->slow = 0;
    l.timer_ms = -7;
    cr_assert_eq(add(&l, &q), CURLM_OK);
    cr_assert_eq(l.timer_ms, 0);
    run(&l);
    cr_assert_eq(l.messages, 2);
    cr_assert_eq(l.result, CURLE_OK);
    cr_assert_str_eq(q.seen, seen_200);
    cr_assert_eq(l.timer_ms, -1);
}

Test(multi_callback_errors, the_timer_value_from_before_is_forgotten_after_that)
{
    struct loop l;
    struct program p, q;
    end_all_by_callback_error(&l, &p, &q);
    l.timer_answers = 0;
    cr_assert_eq(remove_from(&l, &p), CURLM_OK);
    cr_assert_eq(add(&l, &p), CURLM_OK);
    cr_assert_eq(l.timer_ms, 0);
    cr_assert_eq(remove_from(&l, &p), CURLM_OK);
    cr_assert_eq(l.timer_ms, -1);
}

Test(multi_callback_errors, transfers_that_are_not_covered_end_too)
{
    struct loop l;
    struct program p, q;
    static const struct fake_attempt ok[] = {OK_200};
    end_all_by_callback_error(&l, &p, &q);
    CURL *unseen = fake_new(ok, 1);
    l.timer_answers = 0;
    run(&l);
    fake(&l)->slow = 1000;
    cr_assert_eq(multi_add(l.multi, unseen), CURLM_OK);
    timer_fires(&l);
    l.timer_answers = -1;
    cr_assert_eq(add(&l, &q), CURLM_ABORTED_BY_CALLBACK);
    cr_assert_eq(add(&l, &q), CURLM_ABORTED_BY_CALLBACK);
    run(&l);
    cr_assert_eq(l.last, unseen);
    l.timer_answers = 0;
    cr_assert_eq(add(&l, &q), CURLM_OK);
    multi_remove(l.multi, unseen);
    fake_curl.easy_cleanup(unseen);
}

Test(multi_callback_errors, a_transfer_that_waits_for_its_retry_fails_too)
{
    struct loop l;
    struct program p, q;
    slowly();
    loop_start(&l);
    with_timer(&l);
    START(&p, BUSY_503);
    START(&q, OK_200);
    add(&l, &p);
    timer_fires(&l);
    l.timer_answers = -1;
    cr_assert_eq(add(&l, &q), CURLM_ABORTED_BY_CALLBACK);
    long ms = -1;
    multi_timeout(l.multi, &ms);
    cr_assert_eq(ms, 0, "all transfers are due");
    int ready;
    multi_poll(l.multi, NULL, 0, 1000, &ready);
    cr_assert_eq(fake(&l)->timeout_seen, 0);
    turn(&l);
    cr_assert_eq(l.running, 0);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.last, p.handle);
    cr_assert_eq(l.result, CURLE_ABORTED_BY_CALLBACK);
    cr_assert_str_eq(p.seen, "", "no callback is called any more");
    cr_assert_eq(fake(&l)->added_in_failure, 0);
    cr_assert_eq(fake_of(p.handle)->performs, 1);
}

/* The program's timer callback fails for a value of the library, which libcurl does not notice. */
Test(multi_callback_errors, an_error_for_the_librarys_own_timer_ends_all_transfers_too)
{
    struct loop l;
    struct program p, q;
    slowly();
    loop_start(&l);
    START(&p, BUSY_503);
    START(&q, OK_200);
    add(&l, &p);
    multi_perform(l.multi, &l.running);
    with_timer(&l);
    l.timer_answers = -1;
    cr_assert_eq(multi_perform(l.multi, &l.running), CURLM_ABORTED_BY_CALLBACK);
    cr_assert_eq(add(&l, &q), CURLM_ABORTED_BY_CALLBACK);
    int calls = l.timer_calls;
    run(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.result, CURLE_ABORTED_BY_CALLBACK);
    cr_assert_eq(l.timer_calls, calls);
    cr_assert_eq(fake(&l)->added_in_failure, 0);
}

Test(multi_callback_errors, a_transfer_that_was_only_added_fails_without_a_request)
{
    struct loop l;
    struct program p, q;
    loop_start(&l);
    START(&p, OK_200);
    START(&q, OK_200);
    add(&l, &p);
    with_timer(&l);
    l.timer_answers = -1;
    cr_assert_eq(add(&l, &q), CURLM_ABORTED_BY_CALLBACK);
    run(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.last, p.handle);
    cr_assert_eq(l.result, CURLE_ABORTED_BY_CALLBACK);
    cr_assert_eq(fake_of(p.handle)->performs, 0);
}

Test(multi_callback_errors, a_transfer_removed_while_the_timer_callback_fails_is_removed)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    with_timer(&l);
    START(&p, OK_200);
    fake(&l)->slow = 1000;
    add(&l, &p);
    timer_fires(&l);
    fake_multi_expire(l.handle, 5000);
    l.timer_answers = -1;
    cr_assert_eq(remove_from(&l, &p), CURLM_ABORTED_BY_CALLBACK);
    cr_assert_null(p.shadow->member);
    cr_assert_eq(fake(&l)->count, 0);
    cr_assert(fake(&l)->dead, "libcurl itself got the error");
    cr_assert_eq(remove_from(&l, &p), CURLM_OK);
    cr_assert_eq(l.timer_calls, 3);
}

Test(multi_callback_errors, a_response_in_the_turn_in_which_all_end_is_delivered_and_not_retried)
{
    struct loop l;
    struct program p, q;
    loop_start(&l);
    with_timer(&l);
    START(&p, BUSY_503, OK_200);
    START(&q, OK_200);
    fake(&l)->slow = 1;
    add(&l, &p);
    add(&l, &q);
    timer_fires(&l);
    fake_of(q.handle)->performs = 0;
    fake(&l)->turns_left[1] = 1000;
    fake(&l)->own_timeout_ms = 5000;
    l.timer_answers = -1;
    cr_assert_eq(multi_perform(l.multi, &l.running), CURLM_ABORTED_BY_CALLBACK);
    read_messages(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.result, CURLE_OK);
    cr_assert_str_eq(p.seen, seen_503);
    run(&l);
    cr_assert_eq(l.messages, 2);
    cr_assert_eq(l.result, CURLE_ABORTED_BY_CALLBACK);
}

Test(multi_callback_errors, a_failed_socket_callback_ends_parked_transfers_too)
{
    struct loop l;
    struct program p;
    slowly();
    loop_start(&l);
    with_timer(&l);
    START(&p, BUSY_503, OK_200);
    add(&l, &p);
    timer_fires(&l);
    fake(&l)->socket_refuses = true;
    int calls = l.timer_calls;
    cr_assert_eq(multi_socket_action(l.multi, 7, 0, &l.running), CURLM_ABORTED_BY_CALLBACK);
    run(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.result, CURLE_ABORTED_BY_CALLBACK);
    cr_assert_eq(l.timer_calls, calls);
}

Test(multi_callback_errors, the_count_of_running_handles_is_unchanged_if_libcurl_does_not_set_it)
{
    struct loop l;
    struct program p, q;
    loop_start(&l);
    START(&p, OK_200);
    START(&q, OK_200);
    fake(&l)->slow = 1;
    add(&l, &p);
    add(&l, &q);
    turn(&l);
    cr_assert_eq(l.running, 2);
    fake(&l)->turns_left[1] = 1000;
    fake(&l)->socket_refuses = true;
    cr_assert_eq(multi_perform(l.multi, &l.running), CURLM_ABORTED_BY_CALLBACK);
    cr_assert_eq(l.running, 2);
    run(&l);
    cr_assert_eq(l.messages, 2);
}

Test(multi_callback_errors, before_7_81_the_result_of_the_timer_callback_is_ignored)
{
    static struct curl_api old;
    struct loop l;
    struct program p;
    old = fake_curl;
    old.version_num = 0x075000;
    loop_start_with(&l, &old);
    fake(&l)->ignores_timer_result = true;
    with_timer(&l);
    START(&p, BUSY_503, OK_200);
    p.shadow->api = &old;
    l.timer_answers = -1;
    cr_assert_eq(add(&l, &p), CURLM_OK);
    run(&l);
    cr_assert_eq(l.result, CURLE_OK);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_gt(l.timer_calls, 1);
}
