/* SPDX-License-Identifier: MIT
 *
 * Conditions of the multi driver that affect a program only in rare cases. */
#include "curl/multi/private.h"
#include "multi_loop.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(multi_edges, .fini = loops_end);

static const struct board_header *header(const struct program *p)
{
    return p->shadow->binding.board->header;
}

Test(multi_edges, a_child_of_a_fork_that_removes_transfers_counts_nothing)
{
    struct loop l;
    struct program p[2];
    setenv("HARDEN_RATE", "1/1m", 1);
    setenv("HARDEN_MAX_WAIT", "1h", 1);
    loop_start(&l);
    for (int i = 0; i < 2; i++) {
        START(&p[i], OK_200);
        add(&l, &p[i]);
    }
    turn(&l);
    cr_assert_eq(l.messages, 1);
    uint64_t changes = atomic_load(&header(&p[1])->changes);
    pid_t child = fork();
    if (!child) {
        remove_from(&l, &p[1]);
        multi_cleanup(l.multi);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    cr_assert_eq(atomic_load(&header(&p[1])->changes), changes);
    cr_assert_eq(slot_counter(p[1].shadow->binding.slot, COUNT_WAITED_NS), 0u);
    remove_from(&l, &p[1]);
    cr_assert_eq(atomic_load(&header(&p[1])->changes), changes + 1);
}

static size_t set_errno(char *p, size_t size, size_t n, void *program)
{
    (void)p;
    if (!((struct program *)program)->shadow->transfer->performing)
        errno = ENOTTY;
    return size * n;
}

Test(multi_edges, a_turn_leaves_errno_as_libcurl_left_it)
{
    struct loop l;
    struct program p;
    setenv("HARDEN_RETRY_BUDGET", "off", 1);
    loop_start(&l);
    START(&p, {.result = CURLE_RECV_ERROR, .head = "HTTP/1.1 302 Found\n\n"});
    set_number(&p, CURLOPT_FOLLOWLOCATION, 1);
    set_function(&p, CURLOPT_HEADERFUNCTION, (void (*)(void))set_errno);
    add(&l, &p);
    for (int i = 0; i < 1000 && !l.messages; i++) {
        errno = EXDEV;
        multi_perform(l.multi, &l.running);
        cr_assert_eq(errno, EXDEV);
        read_messages(&l);
        usleep(500);
    }
    cr_assert_eq(l.messages, 1);
}

static int notices;

static void notice(CURLM *m, unsigned what, CURL *h, void *data)
{
    (void)m, (void)h, (void)data;
    notices += what == NOTIFY_INFO_READ;
}

Test(multi_edges, only_the_first_unread_message_is_notified)
{
    struct loop l;
    struct program p[2];
    loop_start(&l);
    set_multi(&l, MULTI_OPTION_NOTIFYFUNCTION,
              (union option_argument){.function = (void (*)(void))notice});
    multi_notify(l.multi, NOTIFY_INFO_READ, true);
    for (int i = 0; i < 2; i++) {
        START(&p[i], OK_200);
        fake(&l)->slow = i;
        add(&l, &p[i]);
        multi_perform(l.multi, &l.running);
    }
    while (l.running)
        multi_perform(l.multi, &l.running);
    cr_assert_eq(notices, 1, "the first message was not read yet");
    read_messages(&l);
    cr_assert_eq(l.messages, 2);
}

Test(multi_edges, a_connection_has_room_for_as_many_streams_as_libcurl_opens_on_it)
{
    struct loop l;
    struct program p[8];
    setenv("HARDEN_RATE", "1000/1s", 1);
    loop_start(&l);
    set_multi(&l, CURLMOPT_MAX_HOST_CONNECTIONS, (union option_argument){.number = 1});
    l.multi->multiplexes = true;
    fake(&l)->slow = 2;
    for (int i = 0; i < 8; i++) {
        START(&p[i], OK_200);
        add(&l, &p[i]);
    }
    turn(&l);
    cr_assert_eq(fake(&l)->count, 8);
    run(&l);
    cr_assert_eq(l.messages, 8);
}
