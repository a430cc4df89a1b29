/* SPDX-License-Identifier: MIT
 *
 * One connect() of the real function, and its report to the engine. */
#include "sock/dial_place.h"
#include "sock/dial_private.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/rng.h"
#include "base/shield.h"

#include <errno.h>
#include <signal.h>

int dial_bare(const struct dial *d)
{
    const struct dial_request *r = d->request;
    return r->real(r->fd, r->address, r->length);
}

/* To the place that the engine has chosen. Out of line, so that other attempts need no room for its
 * address. The program's own is not looked at: its memory may be gone after a wait. */
static __attribute__((noinline)) int connect_elsewhere(const struct dial *d, int n)
{
    const struct dial_request *r = d->request;
    struct dial_place at;
    int domain = AF_INET;
    getsockopt(r->fd, SOL_SOCKET, SO_DOMAIN, &domain, &(socklen_t){sizeof domain});
    if (!dial_place(&at, &d->call.policy->fallback, n, r->to, domain))
        return dial_bare(d);
    return r->real(r->fd, &at.any, at.length);
}

static int connect_once(const struct dial *d)
{
    int n = call_place(&d->call);
    return unlikely(n) ? connect_elsewhere(d, n) : dial_bare(d);
}

bool dial_fd_is_same(struct dial *d)
{
    int saved = errno;
    d->fd_changed = d->fd_changed || !descriptor_is_same(d->request->fd, &d->socket.id);
    errno = saved;
    return !d->fd_changed;
}

void dial_restore_timeout(struct dial *d)
{
    if (dial_fd_is_same(d))
        socket_set_send_timeout(d->request->fd, d->socket.send_timeout_ns);
    d->timeout_is_ours = false;
}

bool dial_is_no_result(int error)
{
    switch (error) {
    case EINPROGRESS:
    case EALREADY:
    case EINTR:
    case EISCONN:
    case EBADF:
    case ENOTSOCK:
    case EFAULT:
    case EINVAL:
    case EAFNOSUPPORT:
    case EPROTOTYPE:
        return true;
    default:
        return false;
    }
}

struct attempt_report {
    struct dial *dial;
    int64_t begun_ns, *at_ns;
    bool shortened, may_repeat;
    bool again; /* result: another attempt follows */
};

/* What does not depend on where the connection goes. After a signal it is in progress. */
static bool is_about_descriptor(int error)
{
    return error == EINTR || error == EALREADY || error == EBADF || error == ENOTSOCK;
}

/* A local error of an attempt at another place, for example because the socket is bound to an address
 * that has no route to it, or because there is none from this machine. The program, which did not ask for that place, gets the result of the
 * attempt before, or that of the open circuit because of which there was none. */
static bool is_strange(const struct dial *d, const struct attempt *a)
{
    return d->error && call_place(&d->call) && !is_about_descriptor(d->error) &&
           (call_place_is_barred(&d->call, a) ||
            classify(a, d->call.policy).reason == REASON_LOCAL);
}

static __attribute__((noinline)) void report_strange(struct attempt_report *r,
                                                     const struct attempt *a, int64_t now_ns)
{
    struct dial *d = r->dial;
    bool is_retry = d->call.attempts > 0;
    r->again = (is_retry ? call_report_cut : call_report)(&d->call, a, now_ns, clock_wall_ns(),
                                                          rng_next(), r->at_ns);
    d->error = is_retry ? d->error_before : ECONNREFUSED;
}

/* news: more than counters may change. */
static inline __attribute__((always_inline)) void report(struct attempt_report *r, bool news)
{
    struct dial *d = r->dial;
    int64_t now_ns = clock_now_ns();
    struct attempt a = {
        .protocol = PROTOCOL_CONNECT,
        .os_errno = d->error,
        .nothing_sent = true,
        .shortened = r->shortened,
        .more_follow = d->host->more_follow,
        .replayable = news && r->may_repeat && d->inspected && d->socket.blocking && !d->fd_changed,
        .duration_ns = now_ns - r->begun_ns,
    };
    if (news && is_strange(d, &a))
        report_strange(r, &a, now_ns);
    else
        r->again =
            call_report(&d->call, &a, now_ns, clock_wall_ns(), news ? rng_next() : 0, r->at_ns);
}

static void report_news(void *request)
{
    report(request, true);
}

/* After a failure, and after the first success that follows one, much is decided and written: on a
 * stack of our own. */
bool dial_report(struct dial *d, int64_t begun_ns, bool shortened, bool again, int64_t *at_ns)
{
    struct attempt_report r = {.dial = d,
                               .begun_ns = begun_ns,
                               .at_ns = at_ns,
                               .shortened = shortened,
                               .may_repeat = again};
    if (d->error || !call_expects_success(&d->call, begun_ns))
        shield_run(report_news, &r);
    else
        report(&r, false);
    return r.again;
}

