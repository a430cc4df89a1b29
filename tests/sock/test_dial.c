/* SPDX-License-Identifier: MIT
 *
 * connect() as the program sees it, with a scripted system call: real sockets, but no network. */
#include "sock/dial.h"

#include "base/clock.h"
#include "engine/board/board.h"
#include "engine/board/pause.h"
#include "engine/board/status.h"
#include "engine/engine.h"
#include "sock/names.h"
#include "sock_test.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { CALLS_MAX = 64 };
static int script[CALLS_MAX], calls; /* errnos; 0: connected */
static int64_t timeout_seen_ns[CALLS_MAX];
static int cancelled;
static int64_t handshake_ns;

static int64_t timeout_of(int fd)
{
    struct timeval t = {0};
    socklen_t n = sizeof t;
    getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, &n);
    int64_t ns;
    bool over = __builtin_mul_overflow((int64_t)t.tv_sec, NS_PER_S, &ns);
    return over ? INT64_MAX : ns + t.tv_usec * NS_PER_US;
}

static void (*meanwhile)(int fd); /* the action of another thread while the call blocks */

/* Gives the socket the state after a failed connection; no process listens there. */
static void fail_to_connect(int fd)
{
    struct sockaddr_in nobody = {.sin_family = AF_INET, .sin_port = htons(1)};
    nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(fd, (struct sockaddr *)&nobody, sizeof nobody);
}

static int scripted(int fd, const struct sockaddr *address, socklen_t length)
{
    (void)length;
    if (address->sa_family == AF_UNSPEC) {
        cancelled++;
        return 0;
    }
    if (script[calls])
        fail_to_connect(fd);
    timeout_seen_ns[calls] = timeout_of(fd);
    int error = script[calls++];
    cr_assert(calls < CALLS_MAX);
    if (handshake_ns)
        clock_sleep_until(clock_now_ns() + handshake_ns);
    if (meanwhile)
        meanwhile(fd);
    errno = error ? error : errno;
    return error ? -1 : 0;
}

static void make(void)
{
    private_engine();
    handshake_ns = 20 * NS_PER_US;
}

TestSuite(dial, .init = make, .timeout = 60);

static int tcp(bool blocking)
{
    return socket(AF_INET, SOCK_STREAM | (blocking ? 0 : SOCK_NONBLOCK), 0);
}

/* Calls connect() as a program does; returns the errno, 0 if connected. */
static int connect_to(int fd, const char *address, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct endpoint to;
    inet_pton(AF_INET, address, &a.sin_addr);
    cr_assert(endpoint_of(&to, (struct sockaddr *)&a, sizeof a));
    errno = 4321;
    int r = dial(&(struct dial_request){scripted, fd, (struct sockaddr *)&a, sizeof a, &to,
                                        (void *)connect_to});
    if (!r)
        cr_assert(eq(int, errno, 4321), "errno stays as it was");
    return r ? errno : 0;
}

#define COUNTED(s, what, n) cr_assert(eq(u64, slot_counter(s, what), n))

Test(dial, a_successful_connection_is_counted_and_nothing_else)
{
    int fd = tcp(true);
    cr_assert(eq(int, connect_to(fd, "10.0.0.1", 5432), 0));
    cr_assert(eq(int, calls, 1));
    const struct slot *s = slot_named("10.0.0.1:5432");
    COUNTED(s, COUNT_REQUESTS, 1);
    COUNTED(s, COUNT_ATTEMPTS, 1);
    COUNTED(s, COUNT_SUCCESSES, 1);
    cr_assert(eq(u64, engine_peek()->board->header->connects_blocking, 1));
}

/* The first connection creates the binding, the others reuse it. */
Test(dial, later_connections_to_the_same_address_are_treated_as_the_first)
{
    for (int i = 0; i < 4; i++)
        cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    script[calls = 0] = ECONNREFUSED;
    script[1] = ETIMEDOUT;
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    cr_assert(eq(int, calls, 3));
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0), "a recovery");
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    script[calls = 0] = EINPROGRESS;
    cr_assert(eq(int, connect_to(tcp(false), "10.0.0.1", 5432), EINPROGRESS));
    script[calls = 0] = EACCES;
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), EACCES));
    const struct slot *s = slot_named("10.0.0.1:5432");
    COUNTED(s, COUNT_REQUESTS, 9);
    COUNTED(s, COUNT_ATTEMPTS, 10);
    COUNTED(s, COUNT_SUCCESSES, 7);
    COUNTED(s, COUNT_FAILURES, 0);
    COUNTED(s, COUNT_RETRIES, 2);
    COUNTED(s, COUNT_RECOVERED, 1);
    cr_assert(eq(u64, engine_peek()->board->header->connects_blocking, 8));
    cr_assert(eq(u64, engine_peek()->board->header->connects_nonblocking, 1));
}

