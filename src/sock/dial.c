/* SPDX-License-Identifier: MIT */
#include "sock/dial.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/precondition.h"
#include "base/thread.h"
#include "engine/engine.h"
#include "engine/publish/monitor.h"
#include "sock/dial_parts.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

/* SO_SNDTIMEO is kept in ticks of the kernel, a millisecond or more: an EINPROGRESS that comes before
 * that is of a socket that does not block, and nothing need be asked. */
#define TICK_NS (500 * NS_PER_US)
/* Nobody closes and opens a descriptor within a call that takes no longer, and that he could not have
 * done before the call as well. */
#define AT_ONCE_NS NS_PER_MS

/* Runs however the frame is left but for a longjmp: by return, or by pthread_cancel, since connect()
 * is a cancellation point. */
static void dial_leave(void *dialled)
{
    struct dial *d = dialled;
    int saved = errno;
    if (d->bounded)
        dial_bound_again(d);
    if (d->begun && !d->ended)
        call_abandon(&d->call, clock_now_ns());
    errno = saved;
}

static bool look(struct dial *d)
{
    if (!d->looked) {
        d->socket = socket_look(d->request->fd);
        d->looked = true;
    }
    return d->socket.stream;
}

static void begin(struct dial *d, int64_t now_ns)
{
    bool before = thread_forbid(true);
    monitor_start(); /* first: what is counted from here on is to be written */
    thread_forbid(before);
    call_begin(&d->call, &d->bound->binding, 0, now_ns);
    d->begun = true;
}

static void end(struct dial *d, int64_t now_ns, int64_t wall_ns)
{
    d->ended = true;
    if ((d->lost || d->interrupted) && !d->call.attempts)
        call_abandon(&d->call, now_ns);
    else
        call_end(&d->call, now_ns, wall_ns);
    bool before = thread_forbid(true);
    monitor_update(now_ns);
    thread_forbid(before);
}

static void count(const struct dial *d, bool blocking)
{
    struct board_header *h = d->engine->board->header;
    atomic_fetch_add_explicit(blocking ? &h->connects_blocking : &h->connects_nonblocking, 1,
                              memory_order_relaxed);
}

/* ---- blocking ------------------------------------------------------------------------------- */

/* Until the call has its place. A signal that would end a bare connect() ends this, a time limit by
 * alarm() for one. Not by EINTR: to programs that says that the connection is on its way, and poll()
 * would find the socket ready that was never connected. */
static bool wait_for_turn(struct dial *d, int64_t at_ns)
{
    if (clock_sleep_restarted(at_ns) != EINTR)
        return true;
    d->interrupted = true;
    if (!d->call.attempts)
        d->error = ETIMEDOUT;
    return false;
}

/* Who closes a descriptor under a call gets what the last attempt got, else what one would get that
 * begins now. */
static bool has_lost(struct dial *d)
{
    if (dial_is_ours(d))
        return false;
    if (!d->call.attempts)
        d->error = EBADF;
    return true;
}

static int refused(const struct admission *ad)
{
    return ad->why == REFUSED_BREAKER ? ECONNREFUSED : ETIMEDOUT;
}

/* From now on, or, when at_ns is not 0, from a retry on that was decided for then. */
static void run(struct dial *d, int64_t now_ns, int64_t at_ns)
{
    for (;;) {
        if (at_ns && (clock_sleep_until(at_ns) == EINTR || has_lost(d)))
            return; /* with the failure of the last attempt */
        if (at_ns)
            now_ns = clock_now_ns();
        struct admission ad = call_admit(&d->call, now_ns);
        while (ad.answer == ANSWER_WAIT) {
            if (!wait_for_turn(d, ad.at_ns) || has_lost(d))
                return;
            now_ns = clock_now_ns();
            ad = call_admit(&d->call, now_ns);
        }
        if (ad.answer == ANSWER_REFUSE) {
            if (!d->call.attempts)
                d->error = refused(&ad);
            return;
        }
        if (!dial_attempt(d, now_ns, &at_ns))
            return;
    }
}

/* ---- the two ways --------------------------------------------------------------------------- */

static int result(struct dial *d, int saved)
{
    end(d, clock_now_ns(), clock_wall_ns());
    errno = d->error ? d->error : saved;
    return d->error ? -1 : 0;
}

/* How the bare call ended that was made before anything else was known. */
struct first {
    bool made;
    bool stream; /* as far as it succeeded */
    int value, error;
    int64_t ended_ns;
};

static inline struct first make_first(const struct dial_request *r, int64_t now_ns)
{
    struct first f = {.made = true, .value = r->real(r->fd, r->address, r->length)};
    f.error = f.value ? errno : 0;
    f.ended_ns = clock_now_ns();
    f.stream = !f.error && socket_was_stream(r->fd, r->caller, r->to->port, f.ended_ns - now_ns);
    return f;
}

