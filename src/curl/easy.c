/* SPDX-License-Identifier: MIT */
#include "curl/easy.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/rng.h"
#include "curl/facts.h"
#include "curl/refuse.h"
#include "curl/target.h"
#include "curl/transfer.h"
#include "engine/health.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* libcurl calls the progress function four to five times a second when idle; so do we. */
#define PROGRESS_STEP_NS (200 * NS_PER_MS)

#define PAUSE_STEP_NS (1 * NS_PER_MS)

static _Thread_local const struct curl_api *performing;

HOT const struct curl_api *easy_performing(void)
{
    return performing;
}

/* ---- life ----------------------------------------------------------------------------------- */

static bool would_retry(void *ctx, int status)
{
    struct transfer *t = ctx;
    struct attempt a;
    if (status < 300 || t->reset)
        return false;
    facts_so_far(&a, t, status);
    return call_would_retry(&t->call, &a, clock_now_ns(), clock_wall_ns());
}

static void committed(void *ctx)
{
    transfer_relax(ctx);
}

static void transfer_begin(struct transfer *t, struct shadow *s, int64_t now_ns)
{
    t->shadow = s;
    t->outer = performing;
    t->wrapped = t->read_wrapped = t->bounded = t->shortened = false;
    t->performing = t->paused = t->reset = t->ended = false;
    t->relaxed_timeout_ms = -1;
    t->error[0] = '\0';
    t->app_deadline_ns = s->timeout_ms > 0 ? now_ns + s->timeout_ms * NS_PER_MS : INT64_MAX;
    t->gate.shadow = s;
    t->gate.policy = s->binding.policy;
    t->gate.would_retry = would_retry;
    t->gate.committed = committed;
    t->gate.ctx = t;
    body_begin(&t->body, s);
    call_begin(&t->call, &s->binding, s->timeout_ms > 0 ? s->timeout_ms * NS_PER_MS : 0, now_ns);
    t->holds = !t->call.observe && s->protocol == PROTOCOL_HTTP && !s->connect_only;
    s->transfer = t;
}

/* Runs however the frame is left: by return, by an exception of a callback, by pthread_cancel. */
static void transfer_leave(struct transfer **frame)
{
    struct transfer *t = *frame;
    int saved = errno;
    performing = t->outer;
    transfer_unwrap(t);
    gate_end(&t->gate);
    t->shadow->transfer = NULL;
    if (!t->ended)
        call_abandon(&t->call, clock_now_ns());
    errno = saved;
}

/* ---- waiting -------------------------------------------------------------------------------- */

/* True when the program wants to go on. */
static bool progress(const struct shadow *s)
{
    int stop = 0;
    if (s->noprogress)
        return true;
    if (s->xferinfo_fn)
        stop = s->xferinfo_fn(s->progress_data, 0, 0, 0, 0);
    else if (s->progress_fn)
        stop = s->progress_fn(s->progress_data, 0, 0, 0, 0);
    return !stop || stop == CURL_PROGRESSFUNC_CONTINUE;
}

static bool wait_until(const struct shadow *s, int64_t at_ns)
{
    for (int64_t now = clock_now_ns(); now < at_ns; now = clock_now_ns()) {
        if (!progress(s))
            return false;
        int64_t step = now + PROGRESS_STEP_NS;
        clock_sleep_until(step < at_ns ? step : at_ns);
    }
    return true;
}

static CURLcode failed(struct transfer *t, CURLcode code, const char *text)
{
    memcpy(transfer_error(t), text, strlen(text) + 1);
    return code;
}

static CURLcode aborted(struct transfer *t)
{
    return failed(t, CURLE_ABORTED_BY_CALLBACK, "Callback aborted");
}

/* ---- one attempt ---------------------------------------------------------------------------- */

static CURLcode attempt(struct transfer *t, struct attempt *a, int64_t now_ns)
{
    const struct shadow *s = t->shadow;
    gate_begin(&t->gate, !t->holds);
    body_attempt(&t->body);
    if (!t->call.observe)
        transfer_bound(t, now_ns);
    if (!t->wrapped)
        transfer_wrap(t);
    t->performing = true;
    performing = s->api;
    CURLcode r = s->api->easy_perform(s->handle);
    performing = t->outer;
    t->performing = false;
    if (unlikely(t->body.changed))
        r = failed(t, CURLE_SEND_FAIL_REWIND, "harden: the request body could not be repeated");
    t->answered_ns = clock_now_ns();
    t->answered_wall_ns = clock_wall_ns();
    facts_of_result(a, t, r, t->answered_ns - now_ns);
    return r;
}

/* Whether another attempt follows, at *at_ns; the body is rewound then. */
static bool again(struct transfer *t, struct attempt *a, int64_t *at_ns)
{
    int64_t now_ns = t->answered_ns, wall_ns = t->answered_wall_ns;
    bool good = a->curl_code == CURLE_OK && a->http_status < 300 && !a->header_cut;
    if (good || t->reset) { /* a request that was reset in flight cannot be made again */
        a->replayable = false;
        call_report(&t->call, a, now_ns, wall_ns, 0, at_ns);
        return false;
    }
    if (call_would_retry(&t->call, a, now_ns, wall_ns))
        a->replayable = t->call.observe ? body_may_rewind(&t->body, a->nothing_sent)
                                        : body_rewind(&t->body, a->nothing_sent);
    return call_report(&t->call, a, now_ns, wall_ns, rng_next(), at_ns);
}