Test(dial, a_blocking_connect_is_repeated_until_it_succeeds)
{
    script[0] = ECONNREFUSED;
    script[1] = ETIMEDOUT;
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    cr_assert(eq(int, calls, 3));
    const struct slot *s = slot_named("10.0.0.1:5432");
    COUNTED(s, COUNT_REQUESTS, 1);
    COUNTED(s, COUNT_ATTEMPTS, 3);
    COUNTED(s, COUNT_RETRIES, 2);
    COUNTED(s, COUNT_RECOVERED, 1);
}

Test(dial, the_last_failure_is_returned)
{
    for (int i = 0; i < 3; i++)
        script[i] = i < 2 ? ETIMEDOUT : EHOSTUNREACH;
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), EHOSTUNREACH));
    cr_assert(eq(int, calls, 3));
    const struct slot *s = slot_named("10.0.0.1:5432");
    COUNTED(s, COUNT_FAILURES, 1);
    COUNTED(s, COUNT_EXHAUSTED, 1);
    cr_assert(eq(int, (int)status_failures_in_row(s), 3));
}

Test(dial, a_failure_that_is_not_transient_is_returned_at_once)
{
    static const int errors[] = {EACCES,       EPERM,   EBADF,    EINVAL,
                                 EAFNOSUPPORT, EISCONN, EALREADY, EINTR};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        script[calls = 0] = errors[i];
        cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), errors[i]));
        cr_assert(eq(int, calls, 1));
    }
}

Test(dial, a_non_blocking_connect_is_never_repeated)
{
    script[0] = ECONNREFUSED;
    cr_assert(eq(int, connect_to(tcp(false), "10.0.0.1", 5432), ECONNREFUSED));
    cr_assert(eq(int, calls, 1));
    COUNTED(slot_named("10.0.0.1:5432"), COUNT_FAILURES, 1);
    cr_assert(eq(u64, engine_peek()->board->header->connects_nonblocking, 1));
}

/* An invalid descriptor shows that no system call is made for it. A busy machine may interrupt
 * the call, so it has several tries to be fast. */
Test(dial, a_non_blocking_connect_in_progress_makes_no_other_system_call)
{
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    const _Atomic uint64_t *counted = &engine_peek()->board->header->connects_nonblocking;
    for (int i = 0; i < 100 && !*counted; i++) {
        script[calls = 0] = EINPROGRESS;
        cr_assert(eq(int, connect_to(-1, "10.0.0.1", 5432), EINPROGRESS));
    }
    cr_assert(eq(u64, *counted, 1));
}

Test(dial, a_connection_in_progress_has_no_result_yet)
{
    script[0] = EINPROGRESS;
    cr_assert(eq(int, connect_to(tcp(false), "10.0.0.1", 5432), EINPROGRESS));
    const struct slot *s = slot_named("10.0.0.1:5432");
    COUNTED(s, COUNT_REQUESTS, 1);
    COUNTED(s, COUNT_ATTEMPTS, 0);
    COUNTED(s, COUNT_FAILURES, 0);
}

Test(dial, a_datagram_socket_is_not_counted)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    cr_assert(eq(int, connect_to(fd, "10.0.0.1", 123), 0));
    cr_assert(engine_peek() == NULL);
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 125), 0));
    cr_assert(eq(int, connect_to(fd, "10.0.0.1", 124), 0));
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 124), 0));
    cr_assert(eq(int, connect_to(fd, "10.0.0.1", 124), 0),
              "the same call site for both kinds of socket");
    script[calls] = ECONNREFUSED;
    cr_assert(eq(int, connect_to(fd, "10.0.0.1", 124), ECONNREFUSED));
    COUNTED(slot_named("10.0.0.1:124"), COUNT_ATTEMPTS, 1);
}

