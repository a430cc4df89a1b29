/* SPDX-License-Identifier: MIT
 *
 * connect() to another place of the same name, with a scripted system call. */
#include "base/clock.h"
#include "sock/dial.h"
#include "sock/dial_place.h"
#include "sock_test.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { CALLS_MAX = 64 };
static int script[CALLS_MAX], calls; /* errnos; 0: connected */
static char seen[CALLS_MAX][80];     /* "10.0.0.1:5432" */
static int64_t timeout_seen_ns[CALLS_MAX];
static int cancelled;
static int error_elsewhere; /* of 10.0.0.2, instead of the script's */

static int64_t timeout_of(int fd)
{
    struct timeval t = {0};
    socklen_t n = sizeof t;
    getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, &n);
    return t.tv_sec * NS_PER_S + t.tv_usec * NS_PER_US;
}

static int scripted(int fd, const struct sockaddr *address, socklen_t length)
{
    char host[INET6_ADDRSTRLEN];
    struct sockaddr_in6 a = {0};
    if (address->sa_family == AF_UNSPEC) {
        cancelled++;
        return 0;
    }
    cr_assert(length <= sizeof a);
    memcpy(&a, address, length);
    bool v6 = address->sa_family == AF_INET6;
    inet_ntop(address->sa_family,
              v6 ? (void *)&a.sin6_addr : (void *)&((struct sockaddr_in *)(void *)&a)->sin_addr,
              host, sizeof host);
    snprintf(seen[calls], sizeof *seen, v6 ? "[%s]:%d" : "%s:%d", host, ntohs(a.sin6_port));
    timeout_seen_ns[calls] = timeout_of(fd);
    bool elsewhere = error_elsewhere && strstr(seen[calls], "10.0.0.2");
    int error = elsewhere ? error_elsewhere : script[calls];
    calls++;
    cr_assert(calls < CALLS_MAX);
    clock_sleep_until(clock_now_ns() + 20 * NS_PER_US); /* a handshake */
    errno = error ? error : errno;
    return error ? -1 : 0;
}

static void make(void)
{
    private_engine();
    setenv("HARDEN_FALLBACK", "10.0.0.2", 1);
    setenv("HARDEN_BREAKER_AFTER", "0", 1);
}

TestSuite(fallback, .init = make, .timeout = 60);

static int connect_on(int fd, const struct sockaddr *a, socklen_t length)
{
    struct endpoint to;
    cr_assert(endpoint_of(&to, a, length));
    errno = 4321;
    int r = dial(&(struct dial_request){scripted, fd, a, length, &to, (void *)connect_on});
    if (!r)
        cr_assert(eq(int, errno, 4321), "errno stays as it was");
    return r ? errno : 0;
}

static int connect_v4_on(int fd, const char *address, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &a.sin_addr);
    return connect_on(fd, (struct sockaddr *)&a, sizeof a);
}

static int connect_v4(const char *address, uint16_t port, bool blocking)
{
    int fd = socket(AF_INET, SOCK_STREAM | (blocking ? 0 : SOCK_NONBLOCK), 0);
    int error = connect_v4_on(fd, address, port);
    close(fd);
    return error;
}

static int connect_v6(const char *address, uint16_t port)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    inet_pton(AF_INET6, address, &a.sin6_addr);
    int error = connect_on(fd, (struct sockaddr *)&a, sizeof a);
    close(fd);
    return error;
}

#define SAW(i, what)             cr_assert(eq(str, seen[i], what))
#define COUNTED(s, what, n)      cr_assert(eq(u64, slot_counter(s, what), n))
#define CONNECTED(address, port) cr_assert(eq(int, connect_v4(address, port, true), 0))

Test(fallback, an_attempt_after_a_failure_goes_to_the_next_place_at_once)
{
    setenv("HARDEN_BASE_DELAY", "10s", 1);
    setenv("HARDEN_MAX_DELAY", "10s", 1);
    setenv("HARDEN_JITTER", "none", 1);
    int64_t begun_ns = clock_now_ns();
    script[0] = ECONNREFUSED;
    CONNECTED("10.0.0.1", 5432);
    cr_assert(lt(i64, clock_now_ns() - begun_ns, 9 * NS_PER_S), "did not wait");
    cr_assert(eq(int, calls, 2));
    SAW(0, "10.0.0.1:5432");
    SAW(1, "10.0.0.2:5432");
    const struct slot *s = slot_named("10.0.0.1:5432");
    COUNTED(s, COUNT_REQUESTS, 1);
    COUNTED(s, COUNT_RECOVERED, 1);
    COUNTED(s, COUNT_FALLBACK_USED, 1);
}

