/* SPDX-License-Identifier: MIT */
#include "multi_loop.h"

#include "curl/transfer.h"

TestSuite(multi, .fini = loops_end);

/* ---- attempts ------------------------------------------------------------------------------- */

Test(multi, a_good_answer_is_delivered_as_it_is)
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
    cr_assert_eq(fake(&l)->turns, 1, "libcurl would have needed no more");
}

Test(multi, two_failures_are_never_seen)
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

Test(multi, what_is_parked_counts_as_running_and_is_in_no_multi_of_libcurls)
{
    struct loop l;
    struct program p;
    setenv("HARDEN_BASE_DELAY", "1h", 1);
    setenv("HARDEN_MAX_DELAY", "1h", 1);
    setenv("HARDEN_MAX_ELAPSED", "1d", 1);
    setenv("HARDEN_JITTER", "none", 1);
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
    cr_assert_eq(ms, 5, "libcurl's own, if that is earlier");
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

Test(multi, options_may_be_set_until_the_first_turn)
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

Test(multi, what_leads_to_no_host_is_libcurls_alone)
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

Test(multi, handles_that_were_never_seen_born_share_it)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, BUSY_503, OK_200);
    static const struct fake_attempt busy = {.head = "HTTP/1.1 503 Busy\n\n"};
    CURL *stranger = fake_new(&busy, 1);
    fake_curl.easy_setopt(stranger, CURLOPT_URL, "http://api.example.com/");
    cr_assert_eq(multi_add(l.multi, stranger), CURLM_OK);
    add(&l, &p);
    run(&l);
    cr_assert_eq(l.messages, 2);
    cr_assert_eq(fake_of(stranger)->performs, 1);
    cr_assert_str_eq(p.seen, seen_200);
    cr_assert_eq(multi_remove(l.multi, stranger), CURLM_OK);
    fake_curl.easy_cleanup(stranger);
}

Test(multi, a_stranger_that_ends_takes_its_message_along)
{
    static const struct fake_attempt ok = {.head = "HTTP/1.1 200 OK\n\n"};
    struct loop l;
    loop_start(&l);
    CURL *stranger = fake_new(&ok, 1);
    fake_curl.easy_setopt(stranger, CURLOPT_URL, "http://api.example.com/");
    multi_add(l.multi, stranger);
    multi_perform(l.multi, &l.running);
    multi_forget(stranger);
    fake_curl.easy_cleanup(stranger);
    read_messages(&l);
    cr_assert_eq(l.messages, 0);
    cr_assert_eq(fake(&l)->count, 0);
}

Test(multi, what_libcurl_does_not_take_ends_with_a_message)
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

/* ---- refusals ------------------------------------------------------------------------------- */

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
                 "what the last transfer left is forgotten");
    cr_assert_str_eq(fake_of(p[1].handle)->url, "http://api.example.com/x");
}

Test(multi, those_that_wait_start_when_their_turn_comes)
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

Test(multi, an_open_circuit_answers_without_a_transfer)
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

Test(multi, a_token_is_taken_only_when_there_is_a_connection_for_it)
{
    struct loop l;
    struct program p[6];
    setenv("HARDEN_RATE", "1000/1s", 1);
    loop_start(&l);
    set_multi(&l, CURLMOPT_MAX_TOTAL_CONNECTIONS, (union option_argument){.number = 2});
    fake(&l)->slow = 2;
    for (int i = 0; i < 6; i++) {
        START(&p[i], OK_200);
        add(&l, &p[i]);
    }
    run(&l);
    cr_assert_eq(l.messages, 6);
    cr_assert_eq(fake(&l)->most_at_once, 2);
}

Test(multi, one_that_is_taken_away_leaves_its_connection_to_the_next)
{
    struct loop l;
    struct program p[4];
    setenv("HARDEN_RATE", "1000/1s", 1);
    loop_start(&l);
    set_multi(&l, CURLMOPT_MAX_HOST_CONNECTIONS, (union option_argument){.number = 1});
    fake(&l)->slow = 1000;
    for (int i = 0; i < 3; i++) {
        START(&p[i], OK_200);
        add(&l, &p[i]);
    }
    turn(&l);
    cr_assert_eq(fake(&l)->count, 1);
    fake(&l)->slow = 0;
    remove_from(&l, &p[0]);
    run(&l);
    cr_assert_eq(l.messages, 2);
}