/* On a busy machine this takes longer than a fast handshake, but rarely longer than the one of
 * this call site. */
Test(dial, a_slow_datagram_socket_is_not_mistaken_for_a_stream)
{
    handshake_ns = 40 * NS_PER_MS;
    for (int i = 0; i < 3; i++)
        cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    handshake_ns = NS_PER_MS / 5;
    cr_assert(eq(int, connect_to(socket(AF_INET, SOCK_DGRAM, 0), "10.0.0.1", 5432), 0));
    COUNTED(slot_named("10.0.0.1:5432"), COUNT_REQUESTS, 3);
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0), "faster than before");
    COUNTED(slot_named("10.0.0.1:5432"), COUNT_REQUESTS, 4);
}

Test(dial, a_program_that_is_not_covered_is_not_affected)
{
    setenv("HARDEN_PROGRAMS", "other", 1);
    script[0] = script[1] = ECONNREFUSED;
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 123), ECONNREFUSED));
    cr_assert(engine_refused());
    cr_assert(eq(int, connect_to(-1, "10.0.0.1", 123), ECONNREFUSED));
    cr_assert(eq(int, calls, 2));
}

Test(dial, name_servers_and_other_address_families_are_not_affected)
{
    struct endpoint to;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(53)};
    struct sockaddr_in6 b = {.sin6_family = AF_INET6, .sin6_port = htons(53)};
    struct sockaddr_un u = {.sun_family = AF_UNIX};
    cr_assert(not(endpoint_of(&to, (struct sockaddr *)&a, sizeof a)));
    cr_assert(not(endpoint_of(&to, (struct sockaddr *)&b, sizeof b)));
    cr_assert(not(endpoint_of(&to, (struct sockaddr *)&u, sizeof u)));
    cr_assert(not(endpoint_of(&to, NULL, 16)));
    a.sin_port = htons(54);
    cr_assert(not(endpoint_of(&to, (struct sockaddr *)&a, sizeof a - 1)), "too short");
    cr_assert(endpoint_of(&to, (struct sockaddr *)&a, sizeof a));
    b.sin6_port = htons(54);
    cr_assert(not(endpoint_of(&to, (struct sockaddr *)&b, sizeof a)));
    cr_assert(endpoint_of(&to, (struct sockaddr *)&b, sizeof b) && to.port == 54);
}

Test(dial, a_local_socket_is_named_by_its_path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/run/a.sock"};
    char name[ENDPOINT_LOCAL_SIZE];
    cr_assert(endpoint_local(name, (struct sockaddr *)&a, sizeof a));
    cr_assert(eq(str, name, "unix:/run/a.sock"));
    cr_assert(endpoint_local(name, (struct sockaddr *)&a, sizeof a.sun_family + 4));
    cr_assert(eq(str, name, "unix:/run"), "no NUL within the length");
    cr_assert(not(endpoint_local(name, (struct sockaddr *)&a, sizeof a.sun_family)), "no name");
    memset(a.sun_path, 'x', sizeof a.sun_path);
    cr_assert(endpoint_local(name, (struct sockaddr *)&a, sizeof a));
    cr_assert(eq(sz, strlen(name), 5 + sizeof a.sun_path));
    memcpy(a.sun_path, "\0ab", 3);
    cr_assert(endpoint_local(name, (struct sockaddr *)&a, sizeof a.sun_family + 3));
    cr_assert(eq(str, name, "unix:@ab"));

    script[0] = ENOENT;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct endpoint to = {.local = name};
    cr_assert(eq(
        int, dial(&(struct dial_request){scripted, fd, (struct sockaddr *)&a, sizeof a, &to, NULL}),
        0));
    COUNTED(slot_named("unix:@ab"), COUNT_RECOVERED, 1);
}

Test(dial, a_blocking_connect_waits_for_its_token_and_the_limit_holds)
{
    setenv("HARDEN_RATE", "20/1s", 1);
    setenv("HARDEN_BURST", "2", 1);
    int64_t begun = clock_now_ns();
    for (int i = 0; i < 6; i++)
        cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    cr_assert(ge(i64, clock_now_ns() - begun, 200 * NS_PER_MS), "4 of them at 50 ms each");
    /* On a slow machine a token may be available before it is requested. */
    cr_assert(ge(u64, slot_counter(slot_named("10.0.0.1:5432"), COUNT_WAITED), 1));
}