static int64_t shorter_timeout(int64_t a_ns, int64_t b_ns)
{
    return !a_ns || (b_ns && b_ns < a_ns) ? b_ns : a_ns;
}

/* Our timeout for the next attempt; 0: none, or the program's is shorter. *counted: an attempt
 * that runs into it counts against the host, as with connect_timeout. */
static int64_t attempt_timeout(const struct dial *d, int64_t now_ns, bool *counted)
{
    const struct policy *p = d->call.policy;
    int64_t policy_ns = shorter_timeout(p->connect_timeout_ns, p->attempt_timeout_ns), left_ns = 0;
    bool is_retry = d->call.attempts > 0;
    int64_t deadline_ns = is_retry ? d->call.deadline_ns : d->call.app_deadline_ns;
    if (deadline_ns != INT64_MAX && (is_retry || now_ns > d->call.begun_ns + NS_PER_MS))
        left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : NS_PER_MS;
    int64_t timeout_ns = shorter_timeout(policy_ns, left_ns);
    *counted = timeout_ns && timeout_ns == p->connect_timeout_ns;
    return timeout_ns && (!d->socket.send_timeout_ns || timeout_ns < d->socket.send_timeout_ns)
               ? timeout_ns
               : 0;
}

/* The connection that our timeout ended is still in progress. Dissolves the association, so that
 * the socket is as before. */
static void cancel_connect(const struct dial *d)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    d->request->real(d->request->fd, &none, sizeof none);
}

static bool is_fault(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
           number == SIGTRAP || number == SIGABRT || number == SIGSYS;
}

/* Whether all signal handlers of the program let the kernel restart system calls. Faults do not
 * count: they do not happen inside a system call. Out of line: what comes after it needs the stack. */
static __attribute__((noinline)) bool handlers_restart(void)
{
    struct sigaction a;
    for (int number = 1; number < NSIG; number++)
        if (!is_fault(number) && sigaction(number, NULL, &a) == 0 && a.sa_handler != SIG_DFL &&
            a.sa_handler != SIG_IGN && !(a.sa_flags & SA_RESTART))
            return false;
    return true;
}

/* The bare call. With SO_SNDTIMEO set, the kernel lets every signal end connect(), even with
 * SA_RESTART. If only we have set it, continues after the signal, as the kernel would. A signal
 * ends a retry instead, as it ends the back-off. */
static int connect_with_timeout(struct dial *d, int64_t now_ns, int64_t timeout_ns)
{
    bool only_ours = timeout_ns && !d->socket.send_timeout_ns, first = !d->call.attempts;
    int error = connect_once(d) ? errno : 0;
    while (error == EINTR && only_ours && first && dial_fd_is_same(d) && handlers_restart()) {
        int64_t left_ns = now_ns + timeout_ns - clock_now_ns();
        socket_set_send_timeout(d->request->fd, left_ns > NS_PER_MS ? left_ns : NS_PER_MS);
        error = connect_once(d) ? errno : 0;
        if (error == EALREADY) /* EINPROGRESS of a second call */
            error = EINPROGRESS;
    }
    return error;
}

bool dial_attempt(struct dial *d, int64_t now_ns, int64_t *at_ns)
{
    bool counted = false, is_retry = d->call.attempts > 0;
    int64_t timeout_ns = d->call.observe ? 0 : attempt_timeout(d, now_ns, &counted);
    d->error_before = is_retry ? d->error : 0;
    if (timeout_ns) {
        d->timeout_is_ours = true;
        socket_set_send_timeout(d->request->fd, timeout_ns);
    }
    d->error = connect_with_timeout(d, now_ns, timeout_ns);
    if (timeout_ns)
        dial_restore_timeout(d);
    if (d->error == EINTR && timeout_ns && !d->socket.send_timeout_ns && is_retry) {
        if (!d->fd_changed)
            cancel_connect(d);
        dial_report(d, now_ns, false, false, at_ns);
        d->error = d->error_before;
        return false;
    }
    if (d->error != EINPROGRESS)
        return dial_report(d, now_ns, false, true, at_ns);
    /* SO_SNDTIMEO has expired. If it was the program's, the connection stays in progress. */
    if (timeout_ns && !d->fd_changed)
        cancel_connect(d);
    d->error = ETIMEDOUT;
    bool again = dial_report(d, now_ns, timeout_ns && !counted, timeout_ns, at_ns);
    if (!timeout_ns)
        d->error = EINPROGRESS;
    return again;
}
