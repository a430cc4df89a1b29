/* SPDX-License-Identifier: MIT */
#include "sock/dial.h"

#include "base/bell.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/precondition.h"
#include "base/shield.h"
#include "base/thread.h"
#include "engine/engine.h"
#include "engine/publish/monitor.h"
#include "sock/dial_permit.h"
#include "sock/dial_place.h"
#include "sock/dial_private.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

/* The kernel keeps SO_SNDTIMEO in ticks of at least a millisecond. An EINPROGRESS that comes
 * sooner than this is from a non-blocking socket, so no system call is needed to find out. */
#define SNDTIMEO_MIN_NS (500 * NS_PER_US)
/* No other thread can close and reopen a descriptor within a call this short, unless it could
 * have done so before the call. */
#define REUSE_MIN_NS NS_PER_MS

/* ---- the engine ------------------------------------------------------------------------------ */

/* Calls of the engine that may have to find a place, or a permit, need more stack than the program may
 * have. */
struct engine_request {
    struct dial *dial;
    int64_t now_ns;
};

static void admit_to_place(void *request)
{
    const struct engine_request *q = request;
    q->dial->admission = call_admit(&q->dial->call, q->now_ns);
    if (q->dial->admission.answer == ANSWER_GO) /* before a handler can leave the call */
        dial_permit_note(&q->dial->call, q->dial);
}

static void end_at_place(void *request)
{
    const struct engine_request *q = request;
    call_end(&q->dial->call, q->now_ns, clock_wall_ns());
}

static void abandon_at_place(void *request)
{
    const struct engine_request *q = request;
    call_abandon(&q->dial->call, q->now_ns);
}

static __attribute__((noinline)) void run_for_place(struct dial *d, void (*run)(void *),
                                                    int64_t now_ns)
{
    struct engine_request q = {d, now_ns};
    shield_run(run, &q);
}

static enum answer admit(struct dial *d, int64_t now_ns)
{
    if (unlikely(d->host->binding.special & (SPECIAL_PLACES | SPECIAL_BULKHEAD)))
        run_for_place(d, admit_to_place, now_ns);
    else
        d->admission = call_admit(&d->call, now_ns);
    return d->admission.answer;
}

static void abandon_call(struct dial *d, int64_t now_ns)
{
    if (unlikely(d->call.places))
        run_for_place(d, abandon_at_place, now_ns);
    else
        call_abandon(&d->call, now_ns);
}

/* ---- begin and end --------------------------------------------------------------------------- */

/* Runs when the frame is left by return or by pthread_cancel (connect() is a cancellation
 * point), but not by longjmp. */
static void dial_leave(void *dialled)
{
    struct dial *d = dialled;
    int saved = errno;
    if (d->timeout_is_ours)
        dial_restore_timeout(d);
    if (unlikely(dial_permits_noted))
        dial_permit_forget(d);
    if (d->begun && !d->ended)
        abandon_call(d, clock_now_ns());
    errno = saved;
}

/* Out of line: what comes after it needs the stack. */
static __attribute__((noinline)) void inspect_now(struct dial *d)
{
    d->socket = socket_inspect(d->request->fd);
    d->inspected = true;
}

static inline bool inspect(struct dial *d)
{
    if (!d->inspected)
        inspect_now(d);
    return d->socket.stream;
}

/* A socket that does not block goes to its own address: nobody would see that the connection fails
 * later. */
static void choose_places(struct dial *d)
{
    bool blocking = d->inspected && d->socket.blocking;
    d->call.places = blocking ? (uint8_t)dial_places(&d->call.policy->fallback, d->request->to) : 1;
}

static inline void begin_call(struct dial *d, int64_t now_ns)
{
    bool were_forbidden = thread_forbid(true);
    monitor_start(); /* first, so that everything counted from here on is written */
    thread_forbid(were_forbidden);
    call_begin(&d->call, &d->host->binding, 0, now_ns);
    d->call.method = "connect";
    if (unlikely(d->call.places))
        choose_places(d);
    d->begun = true;
}

static __attribute__((noinline)) void end_unusual_call(struct dial *d, int64_t now_ns,
                                                       int64_t wall_ns)
{
    if ((d->fd_changed || d->interrupted) && !d->call.attempts)
        abandon_call(d, now_ns);
    else if (d->call.places)
        run_for_place(d, end_at_place, now_ns);
    else
        call_end(&d->call, now_ns, wall_ns);
}

static void end_call(struct dial *d, int64_t now_ns, int64_t wall_ns)
{
    d->ended = true;
    if (unlikely(d->call.id))
        call_set_result(&d->call, 0, d->error);
    if (unlikely(d->fd_changed | d->interrupted | d->call.places))
        end_unusual_call(d, now_ns, wall_ns);
    else
        call_end(&d->call, now_ns, wall_ns);
    bool were_forbidden = thread_forbid(true);
    monitor_update(now_ns);
    thread_forbid(were_forbidden);
}

