/* SPDX-License-Identifier: MIT */
#include "sock/dial_parts.h"

#include "base/clock.h"
#include "base/quiet.h"
#include "base/rng.h"

#include <errno.h>
#include <signal.h>

int dial_bare(const struct dial *d)
{
    const struct dial_request *r = d->request;
    return r->real(r->fd, r->address, r->length);
}

bool dial_is_ours(struct dial *d)
{
    int saved = errno;
    d->lost = d->lost || !descriptor_is(d->request->fd, &d->socket.id);
    errno = saved;
    return !d->lost;
}

void dial_bound_again(struct dial *d)
{
    if (dial_is_ours(d))
        socket_bound(d->request->fd, d->socket.send_timeout_ns);
    d->bounded = false;
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

struct report {
    struct dial *dial;
    int64_t begun_ns, *at_ns;
    bool shortened, replayable;
    bool again; /* the answer */
};

static void report(void *arg)
{
    struct report *r = arg;
    struct dial *d = r->dial;
    int64_t now_ns = clock_now_ns();
    struct attempt a = {
        .protocol = PROTOCOL_CONNECT,
        .os_errno = d->error,
        .nothing_sent = true,
        .shortened = r->shortened,
        .more_follow = d->bound->more_follow,
        .replayable = r->replayable,
        .duration_ns = now_ns - r->begun_ns,
    };
    hints_reset(&a.hints);
    r->again =
        call_report(&d->call, &a, now_ns, clock_wall_ns(), d->error ? rng_next() : 0, r->at_ns);
}

/* Of a failure, and of the first success after one, there is much to be decided and told. */
bool dial_report(struct dial *d, int64_t begun_ns, bool shortened, bool again, int64_t *at_ns)
{
    struct report r = {.dial = d, .begun_ns = begun_ns, .at_ns = at_ns, .shortened = shortened};
    r.replayable = again && d->looked && d->socket.blocking && !d->lost;
    if (d->error || !call_is_calm(&d->call, begun_ns))
        quiet_run(report, &r);
    else
        report(&r);
    return r.again;
}

static int64_t tighter(int64_t a_ns, int64_t b_ns)
{
    return !a_ns || (b_ns && b_ns < a_ns) ? b_ns : a_ns;
}

/* How long the next attempt may take by us; 0: as long as the program lets it. *counted: a connection
 * that takes longer counts against the host, as it does when connect_timeout runs out. */
static int64_t bound_of(const struct dial *d, int64_t now_ns, bool *counted)
{
    const struct policy *p = d->call.policy;
    int64_t by_policy = tighter(p->connect_timeout_ns, p->attempt_timeout_ns), left = 0;
    bool further = d->call.attempts > 0;
    int64_t until = further ? d->call.deadline_ns : d->call.app_deadline_ns;
    if (until != INT64_MAX && (further || now_ns > d->call.begun_ns + NS_PER_MS))
        left = until > now_ns ? until - now_ns : NS_PER_MS;
    int64_t bound = tighter(by_policy, left);
    *counted = bound && bound == p->connect_timeout_ns;
    return bound && (!d->socket.send_timeout_ns || bound < d->socket.send_timeout_ns) ? bound : 0;
}

/* The connection that our bound ended is still on its way: taken back, the socket is as before. */
static void take_back(const struct dial *d)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    d->request->real(d->request->fd, &none, sizeof none);
}

static bool is_fault(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
           number == SIGTRAP || number == SIGABRT || number == SIGSYS;
}

/* Whether all of the program's handlers let the kernel begin a system call anew. Those of faults are of
 * no account: none happens in a system call. */
static bool handlers_restart(void)
{
    struct sigaction a;
    for (int number = 1; number < NSIG; number++)
        if (!is_fault(number) && sigaction(number, NULL, &a) == 0 && a.sa_handler != SIG_DFL &&
            a.sa_handler != SIG_IGN && !(a.sa_flags & SA_RESTART))
            return false;
    return true;
}

/* The bare call. With SO_SNDTIMEO the kernel lets every signal end it, also where it would go on after a
 * handler otherwise: where that bound is ours alone we go on, as the kernel would. A retry is given up
 * instead, as the back-off is. */
static int connect_within(struct dial *d, int64_t now_ns, int64_t bound_ns)
{
    bool alone = bound_ns && !d->socket.send_timeout_ns, first = !d->call.attempts;
    int error = dial_bare(d) ? errno : 0;
    while (error == EINTR && alone && first && dial_is_ours(d) && handlers_restart()) {
        int64_t left_ns = now_ns + bound_ns - clock_now_ns();
        socket_bound(d->request->fd, left_ns > NS_PER_MS ? left_ns : NS_PER_MS);
        error = dial_bare(d) ? errno : 0;
        if (error == EALREADY) /* what EINPROGRESS is called the second time */
            error = EINPROGRESS;
    }
    return error;
}

bool dial_attempt(struct dial *d, int64_t now_ns, int64_t *at_ns)
{
    bool counted = false, further = d->call.attempts > 0;
    int before = further ? d->error : 0;
    int64_t bound_ns = d->call.observe ? 0 : bound_of(d, now_ns, &counted);
    if (bound_ns) {
        d->bounded = true;
        socket_bound(d->request->fd, bound_ns);
    }
    d->error = connect_within(d, now_ns, bound_ns);
    if (bound_ns)
        dial_bound_again(d);
    if (d->error == EINTR && bound_ns && !d->socket.send_timeout_ns && further) {
        if (!d->lost)
            take_back(d);
        dial_report(d, now_ns, false, false, at_ns);
        d->error = before;
        return false;
    }
    if (d->error != EINPROGRESS)
        return dial_report(d, now_ns, false, true, at_ns);
    /* SO_SNDTIMEO has run out. When it was the program's, the connection goes on without it. */
    if (bound_ns && !d->lost)
        take_back(d);
    d->error = ETIMEDOUT;
    bool again = dial_report(d, now_ns, bound_ns && !counted, bound_ns, at_ns);
    if (!bound_ns)
        d->error = EINPROGRESS;
    return again;
}