Test(fallback, a_connection_that_succeeds_stays_with_its_address)
{
    for (int i = 0; i < 3; i++)
        CONNECTED("10.0.0.1", 5432);
    cr_assert(eq(int, calls, 3));
    SAW(2, "10.0.0.1:5432");
    COUNTED(slot_named("10.0.0.1:5432"), COUNT_FALLBACK_USED, 0);
}

Test(fallback, further_attempts_go_to_the_last_place)
{
    setenv("HARDEN_FALLBACK", "10.0.0.2:1 10.0.0.3:2", 1);
    setenv("HARDEN_MAX_ATTEMPTS", "4", 1);
    for (int i = 0; i < 4; i++)
        script[i] = ECONNREFUSED + i; /* three other errors of a host */
    script[1] = ETIMEDOUT;
    script[2] = ECONNREFUSED;
    script[3] = EHOSTUNREACH;
    cr_assert(eq(int, connect_v4("10.0.0.1", 5432, true), EHOSTUNREACH));
    cr_assert(eq(int, calls, 4));
    SAW(1, "10.0.0.2:1");
    SAW(2, "10.0.0.3:2");
    SAW(3, "10.0.0.3:2");
}

Test(fallback, while_its_circuit_is_open_no_attempt_goes_to_a_place)
{
    setenv("HARDEN_BREAKER_FAILURES", "2", 1);
    script[0] = script[2] = ECONNREFUSED;
    CONNECTED("10.0.0.1", 5432);
    CONNECTED("10.0.0.1", 5432);
    CONNECTED("10.0.0.1", 5432);
    cr_assert(eq(int, calls, 5));
    SAW(2, "10.0.0.1:5432");
    SAW(4, "10.0.0.2:5432");
}

Test(fallback, if_the_circuits_of_all_places_are_open_the_connection_is_refused)
{
    setenv("HARDEN_BREAKER_FAILURES", "1", 1);
    setenv("HARDEN_BREAKER_RATIO", "100%", 1);
    script[0] = script[1] = script[2] = ETIMEDOUT;
    connect_v4("10.0.0.1", 5432, true);
    int made = calls;
    cr_assert(eq(int, connect_v4("10.0.0.1", 5432, true), ECONNREFUSED));
    cr_assert(eq(int, calls, made));
}

Test(fallback, a_socket_that_does_not_block_stays_with_its_address)
{
    setenv("HARDEN_BREAKER_FAILURES", "1", 1);
    script[0] = ECONNREFUSED;
    cr_assert(eq(int, connect_v4("10.0.0.1", 5432, false), ECONNREFUSED));
    cr_assert(eq(int, calls, 1));
    cr_assert(eq(int, connect_v4("10.0.0.1", 5432, false), ECONNREFUSED), "an open circuit");
    cr_assert(eq(int, calls, 1));
}

Test(fallback, a_place_that_is_a_name_or_of_another_family_is_passed_over)
{
    setenv("HARDEN_FALLBACK", "backup.example.com [2001:db8::2]:7 10.0.0.1 10.0.0.3", 1);
    script[0] = ECONNREFUSED;
    CONNECTED("10.0.0.1", 5432);
    SAW(1, "10.0.0.3:5432");
    script[calls] = ECONNREFUSED;
    cr_assert(eq(int, connect_v6("2001:db8::1", 5432), 0));
    SAW(2, "[2001:db8::1]:5432");
    SAW(3, "[2001:db8::2]:7");
}

Test(fallback, without_a_usable_place_the_same_address_is_tried_again)
{
    setenv("HARDEN_FALLBACK", "backup.example.com [2001:db8::2]:7 10.0.0.1", 1);
    script[0] = ECONNREFUSED;
    CONNECTED("10.0.0.1", 5432);
    cr_assert(eq(int, calls, 2));
    SAW(1, "10.0.0.1:5432");
    COUNTED(slot_named("10.0.0.1:5432"), COUNT_FALLBACK_USED, 0);
}

Test(fallback, an_ipv6_socket_connects_to_an_ipv4_place_in_mapped_form)
{
    script[0] = ECONNREFUSED;
    cr_assert(eq(int, connect_v6("::ffff:10.0.0.1", 5432), 0));
    SAW(0, "[::ffff:10.0.0.1]:5432");
    SAW(1, "[::ffff:10.0.0.2]:5432");
}

Test(fallback, a_timeout_of_the_library_is_dissolved_before_the_next_place_is_tried)
{
    setenv("HARDEN_CONNECT_TIMEOUT", "200ms", 1);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    script[0] = EINPROGRESS;
    cr_assert(eq(int, connect_v4_on(fd, "10.0.0.1", 5432), 0));
    cr_assert(eq(int, cancelled, 1));
    SAW(1, "10.0.0.2:5432");
    for (int i = 0; i < 2; i++)
        cr_assert(timeout_seen_ns[i] > 0 && timeout_seen_ns[i] <= 208 * NS_PER_MS);
    cr_assert(eq(i64, timeout_of(fd), 0), "restored");
    close(fd);
}