Test(dial, a_non_blocking_connect_never_waits_but_takes_its_token)
{
    setenv("HARDEN_RATE", "1/1m", 1);
    for (int i = 0; i < 8; i++)
        script[i] = EINPROGRESS;
    int64_t begun = clock_now_ns();
    for (int i = 0; i < 3; i++)
        cr_assert(eq(int, connect_to(tcp(false), "10.0.0.1", 5432), EINPROGRESS));
    cr_assert(lt(i64, clock_now_ns() - begun, 10 * NS_PER_S), "did not wait a minute");
    const struct slot *s = slot_named("10.0.0.1:5432");
    COUNTED(s, COUNT_WAITED, 0);
    COUNTED(s, COUNT_RATE_REJECTED, 0);
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), ETIMEDOUT), "three tokens are owed");
}

Test(dial, on_limit_fail_refuses_blocking_and_non_blocking_connects)
{
    setenv("HARDEN_RATE", "1/1m", 1);
    setenv("HARDEN_ON_LIMIT", "fail", 1);
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    cr_assert(eq(int, connect_to(tcp(false), "10.0.0.1", 5432), ETIMEDOUT));
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), ETIMEDOUT));
    cr_assert(eq(int, calls, 1), "no connection was tried");
    COUNTED(slot_named("10.0.0.1:5432"), COUNT_RATE_REJECTED, 2);
}

Test(dial, an_open_circuit_returns_the_error_of_a_dead_host)
{
    setenv("HARDEN_RETRY", "off", 1);
    for (int i = 0; i < 5; i++) {
        script[i] = ETIMEDOUT;
        cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), ETIMEDOUT));
    }
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), ECONNREFUSED));
    cr_assert(eq(int, connect_to(tcp(false), "10.0.0.1", 5432), ECONNREFUSED));
    cr_assert(eq(int, calls, 5));
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.2", 5432), 0), "another host is not affected");
}

Test(dial, of_several_addresses_only_the_last_is_repeated_and_counted)
{
    struct in_addr a, b;
    inet_pton(AF_INET, "10.0.0.1", &a);
    inet_pton(AF_INET, "10.0.0.2", &b);
    char *list[] = {(char *)&a, (char *)&b, NULL};
    struct hostent entry = {.h_addrtype = AF_INET, .h_length = 4, .h_addr_list = list};
    names_learn_hostent("db.example", &entry, clock_now_ns());
    script[0] = script[1] = ECONNREFUSED;
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), ECONNREFUSED));
    cr_assert(eq(int, calls, 1));
    const struct slot *s = slot_named("db.example:5432");
    COUNTED(s, COUNT_FAILURES, 0);
    cr_assert(eq(int, (int)status_failures_in_row(s), 0));
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.2", 5432), 0));
    cr_assert(eq(int, calls, 3));
    COUNTED(s, COUNT_RECOVERED, 1);
}

Test(dial, rules_apply_to_the_name_and_to_the_address)
{
    char path[] = "/tmp/harden-dial-XXXXXX";
    int fd = mkstemp(path);
    static const char ini[] = "[host 10.0.0.0/8]\nretry = off\n[host db.example]\non_limit = fail\n"
                              "rate = 1/1m\n";
    cr_assert(eq(int, (int)write(fd, ini, sizeof ini - 1), (int)sizeof ini - 1));
    setenv("HARDEN_CONFIG", path, 1);
    struct in_addr a;
    inet_pton(AF_INET, "10.0.0.1", &a);
    char *list[] = {(char *)&a, NULL};
    struct hostent entry = {.h_addrtype = AF_INET, .h_length = 4, .h_addr_list = list};
    names_learn_hostent("db.example", &entry, clock_now_ns());
    script[0] = ECONNREFUSED;
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), ECONNREFUSED));
    cr_assert(eq(int, calls, 1), "the rule for the address");
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), ETIMEDOUT), "the rule for the name");
    unlink(path);
}