/* Until the program has unpaused; 0, or the code with which the transfer ends. */
static CURLcode wait_for_unpause(struct transfer *t)
{
    int64_t asked_ns = 0;
    for (t->paused = true; t->paused;) {
        int64_t now_ns = clock_now_ns();
        if (now_ns >= t->app_deadline_ns)
            return failed(t, CURLE_OPERATION_TIMEDOUT, "Operation timed out while paused");
        if (now_ns - asked_ns >= PROGRESS_STEP_NS) {
            if (!progress(t->shadow))
                return aborted(t);
            asked_ns = now_ns;
        }
        if (t->paused)
            clock_sleep_until(now_ns + PAUSE_STEP_NS);
    }
    return CURLE_OK;
}

/* Hands out what is still held, when nothing is in flight any more. */
static CURLcode deliver(struct transfer *t, CURLcode r)
{
    size_t left;
    while ((left = gate_deliver(&t->gate)) == CURL_WRITEFUNC_PAUSE) {
        CURLcode ended = wait_for_unpause(t);
        if (ended) {
            gate_discard(&t->gate);
            return ended;
        }
    }
    if (left && r == CURLE_OK)
        return failed(t, CURLE_WRITE_ERROR, "Failure writing output to destination");
    return r;
}

/* The time has come for another attempt, or the program does not want one any more. */
static bool wait_for_next(struct transfer *t, int64_t at_ns, CURLcode *r)
{
    if (!wait_until(t->shadow, at_ns)) {
        gate_discard(&t->gate);
        if (!t->call.attempts)
            refuse_forget(t->shadow);
        *r = aborted(t);
        return false;
    }
    if (t->reset && t->call.attempts) {
        *r = deliver(t, *r);
        return false;
    }
    return true;
}

static CURLcode run(struct transfer *t, int64_t now_ns)
{
    struct attempt a = {0};
    CURLcode r = CURLE_OK;
    for (;;) {
        struct admission ad = call_admit(&t->call, now_ns);
        if (ad.answer == ANSWER_REFUSE)
            return t->call.attempts ? deliver(t, r) : refuse(t->shadow, &ad, now_ns);
        if (ad.answer == ANSWER_GO) {
            int64_t at_ns = 0;
            gate_discard(&t->gate);
            r = attempt(t, &a, now_ns);
            if (!again(t, &a, &at_ns))
                return deliver(t, r);
            if (r)
                t->shadow->hidden_errno = a.os_errno;
            ad.at_ns = at_ns;
        }
        if (!wait_for_next(t, ad.at_ns, &r))
            return r;
        now_ns = clock_now_ns();
    }
}

static CURLcode guarded(struct shadow *s, int64_t now_ns, int64_t *ended_ns)
{
    struct transfer *t __attribute__((cleanup(transfer_leave))) = s->transfer_memory;
    transfer_begin(t, s, now_ns);
    CURLcode r = run(t, now_ns);
    if (r)
        s->hidden_errno = 0; /* the program is told of a failure */
    *ended_ns = clock_now_ns();
    call_end(&t->call, *ended_ns, t->answered_wall_ns);
    t->ended = true;
    return r;
}

CURLcode easy_perform(struct shadow *s)
{
    struct engine *e;
    if (s->transfer && !s->transfer->performing)
        return CURLE_FAILED_INIT; /* libcurl's own answer to a perform within a perform */
    if (s->transfer || !(e = engine_get()))
        return s->api->easy_perform(s->handle);
    if (s->target_known && s->no_target)
        return s->api->easy_perform(s->handle);
    int64_t now_ns = clock_now_ns();
    if (!target_bind(s, e, now_ns))
        return s->api->easy_perform(s->handle);
    if (!s->transfer_memory && !(s->transfer_memory = calloc(1, sizeof *s->transfer_memory)))
        return s->api->easy_perform(s->handle);
    health_start();
    atomic_fetch_add_explicit(&e->board->header->transfers_easy, 1, memory_order_relaxed);
    int64_t ended_ns;
    CURLcode r = guarded(s, now_ns, &ended_ns);
    health_inline(ended_ns);
    return r;
}

/* ---- what the program asks ------------------------------------------------------------------ */

bool easy_getinfo(const struct shadow *s, CURLINFO info, void *out)
{
    if (unlikely(s->transfer != NULL))
        return gate_getinfo(&s->transfer->gate, info, out);
    if (info != CURLINFO_OS_ERRNO || !s->hidden_errno)
        return false;
    long now = 0;
    if (s->api->easy_getinfo(s->handle, info, &now))
        return false;
    *(long *)out = now == s->hidden_errno ? 0 : now; /* libcurl keeps it past a good transfer */
    return true;
}

bool easy_pause(struct shadow *s, int bitmask)
{
    if (!s->transfer || s->transfer->performing)
        return false;
    s->transfer->paused = bitmask & CURLPAUSE_RECV;
    return true;
}
