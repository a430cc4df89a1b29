/* SPDX-License-Identifier: MIT
 *
 * Timeouts that the program gets, and how it is notified of results. */
#include "curl/transfer.h"
#include "multi_loop.h"

#include <limits.h>

TestSuite(multi_timer, .fini = loops_end);

static void expect_about_an_hour(long ms)
{
    cr_assert(ms > 3500 * 1000 && ms <= 3600 * 1000, "%ld", ms);
}

/* ---- the timer ------------------------------------------------------------------------------- */

Test(multi_timer, one_successful_transfer_has_libcurls_timer_values)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    with_timer(&l);
    START(&p, OK_200);
    add(&l, &p);
    cr_assert_eq(l.timer_ms, 0);
    cr_assert_eq(l.timer_calls, 1);
    timer_fires(&l);
    cr_assert_eq(l.messages, 1);
    cr_assert_eq(l.running, 0);
    cr_assert_eq(l.timer_ms, -1, "no timer is set");
    cr_assert_eq(l.timer_calls, 1);
}

Test(multi_timer, a_program_that_only_handles_its_timer_gets_every_result)
{
    struct loop l;
    struct program p[4];
    loop_start(&l);
    with_timer(&l);
    for (int i = 0; i < 4; i++) {
        START(&p[i], BUSY_503, BUSY_503, OK_200);
        add(&l, &p[i]);
    }
    setenv("HARDEN_BREAKER", "off", 1);
    int fired = 0;
    for (; l.timer_ms >= 0; fired++) {
        int64_t at_ns = clock_now_ns() + l.timer_ms * NS_PER_MS;
        while (clock_now_ns() < at_ns)
            ;
        timer_fires(&l);
    }
    cr_assert_eq(l.messages, 4);
    cr_assert_eq(l.running, 0);
    cr_assert_leq(fired, 9, "one turn for the first attempts and one for each retry");
}

Test(multi_timer, the_timer_callback_gets_the_earlier_of_two_deadlines)
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
    expect_about_an_hour(l.timer_ms);
    add(&l, &q);
    fake(&l)->slow = 1000;
    timer_fires(&l);
    fake_multi_expire(l.handle, 70);
    cr_assert_eq(l.timer_ms, 70);
    int calls = l.timer_calls;
    fake_multi_expire(l.handle, 7200 * 1000);
    expect_about_an_hour(l.timer_ms);
    fake_multi_expire(l.handle, 7300 * 1000);
    cr_assert_eq(l.timer_calls, calls + 1, "an unchanged deadline is not set again");
    multi_cleanup(l.multi);
}

/* libcurl 8.10 does not set the same value again. */
Test(multi_timer, after_an_early_turn_libcurls_timeout_is_set_again)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    fake(&l)->timer = TIMER_KEEPS;
    with_timer(&l);
    START(&p, OK_200);
    fake(&l)->slow = 1000;
    add(&l, &p);
    timer_fires(&l);
    fake_multi_expire(l.handle, 5000);
    timer_fires(&l);
    cr_assert(l.timer_ms > 4000 && l.timer_ms <= 5000, "%ld", l.timer_ms);
    multi_cleanup(l.multi);
}

/* Since 8.10 libcurl clears its own values; only the library can clear values that it has set. */
Test(multi_timer, a_loop_that_keeps_its_deadline_gets_minus_1_when_there_is_none)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    fake(&l)->timer = TIMER_TELLS_ALL;
    with_timer(&l);
    START(&p, OK_200);
    fake(&l)->slow = 3;
    add(&l, &p);
    cr_assert_eq(l.timer_ms, 0);
    multi_socket_action(l.multi, CURL_SOCKET_TIMEOUT, 0, &l.running);
    cr_assert_eq(l.running, 1);
    cr_assert_eq(l.timer_ms, -1);
    cr_assert_eq(l.timer_calls, 2);
    run(&l);
    cr_assert_eq(l.timer_calls, 2);
}