Test(dial, the_programs_own_timeout_is_kept_and_restored)
{
    int fd = tcp(true);
    struct timeval own = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &own, sizeof own);
    script[0] = script[1] = ECONNREFUSED;
    cr_assert(eq(int, connect_to(fd, "10.0.0.1", 5432), 0));
    cr_assert(eq(i64, timeout_seen_ns[0], 5 * NS_PER_S));
    cr_assert(timeout_seen_ns[1] && timeout_seen_ns[1] <= 5 * NS_PER_S,
              "for all attempts together");
    cr_assert(eq(i64, timeout_of(fd), 5 * NS_PER_S));
}

Test(dial, a_timeout_that_overflows_is_none)
{
    int fd = tcp(true);
    /* In nanoseconds this exceeds 64 bits by a third of a second. */
    struct timeval own = {.tv_sec = 18446744074};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &own, sizeof own);
    script[0] = ECONNREFUSED;
    cr_assert(eq(int, connect_to(fd, "10.0.0.1", 5432), 0));
    cr_assert(eq(int, calls, 2));
    struct timeval after = {0};
    socklen_t n = sizeof after;
    getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &after, &n);
    cr_assert(lt(i64, INT64_MAX / NS_PER_S - 1, (int64_t)after.tv_sec));
}

Test(dial, no_retry_begins_without_enough_time_left_of_the_programs_timeout)
{
    int fd = tcp(true);
    struct timeval own = {.tv_usec = 40000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &own, sizeof own);
    script[0] = ECONNREFUSED;
    cr_assert(eq(int, connect_to(fd, "10.0.0.1", 5432), ECONNREFUSED));
    cr_assert(eq(int, calls, 1));
}

/* The kernel returns EINPROGRESS when SO_SNDTIMEO expires. */
Test(dial, a_program_without_a_timeout_gets_connect_timeout)
{
    setenv("HARDEN_CONNECT_TIMEOUT", "3s", 1);
    int fd = tcp(true);
    script[0] = EINPROGRESS;
    cr_assert(eq(int, connect_to(fd, "10.0.0.1", 5432), 0));
    cr_assert(eq(int, calls, 2));
    cr_assert(eq(int, cancelled, 1), "the pending connection is cancelled");
    cr_assert(eq(i64, timeout_seen_ns[0], 3 * NS_PER_S));
    cr_assert(eq(i64, timeout_of(fd), 0));
    cr_assert(eq(int, (int)slot_named("10.0.0.1:5432")->retries_by[GROUP_TIMEOUT], 1));
}

/* The status of a host after a timeout of the library ended a connection. */
static enum health_status status_after(const char *timeout)
{
    setenv("HARDEN_RETRY", "off", 1);
    setenv("HARDEN_UNHEALTHY_AFTER", "1", 1);
    setenv(timeout, "2s", 1);
    script[0] = EINPROGRESS;
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), ETIMEDOUT));
    return status_of(slot_named("10.0.0.1:5432"));
}

Test(dial, a_host_that_does_not_connect_within_connect_timeout_has_failed)
{
    cr_assert(eq(int, status_after("HARDEN_CONNECT_TIMEOUT"), STATUS_UNHEALTHY));
}

Test(dial, a_connect_ended_by_attempt_timeout_has_no_result)
{
    cr_assert(eq(int, status_after("HARDEN_ATTEMPT_TIMEOUT"), STATUS_HEALTHY));
}

Test(dial, an_expired_timeout_of_the_program_returns_its_usual_error)
{
    int fd = tcp(true);
    struct timeval own = {.tv_sec = 2};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &own, sizeof own);
    script[0] = EINPROGRESS;
    cr_assert(eq(int, connect_to(fd, "10.0.0.1", 5432), EINPROGRESS));
    cr_assert(eq(int, calls, 1));
    cr_assert(eq(int, cancelled, 0));
    cr_assert(eq(int, (int)slot_named("10.0.0.1:5432")->failures_by[GROUP_TIMEOUT], 1));
}

Test(dial, a_signal_ends_the_back_off)
{
    interrupt_the_back_off();
    script[0] = ECONNREFUSED;
    int64_t begun = clock_now_ns();
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), ECONNREFUSED));
    cr_assert(lt(i64, clock_now_ns() - begun, 4 * NS_PER_S));
    cr_assert(eq(int, calls, 1));
}