Test(multi, a_refusal_that_libcurl_does_not_take_is_one_all_the_same)
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

Test(multi, in_observe_mode_nobody_waits_for_a_connection)
{
    struct loop l;
    struct program p[3];
    setenv("HARDEN_RATE", "1/1m", 1);
    setenv("HARDEN_MODE", "observe", 1);
    loop_start(&l);
    set_multi(&l, CURLMOPT_MAX_TOTAL_CONNECTIONS, (union option_argument){.number = 1});
    fake(&l)->slow = 2;
    for (int i = 0; i < 3; i++) {
        START(&p[i], BUSY_503);
        add(&l, &p[i]);
    }
    run(&l);
    cr_assert_eq(fake(&l)->most_at_once, 3, "the rest is libcurl's");
    cr_assert_eq(l.messages, 3);
    cr_assert_eq(performs(&p[2]), 1);
}

Test(multi, a_loop_that_turns_too_late_for_another_attempt_gets_what_there_is)
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

/* ---- the life of a handle ------------------------------------------------------------------- */

static void slowly(void)
{
    setenv("HARDEN_BASE_DELAY", "1h", 1);
    setenv("HARDEN_MAX_DELAY", "1h", 1);
    setenv("HARDEN_MAX_ELAPSED", "1d", 1);
    setenv("HARDEN_JITTER", "none", 1);
}

static void is_as_the_program_made_it(const struct program *p)
{
    const struct fake_handle *f = fake_of(p->handle);
    cr_assert_null(p->shadow->transfer);
    cr_assert_null(p->shadow->member);
    cr_assert(f->write_fn == see_body && f->header_fn == see_header);
    cr_assert(f->write_data == (void *)p && f->error_buffer == p->error);
}

Test(multi, removed_while_parked_it_is_as_before)
{
    struct loop l;
    struct program p;
    slowly();
    loop_start(&l);
    START(&p, BUSY_503, OK_200);
    add(&l, &p);
    turn(&l);
    cr_assert_eq(l.running, 1);
    cr_assert_eq(remove_from(&l, &p), CURLM_OK);
    is_as_the_program_made_it(&p);
    turn(&l);
    cr_assert_eq(l.running, 0);
    cr_assert_eq(l.messages, 0);
    cr_assert_eq(remove_from(&l, &p), CURLM_OK, "as libcurl has it");
    cr_assert_eq(add(&l, &p), CURLM_OK);
    run(&l);
    cr_assert_str_eq(p.seen, seen_200);
}

Test(multi, removed_in_flight_it_is_as_before)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    fake(&l)->slow = 1000;
    START(&p, OK_200);
    add(&l, &p);
    turn(&l);
    cr_assert_eq(fake(&l)->count, 1);
    cr_assert_eq(remove_from(&l, &p), CURLM_OK);
    is_as_the_program_made_it(&p);
    cr_assert_eq(fake(&l)->count, 0);
}

Test(multi, removed_with_its_message_unread_it_takes_that_along)
{
    struct loop l;
    struct program p, q;
    loop_start(&l);
    START(&p, OK_200);
    START(&q, OK_200);
    add(&l, &p);
    add(&l, &q);
    multi_perform(l.multi, &l.running);
    remove_from(&l, &p);
    read_messages(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.last, q.handle);
}

Test(multi, ended_with_handles_inside_it_lets_them_go)
{
    struct loop l;
    struct program p[3];
    slowly();
    loop_start(&l);
    START(&p[0], BUSY_503);
    START(&p[1], OK_200);
    START(&p[2], OK_200);
    add(&l, &p[0]);
    add(&l, &p[1]);
    turn(&l);
    add(&l, &p[2]);
    cr_assert_eq(multi_cleanup(l.multi), CURLM_OK);
    for (int i = 0; i < 3; i++)
        is_as_the_program_made_it(&p[i]);
    cr_assert_null(multi_find(l.handle));
}