Test(multi_timer, the_librarys_own_timeout_is_cleared_when_it_is_over)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    with_timer(&l);
    START(&p, BUSY_503);
    add(&l, &p);
    timer_fires(&l);
    p.shadow->transfer->reset = true; /* delivers the held response without libcurl */
    for (int64_t until_ns = clock_now_ns() + 2 * NS_PER_MS; clock_now_ns() < until_ns;)
        ;
    l.timer_ms = 7;
    multi_socket_action(l.multi, CURL_SOCKET_TIMEOUT, 0, &l.running);
    cr_assert_eq(l.running, 0);
    cr_assert_eq(l.timer_ms, -1);
}

Test(multi_timer, a_huge_timeout_is_in_the_far_future)
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
    fake(&l)->slow = 1000;
    add(&l, &q);
    timer_fires(&l);
    fake_multi_expire(l.handle, LONG_MAX);
    expect_about_an_hour(l.timer_ms);
    remove_from(&l, &p);
    cr_assert_gt(l.timer_ms, 1000L * 1000 * 1000);
}

Test(multi_timer, removing_a_parked_transfer_removes_its_deadline)
{
    struct loop l;
    struct program p;
    slowly();
    loop_start(&l);
    with_timer(&l);
    START(&p, BUSY_503);
    add(&l, &p);
    timer_fires(&l);
    expect_about_an_hour(l.timer_ms);
    remove_from(&l, &p);
    cr_assert_eq(l.timer_ms, -1);
}

static CURLMcode inside;

static int turn_in_callback(CURLM *m, long ms, void *loop)
{
    struct loop *l = loop;
    (void)m, (void)ms;
    inside = multi_perform(l->multi, &l->running);
    return 0;
}

Test(multi_timer, the_timer_callback_cannot_drive)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    set_multi(&l, CURLMOPT_TIMERDATA, (union option_argument){.pointer = &l});
    set_multi(&l, CURLMOPT_TIMERFUNCTION,
              (union option_argument){.function = (void (*)(void))turn_in_callback});
    START(&p, OK_200);
    add(&l, &p);
    cr_assert_eq(inside, CURLM_RECURSIVE_API_CALL);
    run(&l);
    cr_assert_eq(l.messages, 1);
}

static int read_in_callback(CURLM *m, long ms, void *loop)
{
    (void)m, (void)ms;
    read_messages(loop);
    return 0;
}

/* This was allowed before 7.82. libcurl has the messages of all attempts. */
Test(multi_timer, a_timer_callback_that_reads_messages_gets_the_librarys_messages)
{
    struct loop l;
    struct program p, q;
    loop_start(&l);
    fake(&l)->unguarded = true;
    set_multi(&l, CURLMOPT_TIMERDATA, (union option_argument){.pointer = &l});
    set_multi(&l, CURLMOPT_TIMERFUNCTION,
              (union option_argument){.function = (void (*)(void))read_in_callback});
    START(&p, BUSY_503, OK_200);
    START(&q, OK_200);
    add(&l, &p);
    add(&l, &q);
    while (multi_perform(l.multi, &l.running) == CURLM_OK && l.running)
        ;
    read_messages(&l);
    cr_assert_eq(l.messages, 2);
    cr_assert_str_eq(p.seen, seen_200);
}

static int free_a_handle(CURLM *m, long ms, void *loop)
{
    (void)m, (void)ms;
    if (((struct loop *)loop)->last)
        multi_remove_freed(((struct loop *)loop)->last);
    return 0;
}

Test(multi_timer, a_handle_freed_in_a_timer_callback_is_forgotten)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    fake(&l)->unguarded = true;
    set_multi(&l, CURLMOPT_TIMERDATA, (union option_argument){.pointer = &l});
    set_multi(&l, CURLMOPT_TIMERFUNCTION,
              (union option_argument){.function = (void (*)(void))free_a_handle});
    START(&p, BUSY_503, OK_200);
    add(&l, &p);
    l.last = p.handle;
    multi_perform(l.multi, &l.running);
    cr_assert_null(p.shadow->member);
    cr_assert_null(p.shadow->transfer);
    l.last = NULL;
}