/* Whether the descriptor may have changed hands during the call; nothing may have been asked before. */
static bool may_be_lost(struct dial *d, const struct first *f, int64_t now_ns, bool asked_before)
{
    if (asked_before)
        return !dial_is_ours(d);
    return f->ended_ns - now_ns > AT_ONCE_NS && !d->socket.has_failed;
}

/* Nothing stood in the way: now what is to be known of the call. */
static int dial_freely(struct dial *d, const struct first *f, int64_t now_ns, int saved)
{
    int error = f->error;
    bool asked_before = d->looked;
    bool stream = !error                 ? f->stream
                  : error == EINPROGRESS ? f->ended_ns - now_ns < TICK_NS || look(d)
                                         : !dial_is_no_result(error) && look(d);
    if (!stream) {
        errno = error ? error : saved;
        return f->value;
    }
    d->error = error;
    begin(d, now_ns); /* and it was admitted: there was nothing to take */
    count(d, !error || d->socket.blocking);
    if (error == EINPROGRESS && d->socket.blocking) { /* the program's SO_SNDTIMEO has run out */
        d->error = ETIMEDOUT;
        dial_report(d, now_ns, false, false, &(int64_t){0});
        d->error = EINPROGRESS;
    }
    if (error == EINPROGRESS)
        return result(d, saved);
    d->lost = error && may_be_lost(d, f, now_ns, asked_before);
    if (d->socket.blocking)
        call_bound_by(&d->call, d->socket.send_timeout_ns);
    int64_t at_ns;
    if (dial_report(d, now_ns, false, true, &at_ns))
        run(d, now_ns, at_ns);
    return result(d, saved);
}

static int dial_carefully(struct dial *d, int64_t now_ns, int saved)
{
    if (!look(d) || !d->socket.idle) {
        errno = saved;
        return dial_bare(d);
    }
    begin(d, now_ns);
    count(d, d->socket.blocking);
    if (d->socket.blocking) {
        call_bound_by(&d->call, d->socket.send_timeout_ns);
        run(d, now_ns, 0);
        return result(d, saved);
    }
    d->call.cannot_wait = true;
    struct admission ad = call_admit(&d->call, now_ns);
    if (ad.answer == ANSWER_REFUSE) {
        d->error = refused(&ad);
        return result(d, saved);
    }
    d->error = dial_bare(d) ? errno : 0;
    if (!dial_is_no_result(d->error))
        dial_report(d, now_ns, false, false, &(int64_t){0});
    return result(d, saved);
}

/* The engine is opened for a stream and for nothing else. */
static struct engine *engine_for(struct dial *d)
{
    if (engine_refused() || !(engine_peek() || look(d)))
        return NULL;
    bool before = thread_forbid(true);
    struct engine *e = engine_get();
    thread_forbid(before);
    return e;
}

static int perform(struct dial *d, struct first *f, int64_t now_ns, int saved)
{
    const struct policy *p;
    d->engine = engine_for(d);
    if (!f->made)
        monitor_refresh(now_ns);
    if (!d->engine || !dial_bind(d->bound, d->engine, d->request->to, d->request->fd, now_ns)) {
        errno = f->error ? f->error : saved;
        return f->made ? f->value : dial_bare(d);
    }
    p = d->bound->binding.policy;
    /* A local socket does not tell afterwards whether it has tried, and is rare enough to be asked. */
    if (!f->made && (!call_is_free(&d->bound->binding, now_ns) || p->connect_timeout_ns ||
                     p->attempt_timeout_ns || d->request->to->local))
        return dial_carefully(d, now_ns, saved);
    if (!f->made)
        *f = make_first(d->request, now_ns);
    return dial_freely(d, f, now_ns, saved);
}

static __attribute__((noinline)) int dial_slowly(const struct dial_request *r, struct first *f,
                                                 int64_t now_ns, int saved)
{
    struct dial d;
    d.request = r;
    d.bound = dial_binding_in(&d.room);
    d.looked = d.begun = d.ended = d.bounded = d.lost = d.interrupted = false;
    d.socket.blocking = false;
    int value;
    pthread_cleanup_push(dial_leave, &d);
    value = perform(&d, f, now_ns, saved);
    pthread_cleanup_pop(1);
    return value;
}

/* The usual connection, to a host that is known, well and not limited, costs no more than this. */
HOT int dial(const struct dial_request *r)
{
    precondition(r->real && r->to);
    int saved = errno;
    int64_t now_ns = clock_now_ns();
    struct engine *e = engine_active();
    struct passage p;
    struct first f = {0};
    if (likely(e && monitor_is_current(now_ns) && dial_pass(&p, e, r->to, now_ns) &&
               passage_is_free(&p, now_ns))) {
        f = make_first(r, now_ns);
        if (likely(f.stream && monitor_is_idle(f.ended_ns) &&
                   passage_count(&p, f.ended_ns - now_ns, f.ended_ns, clock_wall_about_ns()))) {
            atomic_fetch_add_explicit(&p.board->header->connects_blocking, 1, memory_order_relaxed);
            errno = saved;
            return 0;
        }
    }
    return dial_slowly(r, &f, now_ns, saved);
}
