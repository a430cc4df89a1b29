/* SPDX-License-Identifier: MIT
 *
 * Operations of a program on a parked handle, and operations in its callbacks. */
#include "multi_loop.h"

#include "curl/multi/private.h"
#include "curl/transfer.h"

TestSuite(multi_life, .fini = loops_end);

static void is_as_the_program_made_it(const struct program *p)
{
    const struct fake_handle *f = fake_of(p->handle);
    cr_assert_null(p->shadow->transfer);
    cr_assert_null(p->shadow->member);
    cr_assert(f->write_fn == see_body && f->header_fn == see_header);
    cr_assert(f->write_data == (void *)p && f->error_buffer == p->error);
}

Test(multi_life, a_handle_removed_while_parked_can_be_used_again)
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
    cr_assert_eq(remove_from(&l, &p), CURLM_OK, "as in libcurl");
    cr_assert_eq(add(&l, &p), CURLM_OK);
    run(&l);
    cr_assert_str_eq(p.seen, seen_200);
}

Test(multi_life, a_handle_removed_in_flight_can_be_used_again)
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

Test(multi_life, removing_a_handle_removes_its_unread_message)
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

Test(multi_life, a_multi_handle_freed_with_handles_inside_releases_them)
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

Test(multi_life, an_easy_handle_that_is_freed_leaves_its_multi_handle)
{
    struct loop l;
    struct program p;
    slowly();
    loop_start(&l);
    START(&p, BUSY_503);
    add(&l, &p);
    turn(&l);
    multi_remove_freed(p.handle);
    is_as_the_program_made_it(&p);
    turn(&l);
    cr_assert_eq(l.running, 0);
}

Test(multi_life, a_handle_that_vanished_is_forgotten)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    fake(&l)->slow = 1000;
    START(&p, OK_200);
    add(&l, &p);
    turn(&l);
    fake(&l)->count = 0;
    p.shadow = shadow_add(p.handle, &fake_curl); /* the address is reused */
    cr_assert_null(p.shadow->member);
    cr_assert_eq(l.multi->member_count, 0);
    turn(&l);
    cr_assert_eq(l.running, 0);
}

Test(multi_life, a_handle_is_in_one_multi_handle_at_a_time)
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

static struct loop *own_loop;
static struct program *own;
static CURLMcode added;
static CURLcode performed;

static size_t call_in_callback(char *d, size_t size, size_t n, void *program)
{
    (void)program;
    added = add(own_loop, own);
    performed = easy_perform(own->shadow);
    return note(own, 'B', d, size * n);
}

/* Makes calls in a callback that receives held data, and records their results. */
static void check_calls_in_callback(unsigned version)
{
    static struct loop l;
    static struct program p;
    static struct curl_api api;
    api = fake_curl;
    api.version_num = version;
    setenv("HARDEN_RATE", "1/1h", 1);
    setenv("HARDEN_MAX_WAIT", "10ms", 1);
    loop_start(own_loop = &l);
    START(own = &p, BUSY_503, OK_200);
    p.shadow->api = &api;
    l.multi->api = &api;
    set_function(&p, CURLOPT_WRITEFUNCTION, (void (*)(void))call_in_callback);
    add(&l, &p);
    run(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(performs(&p), 1);
}

Test(multi_life, from_8_22_on_a_handle_cannot_be_performed_in_its_callbacks)
{
    check_calls_in_callback(0x081600);
    cr_assert_eq(added, CURLM_RECURSIVE_API_CALL);
    cr_assert_eq(performed, CURLE_RECURSIVE_API_CALL);
}

Test(multi_life, before_8_22_a_handle_in_its_callbacks_is_in_use)
{
    check_calls_in_callback(0x081500);
    cr_assert_eq(added, CURLM_ADDED_ALREADY);
    cr_assert_eq(performed, CURLE_FAILED_INIT);
}

Test(multi_life, a_copy_of_a_parked_handle_is_in_no_multi_handle)
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

Test(multi_life, a_handle_reset_while_parked_delivers_the_held_response)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, BUSY_503, OK_200);
    add(&l, &p);
    turn(&l);
    cr_assert_eq(l.running, 1);
    p.shadow->transfer->reset = true; /* like the hook */
    run(&l);
    cr_assert_str_eq(p.seen, seen_503);
    cr_assert_eq(performs(&p), 1);
}

/* ---- callbacks ------------------------------------------------------------------------------- */

/* A 401 may be a round of an authentication, so it is held to its end. */
#define HELD_401 {.head = "HTTP/1.1 401 No\nX: 0\n\n"}

Test(multi_life, a_paused_delivery_continues_when_the_program_unpauses)
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

Test(multi_life, a_delivery_that_stays_paused_ends_with_the_programs_timeout)
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

Test(multi_life, a_transfer_paused_between_attempts_does_not_start)
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
static CURLMcode answers[4];
static struct program *another;

static int abort_at_once(void *p, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)p, (void)a, (void)b, (void)c, (void)d;
    answers[0] = add(looped, another);
    answers[1] = remove_from(looped, another);
    answers[2] = multi_perform(looped->multi, &looped->running);
    answers[3] = multi_remove(looped->multi, looped->last);
    return 1;
}

Test(multi_life, the_progress_callback_can_end_a_wait_and_nothing_else)
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
    l.last = p.handle;
    set_function(&p, CURLOPT_XFERINFOFUNCTION, (void (*)(void))abort_at_once);
    set_number(&p, CURLOPT_NOPROGRESS, 0);
    run(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.result, CURLE_ABORTED_BY_CALLBACK);
    cr_assert_str_eq(p.error, "Callback aborted");
    cr_assert_str_eq(p.seen, "");
    cr_assert_eq(answers[0], CURLM_RECURSIVE_API_CALL);
    cr_assert_eq(answers[1], CURLM_OK, "it is in no multi handle");
    cr_assert_eq(answers[2], CURLM_RECURSIVE_API_CALL);
    cr_assert_eq(answers[3], CURLM_RECURSIVE_API_CALL);
}

Test(multi_life, the_progress_callback_can_end_the_wait_for_a_first_attempt)
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

Test(multi_life, a_pushed_handle_has_the_programs_callbacks)
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
    cr_assert_neq(fake_of(copy)->write_fn, see_body, "it has the library's callback");
    cr_assert_eq(fake(&l)->push_fn(p.handle, copy, 0, NULL, fake(&l)->push_data), CURL_PUSH_OK);
    cr_assert(seen);
    fake_curl.easy_cleanup(copy);
    multi_cleanup(l.multi);
}

static int fails(CURL *parent, CURL *easy, size_t n, struct curl_pushheaders *headers, void *data)
{
    (void)parent, (void)easy, (void)n, (void)headers, (void)data;
    return CURL_PUSH_ERROROUT;
}

Test(multi_life, a_transfer_that_the_push_callback_fails_is_not_repeated)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    START(&p, RESET, OK_200);
    set_multi(&l, CURLMOPT_PUSHFUNCTION,
              (union option_argument){.function = (void (*)(void))fails});
    fake(&l)->slow = 1000;
    add(&l, &p);
    turn(&l);
    CURL *copy = fake_curl.easy_duphandle(p.handle);
    cr_assert_eq(fake(&l)->push_fn(p.handle, copy, 0, NULL, fake(&l)->push_data),
                 CURL_PUSH_ERROROUT);
    fake_curl.easy_cleanup(copy);
    fake(&l)->turns_left[0] = 0;
    run(&l);
    cr_assert_eq(l.result, CURLE_RECV_ERROR);
    cr_assert_eq(performs(&p), 1);
}