Test(dial, a_retry_interrupted_by_a_signal_returns_the_previous_failure)
{
    script[0] = ECONNREFUSED;
    script[1] = EINTR;
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), ECONNREFUSED));
    cr_assert(eq(int, calls, 2));
    cr_assert(eq(int, cancelled, 1));
}

static void on_signal(int s)
{
    (void)s;
}

/* Frequent alarms while a connection waits for its token. */
static int connect_under_alarms(int flags)
{
    struct timeval often = {.tv_usec = 50000};
    setenv("HARDEN_RATE", "1/1s", 1);
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_signal, .sa_flags = flags}, NULL);
    setitimer(ITIMER_REAL, &(struct itimerval){.it_interval = often, .it_value = often}, NULL);
    int error = connect_to(tcp(true), "10.0.0.1", 5432);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL);
    return error;
}

static bool kernel_restarts(void)
{
    return syscall(449 /* futex_waitv */, NULL, 0, 0, NULL, 0) < 0 && errno == EINVAL;
}

Test(dial, a_signal_without_sa_restart_ends_the_wait_for_a_token)
{
    if (!kernel_restarts())
        return; /* not before Linux 5.16 */
    cr_assert(eq(int, connect_under_alarms(0), ETIMEDOUT));
    cr_assert(eq(int, calls, 1));
    const struct slot *s = slot_named("10.0.0.1:5432");
    COUNTED(s, COUNT_RATE_REJECTED, 0);
    cr_assert(eq(int, status_of(s), STATUS_HEALTHY));
}

Test(dial, a_signal_with_sa_restart_does_not_end_the_wait_for_a_token)
{
    cr_assert(eq(int, connect_under_alarms(SA_RESTART), 0));
    cr_assert(eq(int, calls, 2));
}

/* The kernel does not restart calls on a socket with SO_SNDTIMEO, even if the library has set
 * it. */
static int connect_with_timeout(int flags)
{
    setenv("HARDEN_CONNECT_TIMEOUT", "5s", 1);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_signal, .sa_flags = flags}, NULL);
    sigaction(SIGSEGV, &(struct sigaction){.sa_handler = on_signal}, NULL); /* interrupts nothing */
    script[0] = EINTR;
    return connect_to(tcp(true), "10.0.0.1", 5432);
}

Test(dial, a_connect_with_connect_timeout_continues_after_a_signal_with_sa_restart)
{
    cr_assert(eq(int, connect_with_timeout(SA_RESTART), 0));
    cr_assert(eq(int, calls, 2));
    cr_assert(lt(i64, timeout_seen_ns[1], 5 * NS_PER_S + 1));
}

Test(dial, connect_timeout_still_expires_after_a_signal_with_sa_restart)
{
    script[1] = EALREADY;
    setenv("HARDEN_MAX_ATTEMPTS", "1", 1);
    cr_assert(eq(int, connect_with_timeout(SA_RESTART), ETIMEDOUT));
    cr_assert(eq(int, cancelled, 1));
}

Test(dial, a_connect_with_connect_timeout_ends_with_a_signal_without_sa_restart)
{
    cr_assert(eq(int, connect_with_timeout(0), EINTR));
    cr_assert(eq(int, calls, 1));
}

Test(dial, a_connect_with_the_programs_timeout_ends_with_any_signal)
{
    int fd = tcp(true);
    struct timeval own = {.tv_sec = 7};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &own, sizeof own);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_signal, .sa_flags = SA_RESTART}, NULL);
    setenv("HARDEN_CONNECT_TIMEOUT", "5s", 1);
    script[0] = EINTR;
    cr_assert(eq(int, connect_to(fd, "10.0.0.1", 5432), EINTR));
    cr_assert(eq(int, calls, 1));
}

Test(dial, observe_mode_changes_nothing)
{
    setenv("HARDEN_MODE", "observe", 1);
    setenv("HARDEN_RATE", "1/1m", 1);
    setenv("HARDEN_ON_LIMIT", "fail", 1);
    script[1] = ECONNREFUSED;
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), ECONNREFUSED));
    cr_assert(eq(int, calls, 2));
    COUNTED(slot_named("10.0.0.1:5432"), COUNT_RATE_REJECTED, 0);
    COUNTED(observed_slot("10.0.0.1:5432"), COUNT_RATE_REJECTED, 1);
}

