/* SPDX-License-Identifier: MIT
 *
 * Connections that the program allows, and a host with a rate limit. */
#include "multi_loop.h"

#include "engine/engine.h"

TestSuite(multi_connections, .fini = loops_end, .timeout = 60);

static void allow(struct loop *l, CURLMoption option, long connections)
{
    set_multi(l, option, (union option_argument){.number = connections});
}

Test(multi_connections, a_token_is_taken_only_when_there_is_a_connection_for_it)
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

/* To a rate that six requests are hardly held up by. */
static void cut_the_rate(void)
{
    struct slot *s = board_find(engine_get()->board, board_host_key("api.example.com", 0));
    int64_t now_ns = clock_now_ns();
    struct adaptive_view v;
    cr_assert_not_null(s);
    atomic_store(&s->adaptive.window, 0);
    adaptive_throttled(&s->adaptive, 0, now_ns - NS_PER_S, &v);
    for (int i = 0; i < 60000; i++)
        adaptive_accepted(&s->adaptive, now_ns - NS_PER_S / 2);
    cr_assert(adaptive_throttled(&s->adaptive, 0, now_ns, &v));
}

static void run_six_with_two_connections(struct loop *l, bool cut)
{
    struct program first, p[6];
    setenv("HARDEN_ADAPTIVE", "on", 1);
    loop_start(l);
    START(&first, OK_200);
    add(l, &first);
    run(l);
    if (cut)
        cut_the_rate();
    set_multi(l, CURLMOPT_MAX_TOTAL_CONNECTIONS, (union option_argument){.number = 2});
    fake(l)->slow = 1000;
    for (int i = 0; i < 6; i++) {
        START(&p[i], OK_200);
        add(l, &p[i]);
    }
    run(l);
    cr_assert_eq(l->messages, 7);
}

Test(multi_connections, a_token_of_an_adaptive_rate_is_taken_only_with_a_connection_too)
{
    struct loop l;
    run_six_with_two_connections(&l, true);
    cr_assert_eq(fake(&l)->most_at_once, 2);
}

Test(multi_connections, an_adaptive_rate_that_is_not_in_force_leaves_the_queue_to_libcurl)
{
    struct loop l;
    run_six_with_two_connections(&l, false);
    cr_assert_eq(fake(&l)->most_at_once, 6);
}

Test(multi_connections, a_removed_transfer_frees_its_connection_for_the_next)
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

Test(multi_connections, in_observe_mode_no_transfer_waits_for_a_connection)
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
    cr_assert_eq(fake(&l)->most_at_once, 3, "the other limits are left to libcurl");
    cr_assert_eq(l.messages, 3);
    cr_assert_eq(performs(&p[2]), 1);
}

Test(multi_connections, a_transfer_that_timed_out_leaves_the_queue)
{
    struct loop l;
    struct program p[3];
    setenv("HARDEN_RATE", "1000/1s", 1);
    loop_start(&l);
    allow(&l, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1);
    fake(&l)->slow = 1 << 30;
    for (int i = 0; i < 3; i++) {
        START(&p[i], OK_200);
        add(&l, &p[i]);
    }
    set_number(&p[1], CURLOPT_TIMEOUT_MS, 50);
    turn(&l);
    cr_assert_eq(fake(&l)->count, 1);
    while (fake(&l)->count < 2) /* libcurl ends it with a timeout */
        turn(&l);
    fake(&l)->slow = 0;
    for (int i = 0; i < FAKE_HANDLES; i++)
        fake(&l)->turns_left[i] = 0;
    run(&l);
    cr_assert_eq(l.messages, 3);
}

Test(multi_connections, a_transfer_that_libcurl_would_queue_holds_no_permit)
{
    struct loop l;
    struct program p[4];
    setenv("HARDEN_CONCURRENCY", "8", 1);
    loop_start(&l);
    allow(&l, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1);
    fake(&l)->slow = 1 << 30;
    for (int i = 0; i < 4; i++) {
        START(&p[i], OK_200);
        add(&l, &p[i]);
    }
    turn(&l);
    cr_assert_eq(fake(&l)->count, 1);
    fake(&l)->slow = 0;
    for (int i = 0; i < FAKE_HANDLES; i++)
        fake(&l)->turns_left[i] = 0;
    run(&l);
    cr_assert_eq(l.messages, 4);
}

Test(multi_connections, removing_the_limit_starts_all_transfers)
{
    struct loop l;
    struct program p[6];
    setenv("HARDEN_RATE", "1000/1s", 1);
    loop_start(&l);
    allow(&l, CURLMOPT_MAX_HOST_CONNECTIONS, 1);
    fake(&l)->slow = 1 << 30;
    for (int i = 0; i < 6; i++) {
        START(&p[i], OK_200);
        add(&l, &p[i]);
    }
    turn(&l);
    cr_assert_eq(fake(&l)->count, 1);
    allow(&l, CURLMOPT_MAX_HOST_CONNECTIONS, 3);
    turn(&l);
    cr_assert_eq(fake(&l)->count, 3);
    allow(&l, CURLMOPT_MAX_HOST_CONNECTIONS, 0);
    turn(&l);
    cr_assert_eq(fake(&l)->count, 6);
    multi_cleanup(l.multi);
}

Test(multi_connections, a_transfer_that_waits_for_a_token_occupies_no_connection)
{
    struct loop l;
    struct program p[4];
    setenv("HARDEN_RATE", "1/1m", 1);
    setenv("HARDEN_MAX_WAIT", "1h", 1);
    loop_start(&l);
    allow(&l, CURLMOPT_MAX_TOTAL_CONNECTIONS, 1);
    for (int i = 0; i < 4; i++) {
        START(&p[i], OK_200);
        add(&l, &p[i]);
    }
    set_pointer(&p[3], CURLOPT_URL, "http://other.example.com/x");
    for (int i = 0; i < 10 && l.messages < 2; i++)
        turn(&l);
    cr_assert_eq(l.messages, 2);
    cr_assert_eq(l.order[1], p[3].handle);
    multi_cleanup(l.multi);
}
