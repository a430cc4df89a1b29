/* SPDX-License-Identifier: MIT
 *
 * State that is kept between two calls of connect(), and cases that must not be counted. */
#include "base/clock.h"
#include "sock/dial.h"
#include "sock/names.h"
#include "sock/socket.h"
#include "sock_test.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static int answer, calls; /* an errno; 0: connected */

static int scripted(int fd, const struct sockaddr *address, socklen_t length)
{
    (void)fd, (void)address, (void)length;
    calls++;
    clock_sleep_until(clock_now_ns() + 20 * NS_PER_US); /* a handshake */
    errno = answer ? answer : errno;
    return answer ? -1 : 0;
}

TestSuite(dial_edges, .init = private_engine, .timeout = 60);

static int tcp(bool blocking)
{
    return socket(AF_INET, SOCK_STREAM | (blocking ? 0 : SOCK_NONBLOCK), 0);
}

static int connect_to(int fd, const char *address, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct endpoint to;
    inet_pton(AF_INET, address, &a.sin_addr);
    endpoint_of(&to, (struct sockaddr *)&a, sizeof a);
    errno = 0;
    return dial(&(struct dial_request){scripted, fd, (struct sockaddr *)&a, sizeof a, &to,
                                       (void *)connect_to})
               ? errno
               : 0;
}

/* A new socket for each call. */
static int connect_new_socket(bool blocking, const char *address, uint16_t port)
{
    int fd = tcp(blocking), error = connect_to(fd, address, port);
    close(fd);
    return error;
}

#define COUNTED(name, what, n) cr_assert(eq(u64, slot_counter(slot_named(name), what), n))

static void learn(const char *host, const char *address)
{
    struct in_addr a;
    inet_pton(AF_INET, address, &a);
    char *list[] = {(char *)&a, NULL};
    struct hostent entry = {.h_addrtype = AF_INET, .h_length = 4, .h_addr_list = list};
    names_learn_hostent(host, &entry, clock_now_ns());
}

Test(dial_edges, a_learnt_name_applies_from_the_next_connection_on)
{
    for (int i = 0; i < 3; i++)
        connect_new_socket(true, "10.0.0.1", 5432);
    learn("db.example", "10.0.0.1");
    for (int i = 0; i < 2; i++)
        connect_new_socket(true, "10.0.0.1", 5432);
    COUNTED("10.0.0.1:5432", COUNT_REQUESTS, 3);
    COUNTED("db.example:5432", COUNT_REQUESTS, 2);
}

/* More ports than entries in the cache, so that many share an entry. */
Test(dial_edges, each_port_is_counted_separately)
{
    enum { FIRST = 5000, PORTS = USUALLY(600, 40) };
    int fd = tcp(true);
    for (int i = 0; i < PORTS; i++)
        connect_to(fd, "10.0.0.1", (uint16_t)(FIRST + i));
    close(fd);
    for (int i = 0; i < PORTS; i++) {
        char name[32];
        snprintf(name, sizeof name, "10.0.0.1:%d", FIRST + i);
        COUNTED(name, COUNT_REQUESTS, 1);
    }
}

Test(dial_edges, an_invalid_call_does_not_count_against_the_host)
{
    static const int errors[] = {EALREADY, EINTR,  EISCONN,      EBADF,     ENOTSOCK,
                                 EFAULT,   EINVAL, EAFNOSUPPORT, EPROTOTYPE};
    connect_new_socket(true, "10.0.0.1", 5432);
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        answer = errors[i];
        cr_assert(eq(int, connect_new_socket(true, "10.0.0.1", 5432), errors[i]));
        cr_assert(eq(int, connect_new_socket(false, "10.0.0.1", 5432), errors[i]));
    }
    COUNTED("10.0.0.1:5432", COUNT_REQUESTS, 1);
    COUNTED("10.0.0.1:5432", COUNT_ATTEMPTS, 1);
}

Test(dial_edges, a_connection_in_progress_has_no_result_with_a_limit_either)
{
    setenv("HARDEN_RATE", "100/1s", 1);
    answer = EINPROGRESS;
    cr_assert(eq(int, connect_new_socket(false, "10.0.0.1", 5432), EINPROGRESS));
    COUNTED("10.0.0.1:5432", COUNT_REQUESTS, 1);
    COUNTED("10.0.0.1:5432", COUNT_ATTEMPTS, 0);
}

Test(dial_edges, a_socket_that_is_connected_takes_no_token)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof a;
    int listener = tcp(true), fd = tcp(true);
    cr_assert(eq(int, bind(listener, (struct sockaddr *)&a, length), 0));
    cr_assert(eq(int, listen(listener, 1), 0));
    getsockname(listener, (struct sockaddr *)&a, &length);
    cr_assert(eq(int, connect(fd, (struct sockaddr *)&a, length), 0));
    setenv("HARDEN_RATE", "1/1h", 1);
    setenv("HARDEN_ON_LIMIT", "fail", 1);
    answer = EISCONN;
    for (int i = 0; i < 3; i++)
        cr_assert(eq(int, connect_to(fd, "10.0.0.1", 5432), EISCONN));
    answer = 0;
    cr_assert(eq(int, connect_new_socket(true, "10.0.0.1", 5432), 0), "the token is still there");
    close(fd);
    close(listener);
}

Test(dial_edges, a_refused_retry_returns_the_failure_before_it)
{
    setenv("HARDEN_RATE", "1/1h", 1);
    setenv("HARDEN_ON_LIMIT", "fail", 1);
    answer = EHOSTUNREACH;
    cr_assert(eq(int, connect_new_socket(true, "10.0.0.1", 5432), EHOSTUNREACH));
    cr_assert(eq(int, calls, 1));
    COUNTED("10.0.0.1:5432", COUNT_RATE_REJECTED, 1);
}

Test(dial_edges, the_shortest_timeout_is_not_none)
{
    int fd = tcp(true);
    struct timeval t = {0};
    socklen_t n = sizeof t;
    socket_set_send_timeout(fd, 1);
    getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, &n);
    cr_assert(t.tv_sec > 0 || t.tv_usec > 0);
    socket_set_send_timeout(fd, 0);
    getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, &n);
    cr_assert(t.tv_sec == 0 && t.tv_usec == 0, "0 means no timeout");
    close(fd);
}

/* What a stack holds that was used before. */
static __attribute__((noinline)) void use_stack(void)
{
    volatile char was[16384];
    for (size_t i = 0; i < sizeof was; i++)
        was[i] = (char)0xa5;
}

Test(dial_edges, a_kept_binding_does_not_depend_on_what_the_stack_holds)
{
    setenv("HARDEN_MODE", "observe", 1);
    for (int i = 0; i < 3; i++) {
        use_stack();
        cr_assert(eq(int, connect_new_socket(true, "10.0.0.1", 5432), 0));
    }
    COUNTED("10.0.0.1:5432", COUNT_SUCCESSES, 3);
}