/* ---- polling --------------------------------------------------------------------------------- */

Test(multi_timer, curl_multi_poll_ends_when_a_transfer_is_due)
{
    struct loop l;
    struct program p;
    int ready;
    slowly();
    loop_start(&l);
    multi_poll(l.multi, NULL, 0, 1000, &ready);
    cr_assert_eq(fake(&l)->timeout_seen, 1000);
    ready = -7;
    multi_wait(l.multi, NULL, 0, 1000, &ready);
    cr_assert_eq(fake(&l)->waits, 1);
    cr_assert_eq(ready, -7, "not written, as in libcurl");
    START(&p, BUSY_503);
    add(&l, &p);
    multi_poll(l.multi, NULL, 0, 1000, &ready);
    cr_assert_eq(fake(&l)->timeout_seen, 0, "due at once");
    turn(&l);
    multi_poll(l.multi, NULL, 0, 1 << 30, &ready);
    expect_about_an_hour(fake(&l)->timeout_seen);
    /* curl_multi_wait does not wait without a socket. */
    multi_wait(l.multi, NULL, 0, 50, &ready);
    cr_assert_eq(fake(&l)->waits, 1);
    cr_assert_eq(fake(&l)->timeout_seen, 50);
    multi_poll(l.multi, NULL, 0, -1, &ready);
    cr_assert_eq(fake(&l)->timeout_seen, -1, "refused by libcurl");
}

Test(multi_timer, without_curl_multi_poll_the_library_waits_itself)
{
    static struct curl_api old;
    struct program p;
    int ready = -1, running;
    slowly();
    old = fake_curl;
    old.multi_poll = NULL;
    CURLM *handle = fake_multi_init();
    struct multi *m = multi_new(handle, &old);
    START(&p, BUSY_503);
    p.shadow->api = &old;
    multi_add(m, p.handle);
    multi_perform(m, &running);
    int64_t begun_ns = clock_now_ns();
    cr_assert_eq(multi_wait(m, NULL, 0, 30, &ready), CURLM_OK);
    cr_assert_geq(clock_now_ns() - begun_ns, 29 * NS_PER_MS);
    cr_assert_eq(ready, 0);
    multi_cleanup(m);
}

static int go_on(void *p, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    ++*(int *)p;
    return 0;
}

Test(multi_timer, a_wait_with_a_progress_callback_has_short_timeouts)
{
    struct loop l;
    struct program p;
    int asked = 0;
    slowly();
    loop_start(&l);
    START(&p, BUSY_503);
    set_function(&p, CURLOPT_XFERINFOFUNCTION, (void (*)(void))go_on);
    set_pointer(&p, CURLOPT_XFERINFODATA, &asked);
    set_number(&p, CURLOPT_NOPROGRESS, 0);
    add(&l, &p);
    turn(&l);
    turn(&l);
    turn(&l);
    cr_assert_eq(asked, 1, "five times a second");
    long ms;
    multi_timeout(l.multi, &ms);
    cr_assert(ms > 0 && ms <= 200, "%ld", ms);
}

/* ---- notifications and lists ----------------------------------------------------------------- */

Test(multi_timer, lists_and_counts_include_parked_transfers)
{
    enum { CURRENT = 1, RUNNING, PENDING, DONE, ADDED };
    struct loop l;
    struct program p, q;
    curl_off_t n[6];
    slowly();
    loop_start(&l);
    START(&p, BUSY_503);
    START(&q, OK_200);
    add(&l, &p);
    add(&l, &q);
    multi_perform(l.multi, &l.running);
    for (int i = CURRENT; i <= ADDED; i++)
        cr_assert_eq(multi_get_offt(l.multi, i, &n[i]), CURLM_OK);
    cr_assert(n[CURRENT] == 2 && n[RUNNING] == 1 && n[DONE] == 1 && n[ADDED] == 2);
    CURL **list = multi_get_handles(l.multi);
    cr_assert_eq(list[0], q.handle);
    cr_assert_eq(list[1], p.handle);
    cr_assert_null(list[2]);
    fake_curl.free(list);
}