Test(dial, in_observe_mode_every_connection_is_counted_for_the_host)
{
    setenv("HARDEN_MODE", "observe", 1);
    script[3] = ECONNREFUSED;
    for (int i = 0; i < 5; i++)
        connect_to(tcp(true), "10.0.0.1", 5432);
    COUNTED(slot_named("10.0.0.1:5432"), COUNT_REQUESTS, 5);
    COUNTED(slot_named("10.0.0.1:5432"), COUNT_SUCCESSES, 4);
    COUNTED(slot_named("10.0.0.1:5432"), COUNT_FAILURES, 1);
    COUNTED(slot_named("10.0.0.1:5432"), COUNT_RETRIES, 0);
    COUNTED(observed_slot("10.0.0.1:5432"), COUNT_RETRIES, 1);
}

Test(dial, in_observe_mode_a_pause_delays_nothing_and_is_counted)
{
    setenv("HARDEN_MODE", "observe", 1);
    connect_to(tcp(true), "10.0.0.1", 5432);
    struct slot *s = (struct slot *)slot_named("10.0.0.1:5432");
    pause_raise(s, 5 * NS_PER_S, true, 429, "Retry-After: 5", clock_now_ns());
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    COUNTED(s, COUNT_WAITED, 0);
    COUNTED(observed_slot("10.0.0.1:5432"), COUNT_WAITED, 1);
}

Test(dial, the_default_ports_share_one_host)
{
    connect_to(tcp(true), "10.0.0.1", 80);
    connect_to(tcp(true), "10.0.0.1", 443);
    COUNTED(slot_named("10.0.0.1"), COUNT_REQUESTS, 2);
}

static int at_once(int fd, const struct sockaddr *address, socklen_t length)
{
    (void)fd, (void)address, (void)length;
    return 0;
}

enum { THREADS = 4, EACH = 2000, HOSTS = 40 };

static void *many(void *arg)
{
    int fd = tcp(true);
    for (int i = 0; i < EACH; i++) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(99)};
        struct endpoint to;
        a.sin_addr.s_addr = htonl(0x0a000100u + (uint32_t)(i + (int)(intptr_t)arg) % HOSTS);
        endpoint_of(&to, (struct sockaddr *)&a, sizeof a);
        dial(&(struct dial_request){at_once, fd, (struct sockaddr *)&a, sizeof a, &to, NULL});
    }
    close(fd);
    return NULL;
}

Test(dial, connections_of_many_threads_are_all_counted)
{
    pthread_t t[THREADS];
    for (intptr_t i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, many, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    uint64_t sum = 0;
    for (int i = 0; i < HOSTS; i++) {
        char name[32];
        snprintf(name, sizeof name, "10.0.1.%d:99", i);
        sum += slot_counter(slot_named(name), COUNT_SUCCESSES);
    }
    cr_assert(eq(u64, sum, THREADS * EACH));
}

static int slow_to_refuse(int fd, const struct sockaddr *address, socklen_t length)
{
    (void)fd, (void)address, (void)length;
    pthread_testcancel();
    errno = ECONNREFUSED;
    return -1;
}

static void *to_be_cancelled(void *arg)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(99)};
    struct endpoint to;
    a.sin_addr.s_addr = htonl(0x0a000001u);
    endpoint_of(&to, (struct sockaddr *)&a, sizeof a);
    for (;;)
        dial(&(struct dial_request){slow_to_refuse, *(int *)arg, (struct sockaddr *)&a, sizeof a,
                                    &to, NULL});
    return NULL;
}

Test(dial, a_cancelled_thread_leaves_the_socket_as_it_was)
{
    setenv("HARDEN_CONNECT_TIMEOUT", "3s", 1);
    setenv("HARDEN_BREAKER", "off", 1);
    int fd = tcp(true);
    pthread_t t;
    pthread_create(&t, NULL, to_be_cancelled, &fd);
    clock_sleep_until(clock_now_ns() + 50 * NS_PER_MS);
    pthread_cancel(t);
    pthread_join(t, NULL);
    cr_assert(eq(i64, timeout_of(fd), 0));
}

/* ---- descriptors that are reused ---- */

/* A raw system call, because ThreadSanitizer rightly reports such a close as a race. */
static void close_it(int fd)
{
    syscall(SYS_close, fd);
}