static void count_connect(const struct dial *d, bool blocking)
{
    struct board_header *h = d->engine->board->header;
    atomic_fetch_add_explicit(blocking ? &h->connects_blocking : &h->connects_nonblocking, 1,
                              memory_order_relaxed);
}

/* ---- blocking sockets ------------------------------------------------------------------------ */

/* Waits until the call may start. A signal that would end a bare connect(), for example alarm(),
 * ends this too. The error is not EINTR, which means that the connection is in progress: the
 * program would call poll(), which reports a socket as ready that was never connected. */
static bool wait_for_turn(struct dial *d, const struct admission *ad)
{
    uint32_t value;
    _Atomic uint32_t *bell = ad->why == REFUSED_CONCURRENCY ? call_bell(&d->call, &value) : NULL;
    int err = bell ? bell_wait(bell, value, ad->at_ns) : clock_sleep_restarted(ad->at_ns);
    pthread_testcancel(); /* the bell is not one, unlike a sleep */
    if (err != EINTR)
        return true;
    d->interrupted = true;
    if (!d->call.attempts)
        d->error = ETIMEDOUT;
    return false;
}

/* If the program closed the descriptor in the meantime, it gets the result of the last attempt,
 * or the error that a call starting now would get. */
static bool fd_is_gone(struct dial *d)
{
    if (dial_fd_is_same(d))
        return false;
    if (!d->call.attempts)
        d->error = EBADF;
    return true;
}

static int refusal_errno(const struct dial *d)
{
    return d->admission.why == REFUSED_BREAKER ? ECONNREFUSED : ETIMEDOUT;
}

/* Starts now, or at at_ns if a retry was planned for that time. */
static void run_attempts(struct dial *d, int64_t now_ns, int64_t at_ns)
{
    for (;;) {
        if (at_ns && (clock_sleep_until(at_ns) == EINTR || fd_is_gone(d)))
            return; /* with the error of the last attempt */
        if (at_ns)
            now_ns = clock_now_ns();
        while (admit(d, now_ns) == ANSWER_WAIT) {
            if (!wait_for_turn(d, &d->admission) || fd_is_gone(d))
                return;
            now_ns = clock_now_ns();
        }
        if (d->admission.answer == ANSWER_REFUSE) {
            if (!d->call.attempts)
                d->error = refusal_errno(d);
            return;
        }
        const bool noted = d->call.mark, again = dial_attempt(d, now_ns, &at_ns);
        if (unlikely(noted))
            dial_permit_forget(d);
        if (!again)
            return;
    }
}

/* ---- counted afterwards, or admitted first --------------------------------------------------- */

static int finish(struct dial *d, int saved)
{
    end_call(d, clock_now_ns(), clock_wall_ns());
    errno = d->error ? d->error : saved;
    return d->error ? -1 : 0;
}

/* Result of the real call, if it was made before anything else was known. Fits into two registers: see
 * dial(). */
struct first_call {
    int64_t ended_ns;
    int error;
    bool made;
    bool stream; /* if it succeeded: the socket is a stream */
};
_Static_assert(sizeof(struct first_call) <= 16, "fits into two registers");

static inline struct first_call call_first(const struct dial_request *r, int64_t now_ns)
{
    struct first_call f = {.made = true,
                           .error = r->real(r->fd, r->address, r->length) ? errno : 0};
    f.ended_ns = clock_now_ns();
    f.stream = !f.error && socket_was_stream(r->fd, r->caller, r->to->port, f.ended_ns - now_ns);
    return f;
}

/* Whether the descriptor may refer to another file than before the call. If the socket was not
 * inspected before, there is nothing to compare it with: then a long call is suspicious, unless
 * this socket has tried to connect. */
static bool fd_may_have_changed(struct dial *d, const struct first_call *f, int64_t now_ns,
                                bool inspected_before)
{
    if (inspected_before)
        return !dial_fd_is_same(d);
    return f->ended_ns - now_ns > REUSE_MIN_NS && !d->socket.has_failed;
}

/* Nothing restricted the connection, so the call has been made already. Finds out what counting it
 * requires. */
