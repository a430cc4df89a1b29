/* SPDX-License-Identifier: MIT
 *
 * A tcp check passes when any address of the name accepts a connection. Nothing is sent on it. The
 * addresses share the time: each gets an equal part of what is left. */
#include "base/clock.h"
#include "base/minmax.h"
#include "base/open.h"
#include "engine/check/fork_guard.h"
#include "engine/check/lookup.h"
#include "engine/check/types.h"
#include "engine/policy/curl_codes.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int wait_for_connection(int fd, int64_t deadline_ns)
{
    int error = 0;
    socklen_t size = sizeof error;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    for (;;) {
        int64_t left_ns = deadline_ns - clock_now_ns();
        if (left_ns <= 0 || check_is_ending())
            return ETIMEDOUT;
        int n = poll(&p, 1, (int)(smaller(left_ns, CHECK_STEP_NS) / NS_PER_MS + 1));
        if (n > 0)
            return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) ? errno : error;
        if (n < 0 && errno != EINTR)
            return errno;
    }
}

/* Returns 0 or an errno. Uses the system call, not the hook: it is not a connection of the program. */
static int try_address(const struct addrinfo *a, int64_t deadline_ns)
{
    int fd = open_socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return errno;
    int error = syscall(SYS_connect, fd, a->ai_addr, a->ai_addrlen) ? errno : 0;
    if (error == EINPROGRESS || error == EINTR)
        error = wait_for_connection(fd, deadline_ns);
    close(fd);
    return error;
}

/* Errors of this machine, not of the target. */
static bool is_local_error(int error)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EADDRNOTAVAIL: /* no port is left */
    case EACCES:
    case EPERM:
        return true;
    default:
        return false;
    }
}

static int try_addresses(const struct addrinfo *list, int64_t deadline_ns)
{
    int error = ETIMEDOUT, left = 0;
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        left++;
    for (const struct addrinfo *a = list; a; a = a->ai_next, left--) {
        int64_t now_ns = clock_now_ns();
        int tried = try_address(a, now_ns + (deadline_ns - now_ns) / left);
        if (!tried)
            return 0;
        /* A missing IPv6 route says less about the target than the error of another address. */
        if (a == list || (tried != EAFNOSUPPORT && tried != ENETUNREACH && tried != EADDRNOTAVAIL))
            error = tried;
    }
    return error;
}

static void try_connection(const struct check_config *c, int64_t timeout_ns,
                           struct check_result *out)
{
    int64_t deadline_ns = clock_now_ns() + timeout_ns;
    struct addrinfo *list = NULL;
    int answer = check_lookup(c->at.host, c->at.port, deadline_ns, &list);
    out->attempt.protocol = PROTOCOL_CONNECT;
    if (answer) {
        bool local = answer == EAI_MEMORY || answer == EAI_SYSTEM;
        out->outcome = local ? CHECK_UNKNOWN : CHECK_FAILED;
        out->why = "the name could not be looked up for lack of memory or descriptors";
        out->attempt.curl_code = CURL_CODE_COULDNT_RESOLVE_HOST;
        out->attempt.os_errno = answer == CHECK_LOOKUP_TIMEOUT ? ETIMEDOUT : 0;
        return;
    }
    int error = try_addresses(list, deadline_ns);
    freeaddrinfo(list);
    out->outcome = !error ? CHECK_PASSED : is_local_error(error) ? CHECK_UNKNOWN : CHECK_FAILED;
    out->why = "no connection could be tried for lack of descriptors, ports or permissions";
    out->attempt.os_errno = error;
}

const struct check_type check_tcp = {"tcp", try_connection};