/* Like "cancel by close": the number then belongs to another socket. */
static void reopen(int fd)
{
    close_it(fd);
    cr_assert(eq(int, (int)syscall(SYS_socket, AF_INET, SOCK_STREAM, 0), fd), "the same number");
}

struct closing {
    int fd;
    void (*how)(int fd);
};

static void *close_later(void *closing)
{
    const struct closing *c = closing;
    clock_sleep_until(clock_now_ns() + 100 * NS_PER_MS);
    c->how(c->fd);
    return NULL;
}

static int connect_while_closed(void (*how)(int fd))
{
    struct closing c = {tcp(true), how};
    pthread_t t;
    pthread_create(&t, NULL, close_later, &c);
    int error = connect_to(c.fd, "10.0.0.1", 5432);
    pthread_join(t, NULL);
    return error;
}

Test(dial, a_descriptor_reused_during_a_back_off_is_not_connected)
{
    setenv("HARDEN_BASE_DELAY", "300ms", 1);
    setenv("HARDEN_MAX_DELAY", "300ms", 1);
    setenv("HARDEN_JITTER", "none", 1);
    script[0] = ECONNREFUSED;
    cr_assert(eq(int, connect_while_closed(reopen), ECONNREFUSED));
    cr_assert(eq(int, calls, 1));
    COUNTED(slot_named("10.0.0.1:5432"), COUNT_FAILURES, 1);
}

Test(dial, a_descriptor_reused_during_the_wait_for_a_token_is_not_connected)
{
    setenv("HARDEN_RATE", "1/300ms", 1);
    setenv("HARDEN_BURST", "1", 1);
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    cr_assert(eq(int, connect_while_closed(reopen), EBADF));
    cr_assert(eq(int, calls, 1));
    COUNTED(slot_named("10.0.0.1:5432"), COUNT_FAILURES, 0);
}

Test(dial, a_descriptor_closed_during_a_wait_is_not_used)
{
    setenv("HARDEN_RATE", "1/300ms", 1);
    setenv("HARDEN_BURST", "1", 1);
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    cr_assert(eq(int, connect_while_closed(close_it), EBADF));
}

/* A host that does not respond: the call blocks, without a system call before it. */
static void reopen_after_long(int fd)
{
    clock_sleep_until(clock_now_ns() + 5 * NS_PER_MS);
    reopen(fd);
}

Test(dial, a_descriptor_reused_while_the_call_blocked_is_not_connected)
{
    meanwhile = reopen_after_long;
    script[0] = ETIMEDOUT;
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), ETIMEDOUT));
    cr_assert(eq(int, calls, 1));
}

static void reopen_connected(int fd)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof a;
    int listening = tcp(true);
    reopen_after_long(fd);
    listen(listening, 1);
    getsockname(listening, (struct sockaddr *)&a, &n);
    cr_assert(zero(int, connect(fd, (struct sockaddr *)&a, n)));
}

Test(dial, a_connection_that_reused_the_descriptor_while_the_call_blocked_is_not_touched)
{
    meanwhile = reopen_connected;
    script[0] = ETIMEDOUT;
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), ETIMEDOUT));
    cr_assert(eq(int, calls, 1));
}

Test(dial, a_slow_failure_of_the_same_socket_is_repeated)
{
    handshake_ns = 5 * NS_PER_MS;
    script[0] = ETIMEDOUT;
    cr_assert(eq(int, connect_to(tcp(true), "10.0.0.1", 5432), 0));
    cr_assert(eq(int, calls, 2));
}

static void reopen_with_its_own_timeout(int fd)
{
    struct timeval own = {.tv_sec = 7};
    reopen(fd);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &own, sizeof own);
}

Test(dial, timeouts_and_connections_of_a_reused_descriptor_are_not_changed)
{
    setenv("HARDEN_CONNECT_TIMEOUT", "3s", 1);
    meanwhile = reopen_with_its_own_timeout;
    script[0] = EINPROGRESS;
    int fd = tcp(true);
    cr_assert(eq(int, connect_to(fd, "10.0.0.1", 5432), ETIMEDOUT));
    cr_assert(eq(int, calls, 1));
    cr_assert(eq(int, cancelled, 0));
    cr_assert(eq(i64, timeout_of(fd), 7 * NS_PER_S));
}