Test(multi, an_easy_handle_that_ends_leaves_it)
{
    struct loop l;
    struct program p;
    slowly();
    loop_start(&l);
    START(&p, BUSY_503);
    add(&l, &p);
    turn(&l);
    multi_forget(p.handle);
    is_as_the_program_made_it(&p);
    turn(&l);
    cr_assert_eq(l.running, 0);
}

Test(multi, a_handle_that_vanished_is_forgotten)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    fake(&l)->slow = 1000;
    START(&p, OK_200);
    add(&l, &p);
    turn(&l);
    fake(&l)->count = 0;
    p.shadow = shadow_add(p.handle, &fake_curl); /* its address is used again */
    cr_assert_null(p.shadow->member);
    turn(&l);
    cr_assert_eq(l.running, 0);
}

Test(multi, a_handle_is_in_one_at_a_time)
{
    struct loop l, other;
    struct program p;
    loop_start(&l);
    loop_start(&other);
    START(&p, OK_200);
    add(&l, &p);
    cr_assert_eq(add(&l, &p), CURLM_ADDED_ALREADY);
    cr_assert_eq(add(&other, &p), CURLM_ADDED_ALREADY);
    cr_assert_eq(remove_from(&other, &p), CURLM_BAD_EASY_HANDLE);
    cr_assert_eq(easy_perform(p.shadow), CURLE_FAILED_INIT);
    cr_assert_str_eq(p.error, "easy handle already used in multi handle");
    run(&l);
    cr_assert_eq(l.messages, 1);
    remove_from(&l, &p);
    cr_assert_eq(program_perform(&p), CURLE_OK);
}

Test(multi, a_copy_of_a_parked_handle_is_of_none)
{
    struct loop l;
    struct program p;
    slowly();
    loop_start(&l);
    START(&p, BUSY_503);
    add(&l, &p);
    turn(&l);
    CURL *copy = fake_curl.easy_duphandle(p.handle);
    transfer_unwrap_copy(p.shadow->transfer, copy);
    struct shadow *s = shadow_copy(copy, p.shadow);
    cr_assert_null(s->member);
    cr_assert_null(s->transfer);
    cr_assert_eq(fake_of(copy)->write_fn, see_body);
    shadow_remove(copy);
    fake_curl.easy_cleanup(copy);
}

Test(multi, reset_while_parked_it_delivers_what_it_has)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, BUSY_503, OK_200);
    add(&l, &p);
    turn(&l);
    cr_assert_eq(l.running, 1);
    p.shadow->transfer->reset = true; /* as the hook does */
    run(&l);
    cr_assert_str_eq(p.seen, seen_503);
    cr_assert_eq(performs(&p), 1);
}

/* ---- callbacks ------------------------------------------------------------------------------ */

/* It may be an authentication round, so it is held to the end. */
#define HELD_401                                                                                   \
    {                                                                                              \
        .head = "HTTP/1.1 401 No\nX: 0\n\n"                                                        \
    }

Test(multi, a_paused_delivery_goes_on_when_the_program_has_unpaused)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, HELD_401);
    p.pause_at = 2;
    add(&l, &p);
    turn(&l);
    cr_assert_str_eq(p.seen, "H401[HTTP/1.1 401 No]P");
    turn(&l);
    cr_assert_eq(l.running, 1);
    cr_assert_eq(l.messages, 0);
    cr_assert(multi_pause(p.shadow, CURLPAUSE_CONT));
    run(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_str_eq(p.seen, "H401[HTTP/1.1 401 No]PH401[X: 0]H401[]");
}

Test(multi, a_delivery_that_stays_paused_ends_with_the_programs_own_bound)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, HELD_401);
    set_number(&p, CURLOPT_TIMEOUT_MS, 100);
    p.pause_at = 1;
    add(&l, &p);
    run(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.result, CURLE_OPERATION_TIMEDOUT);
    cr_assert_str_eq(p.error, "Operation timed out while paused");
}