static struct {
    unsigned kind;
    CURL *handle;
    int unread;
} notices[8];
static int notice_count;

static void on_notice(CURLM *m, unsigned kind, CURL *h, void *loop)
{
    struct loop *l = loop;
    (void)m;
    notices[notice_count].kind = kind;
    notices[notice_count].handle = h;
    if (kind == 1)
        multi_remove(l->multi, h); /* everything except driving is allowed */
    int before = l->messages;
    read_messages(l);
    notices[notice_count++].unread = l->messages - before;
}

static void with_notices(struct loop *l)
{
    set_multi(l, CURLOPTTYPE_OBJECTPOINT + 19, (union option_argument){.pointer = l});
    set_multi(l, CURLOPTTYPE_FUNCTIONPOINT + 18,
              (union option_argument){.function = (void (*)(void))on_notice});
}

Test(multi_timer, only_the_last_attempt_is_notified)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    with_notices(&l);
    cr_assert_eq(multi_notify(l.multi, 0, true), CURLM_OK);
    cr_assert_eq(multi_notify(l.multi, 2, true), CURLM_UNKNOWN_OPTION);
    START(&p, BUSY_503, OK_200);
    add(&l, &p);
    run(&l);
    cr_assert_eq(notice_count, 1);
    cr_assert_eq(notices[0].kind, 0);
    cr_assert_eq(notices[0].unread, 1);
    cr_assert_str_eq(p.seen, seen_200);
}

Test(multi_timer, each_notification_may_remove_its_transfer)
{
    struct loop l;
    struct program p[3];
    loop_start(&l);
    with_notices(&l);
    multi_notify(l.multi, 0, true);
    multi_notify(l.multi, 0, false);
    multi_notify(l.multi, 1, true);
    for (int i = 0; i < 3; i++) {
        START(&p[i], OK_200);
        add(&l, &p[i]);
    }
    run(&l);
    cr_assert_eq(notice_count, 3);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(notices[i].handle, p[i].handle);
    cr_assert_eq(notices[0].unread, 2, "messages of the other transfers");
    cr_assert_eq(notices[1].unread, 0);
    cr_assert_str_eq(p[0].seen, seen_200);
}

static CURLMcode driven, ended;

static void drive_in_callback(CURLM *m, unsigned kind, CURL *h, void *loop)
{
    struct loop *l = loop;
    (void)m, (void)kind, (void)h;
    driven = multi_perform(l->multi, &l->running);
    ended = multi_cleanup(l->multi);
}

Test(multi_timer, a_notification_callback_can_neither_drive_nor_free_the_multi_handle)
{
    struct loop l;
    struct program p;
    loop_start(&l);
    set_multi(&l, CURLOPTTYPE_OBJECTPOINT + 19, (union option_argument){.pointer = &l});
    set_multi(&l, CURLOPTTYPE_FUNCTIONPOINT + 18,
              (union option_argument){.function = (void (*)(void))drive_in_callback});
    multi_notify(l.multi, 1, true);
    START(&p, OK_200);
    add(&l, &p);
    run(&l);
    cr_assert_eq(driven, CURLM_RECURSIVE_API_CALL);
    cr_assert_eq(ended, CURLM_RECURSIVE_API_CALL);
    cr_assert_eq(l.messages, 1);
}

Test(multi_timer, any_number_of_messages_keeps_its_order)
{
    struct loop l;
    struct program p[16];
    int left;
    loop_start(&l);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 16 && !round; i++)
            START(&p[i], OK_200);
        for (int i = 0; i < 16; i++)
            add(&l, &p[i]);
        multi_perform(l.multi, &l.running);
        for (int i = 0; i < 16; i++) {
            CURLMsg *m = multi_info_read(l.multi, &left);
            cr_assert_eq(m->easy_handle, p[i].handle);
            cr_assert_eq(left, 15 - i);
            cr_assert_eq(remove_from(&l, &p[i]), CURLM_OK);
        }
        cr_assert_null(multi_info_read(l.multi, &left));
        cr_assert_eq(left, 0);
    }
}