static int dial_unrestricted(struct dial *d, const struct first_call *f, int64_t now_ns, int saved)
{
    int error = f->error;
    bool inspected_before = d->inspected;
    bool stream = !error                 ? f->stream
                  : error == EINPROGRESS ? f->ended_ns - now_ns < SNDTIMEO_MIN_NS || inspect(d)
                                         : !dial_is_no_result(error) && inspect(d);
    if (!stream) {
        errno = error ? error : saved;
        return error ? -1 : 0;
    }
    d->error = error;
    begin_call(d, now_ns); /* admitted: there is nothing to take */
    count_connect(d, !error || d->socket.blocking);
    d->call.cannot_wait = error && !d->socket.blocking;
    if (error == EINPROGRESS && d->socket.blocking) { /* the program's SO_SNDTIMEO has expired */
        call_set_timeout(&d->call, d->socket.send_timeout_ns);
        d->error = ETIMEDOUT;
        dial_report(d, now_ns, false, false, &(int64_t){0});
        d->error = EINPROGRESS;
    }
    if (error == EINPROGRESS)
        return finish(d, saved);
    d->fd_changed = error && fd_may_have_changed(d, f, now_ns, inspected_before);
    if (d->socket.blocking)
        call_set_timeout(&d->call, d->socket.send_timeout_ns);
    int64_t at_ns;
    if (dial_report(d, now_ns, false, true, &at_ns))
        run_attempts(d, now_ns, at_ns);
    return finish(d, saved);
}

/* A limit, a timeout or a breaker applies: admits the call first. */
static int dial_restricted(struct dial *d, int64_t now_ns, int saved)
{
    if (!inspect(d) || !d->socket.idle) {
        errno = saved;
        return dial_bare(d);
    }
    begin_call(d, now_ns);
    count_connect(d, d->socket.blocking);
    if (d->socket.blocking) {
        call_set_timeout(&d->call, d->socket.send_timeout_ns);
        run_attempts(d, now_ns, 0);
        return finish(d, saved);
    }
    d->call.cannot_wait = true;
    if (admit(d, now_ns) == ANSWER_REFUSE) {
        d->error = refusal_errno(d);
        return finish(d, saved);
    }
    d->error = dial_bare(d) ? errno : 0;
    if (!dial_is_no_result(d->error))
        dial_report(d, now_ns, false, false, &(int64_t){0});
    return finish(d, saved);
}

/* Only a stream socket opens the engine. */
static struct engine *engine_for(struct dial *d)
{
    if (engine_refused() || !(engine_peek() || inspect(d)))
        return NULL;
    bool were_forbidden = thread_forbid(true);
    struct engine *e = engine_get();
    thread_forbid(were_forbidden);
    return e;
}

static int dial_with_engine(struct dial *d, struct first_call *f, int64_t now_ns, int saved)
{
    const struct policy *p;
    d->engine = engine_for(d);
    if (!f->made)
        monitor_refresh(now_ns);
    if (!d->engine || !dial_bind(d->host, d->engine, d->request->to, d->request->fd, now_ns)) {
        errno = f->error ? f->error : saved;
        return !f->made ? dial_bare(d) : f->error ? -1 : 0;
    }
    p = d->host->binding.policy;
    /* A local socket does not show afterwards that it has tried to connect. Local sockets are rare,
     * so they are inspected first. */
    if (!f->made && (!binding_is_clear(&d->host->binding, now_ns) || p->connect_timeout_ns ||
                     p->attempt_timeout_ns || d->request->to->local))
        return dial_restricted(d, now_ns, saved);
    if (!f->made)
        *f = call_first(d->request, now_ns);
    return dial_unrestricted(d, f, now_ns, saved);
}

static __attribute__((noinline)) int dial_slowly(const struct dial_request *r, struct first_call f,
                                                 int64_t now_ns, int saved)
{
    struct dial d;
    d.request = r;
    dial_permit_recover(&d);
    d.host = dial_binding_in(&d.room);
    d.inspected = d.begun = d.ended = d.timeout_is_ours = d.fd_changed = d.interrupted = false;
    d.socket.blocking = false;
    int value;
    pthread_cleanup_push(dial_leave, &d);
    value = dial_with_engine(&d, &f, now_ns, saved);
    pthread_cleanup_pop(1);
    return value;
}

/* Whether this is all: the usual case, a known and healthy host without a limit. */
static inline bool dial_quickly(const struct dial_request *r, struct first_call *first,
                                int64_t now_ns)
{
    struct engine *e = engine_active();
    struct fast_path fast;
    if (unlikely(!e || !monitor_is_current(now_ns) || !dial_fast_path(&fast, e, r->to, now_ns) ||
                 !fast_path_is_clear(&fast, now_ns)))
        return false;
    struct first_call f = call_first(r, now_ns);
    *first = f;
    if (unlikely(!f.stream || !monitor_is_idle(f.ended_ns) ||
                 !fast_path_count(&fast, f.ended_ns - now_ns, f.ended_ns, clock_wall_about_ns())))
        return false;
    atomic_fetch_add_explicit(&fast.board->header->connects_blocking, 1, memory_order_relaxed);
    return true;
}

/* The call of dial_slowly() becomes a jump, which leaves it the stack of this frame. */
HOT int dial(const struct dial_request *r)
{
    precondition(r->real && r->to);
    int saved = errno;
    int64_t now_ns = clock_now_ns();
    struct first_call f = {0};
    if (likely(dial_quickly(r, &f, now_ns))) {
        errno = saved;
        return 0;
    }
    return dial_slowly(r, f, now_ns, saved);
}