Test(fallback, all_places_together_get_the_time_that_the_program_allows)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval own = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &own, sizeof own);
    script[0] = ECONNREFUSED;
    cr_assert(eq(int, connect_v4_on(fd, "10.0.0.1", 5432), 0));
    cr_assert(eq(i64, timeout_seen_ns[0], 5 * NS_PER_S));
    cr_assert(timeout_seen_ns[1] && timeout_seen_ns[1] <= 5 * NS_PER_S);
    cr_assert(eq(i64, timeout_of(fd), 5 * NS_PER_S));
    close(fd);
}

Test(fallback, when_the_programs_timeout_is_over_no_other_place_is_tried)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct timeval own = {.tv_usec = 40000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &own, sizeof own);
    script[0] = EINPROGRESS;
    cr_assert(eq(int, connect_v4_on(fd, "10.0.0.1", 5432), EINPROGRESS));
    cr_assert(eq(int, calls, 1));
    close(fd);
}

/* As on a socket that is bound to an address from which the place cannot be reached. */
Test(fallback, the_program_gets_no_local_error_that_only_the_other_place_causes)
{
    setenv("HARDEN_BREAKER_FAILURES", "2", 1);
    static const int local[] = {EINVAL, EADDRNOTAVAIL};
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        char address[] = "10.0.1.0";
        address[7] = (char)('1' + i);
        error_elsewhere = local[i];
        for (int k = 0; k < CALLS_MAX; k++)
            script[k] = EHOSTUNREACH;
        for (int k = 0; k < 2; k++) {
            calls = 0;
            cr_assert(eq(int, connect_v4(address, 5432, true), EHOSTUNREACH));
        }
        calls = 0;
        cr_assert(eq(int, connect_v4(address, 5432, true), ECONNREFUSED), "as an open circuit");
        SAW(0, "10.0.0.2:5432");
    }
}

Test(fallback, a_place_that_this_machine_cannot_reach_is_left_and_then_skipped)
{
    setenv("HARDEN_BREAKER_FAILURES", "2", 1);
    static const int here[] = {ENETUNREACH, ENETDOWN, EACCES, EPERM};
    for (size_t i = 0; i < sizeof here / sizeof *here; i++) {
        char address[] = "10.0.1.0";
        address[7] = (char)('1' + i);
        error_elsewhere = here[i];
        memset(script, 0, sizeof script);
        script[0] = ETIMEDOUT;
        for (int k = 0; k < 2; k++) {
            calls = 0;
            CONNECTED(address, 5432);
            cr_assert(eq(int, calls, 3), "the third attempt is at the address itself");
            SAW(1, "10.0.0.2:5432");
        }
        calls = 0;
        CONNECTED(address, 5432);
        cr_assert(eq(int, calls, 2), "the circuit of the place is open");
    }
}

Test(fallback, the_program_gets_no_error_of_a_place_that_this_machine_cannot_reach)
{
    setenv("HARDEN_MAX_ATTEMPTS", "2", 1);
    error_elsewhere = ENETUNREACH;
    script[0] = ETIMEDOUT;
    cr_assert(eq(int, connect_v4("10.0.0.1", 5432, true), ETIMEDOUT));
    cr_assert(eq(int, calls, 2));
}

/* The circuit of the address itself is open, so the first attempt is at the other place. After a signal
 * that attempt is in progress, as it would be at any address. */
Test(fallback, what_happened_to_the_descriptor_is_told_as_it_is)
{
    setenv("HARDEN_BREAKER_FAILURES", "1", 1);
    static const int own[] = {EINTR, EBADF, ENOTSOCK, EALREADY};
    script[0] = ECONNREFUSED;
    CONNECTED("10.0.0.1", 5432);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        calls = 0;
        error_elsewhere = own[i];
        cr_assert(eq(int, connect_v4("10.0.0.1", 5432, true), own[i]));
        cr_assert(eq(int, calls, 1));
        SAW(0, "10.0.0.2:5432");
    }
}

Test(fallback, in_observe_mode_the_connection_stays_with_its_address)
{
    setenv("HARDEN_MODE", "observe", 1);
    script[0] = ECONNREFUSED;
    cr_assert(eq(int, connect_v4("10.0.0.1", 5432, true), ECONNREFUSED));
    cr_assert(eq(int, calls, 1));
}

Test(fallback, a_signal_handler_can_leave_an_attempt_at_another_place)
{
    interrupt_the_back_off();
    setenv("HARDEN_MAX_ATTEMPTS", "4", 1);
    for (int i = 0; i < 4; i++)
        script[i] = ECONNREFUSED;
    cr_assert(eq(int, connect_v4("10.0.0.1", 5432, true), ECONNREFUSED));
    cr_assert(eq(int, calls, 2),
              "no delay before the second place, but one before the third attempt");
}