Test(multi, paused_between_two_attempts_it_does_not_start)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, BUSY_503, OK_200);
    add(&l, &p);
    turn(&l);
    cr_assert(multi_pause(p.shadow, CURLPAUSE_ALL));
    int64_t until_ns = clock_now_ns() + 10 * NS_PER_MS;
    while (clock_now_ns() < until_ns)
        turn(&l);
    cr_assert_eq(performs(&p), 1);
    cr_assert_eq(l.running, 1);
    cr_assert(multi_pause(p.shadow, CURLPAUSE_CONT));
    run(&l);
    cr_assert_str_eq(p.seen, seen_200);
}

static struct loop *looped;
static CURLMcode answers[3];
static struct program *another;

static int abort_at_once(void *p, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)p, (void)a, (void)b, (void)c, (void)d;
    answers[0] = add(looped, another);
    answers[1] = remove_from(looped, another);
    answers[2] = multi_perform(looped->multi, &looped->running);
    return 1;
}

Test(multi, the_progress_callback_may_end_a_wait_and_do_no_more)
{
    struct loop l;
    struct program p, q;
    slowly();
    loop_start(&l);
    looped = &l;
    another = &q;
    START(&p, BUSY_503);
    START(&q, OK_200);
    add(&l, &p);
    set_function(&p, CURLOPT_XFERINFOFUNCTION, (void (*)(void))abort_at_once);
    set_number(&p, CURLOPT_NOPROGRESS, 0);
    run(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.result, CURLE_ABORTED_BY_CALLBACK);
    cr_assert_str_eq(p.error, "Callback aborted");
    cr_assert_str_eq(p.seen, "");
    for (int i = 0; i < 3; i++)
        cr_assert_eq(answers[i], CURLM_RECURSIVE_API_CALL);
}

Test(multi, the_progress_callback_may_end_the_wait_for_a_first_attempt)
{
    struct loop l;
    struct program p[2], q;
    setenv("HARDEN_RATE", "1/10s", 1);
    loop_start(&l);
    looped = &l;
    another = &q;
    START(&q, OK_200);
    for (int i = 0; i < 2; i++) {
        START(&p[i], OK_200);
        add(&l, &p[i]);
    }
    set_function(&p[1], CURLOPT_XFERINFOFUNCTION, (void (*)(void))abort_at_once);
    set_number(&p[1], CURLOPT_NOPROGRESS, 0);
    run(&l);
    cr_assert_eq(l.result, CURLE_ABORTED_BY_CALLBACK);
    cr_assert_eq(performs(&p[1]), 0);
    cr_assert_eq(fake_of(p[1].handle)->empty_performs, 1);
}

static int pushed(CURL *parent, CURL *easy, size_t n, struct curl_pushheaders *headers, void *data)
{
    (void)parent, (void)n, (void)headers;
    *(bool *)data = fake_of(easy)->write_fn == see_body;
    return CURL_PUSH_OK;
}

Test(multi, a_pushed_handle_has_the_programs_callbacks)
{
    struct loop l;
    struct program p;
    bool seen = false;
    loop_start(&l);
    START(&p, OK_200);
    set_multi(&l, CURLMOPT_PUSHFUNCTION,
              (union option_argument){.function = (void (*)(void))pushed});
    set_multi(&l, CURLMOPT_PUSHDATA, (union option_argument){.pointer = &seen});
    fake(&l)->slow = 1000;
    add(&l, &p);
    turn(&l);
    CURL *copy = fake_curl.easy_duphandle(p.handle);
    cr_assert_neq(fake_of(copy)->write_fn, see_body, "it has ours");
    cr_assert_eq(fake(&l)->push_fn(p.handle, copy, 0, NULL, fake(&l)->push_data), CURL_PUSH_OK);
    cr_assert(seen);
    fake_curl.easy_cleanup(copy);
    multi_cleanup(l.multi);
}
