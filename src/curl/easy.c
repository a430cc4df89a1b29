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

/* Memory for held headers that a handle keeps from one transfer to the next. */
#define HOLD_KEPT (16 * 1024)

__thread struct transfer *transfer_now;

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

static void transfer_begin(struct transfer *t, struct shadow *s, struct engine *e, int64_t now_ns)
{
    t->shadow = s;
    t->engine = e;
    t->wrapped = t->read_wrapped = t->bounded = false;
    t->delivering = t->paused = t->reset = t->ended = false;
    t->relaxed_timeout_ms = -1;
    t->error[0] = '\0';
    t->app_deadline_ns = s->timeout_ms > 0 ? now_ns + s->timeout_ms * NS_PER_MS : INT64_MAX;
    t->gate.shadow = s;
    t->gate.policy = s->binding.policy;
    t->gate.would_retry = would_retry;
    t->gate.committed = committed;
    t->gate.ctx = t;
    t->gate.hold.memory = NULL;
    t->gate.hold.capacity = 0;
    t->gate.hold.block = 0;
    hold_clear(&t->gate.hold);
    t->gate.replaying = NULL;
    body_begin(&t->body, s);
    call_begin(&t->call, &s->binding, s->timeout_ms > 0 ? s->timeout_ms * NS_PER_MS : 0, now_ns);
    t->outer = transfer_now;
    transfer_now = t;
    s->transfer = t;
    t->holds = !t->call.observe && s->protocol == PROTOCOL_HTTP && !s->connect_only;
}

/* Runs however the frame is left: by return, by an exception of a callback, by pthread_cancel. */
static void transfer_leave(struct transfer *t)
{
    struct shadow *s = t->shadow;
    int saved = errno;
    transfer_unwrap(t);
    body_end(&t->body);
    hold_clear(&t->gate.hold);
    if (!t->gate.hold.memory)
        ;                                          /* no attempt was made */
    else if (t->gate.hold.capacity <= HOLD_KEPT) { /* for the next perform */
        s->hold_memory = t->gate.hold.memory;
        s->hold_capacity = t->gate.hold.capacity;
    } else {
        free(t->gate.hold.memory);
    }
    s->transfer = NULL;
    transfer_now = t->outer;
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

static CURLcode aborted(struct transfer *t)
{
    static const char text[] = "Callback aborted";
    memcpy(transfer_error(t), text, sizeof text);
    return CURLE_ABORTED_BY_CALLBACK;
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
    CURLcode r = s->api->easy_perform(s->handle);
    if (unlikely(t->body.changed)) {
        static const char text[] = "harden: the request body could not be repeated";
        memcpy(transfer_error(t), text, sizeof text);
        r = CURLE_SEND_FAIL_REWIND;
    }
    facts_of_result(a, t, r, clock_now_ns() - now_ns);
    return r;
}

/* Whether another attempt follows, at *at_ns; the body is rewound then. */
static bool again(struct transfer *t, struct attempt *a, int64_t *at_ns)
{
    int64_t now_ns = clock_now_ns(), wall_ns = clock_wall_ns();
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

/* Hands out what is still held, when nothing is in flight any more. */
static CURLcode deliver(struct transfer *t, CURLcode r)
{
    size_t left;
    t->delivering = true;
    while ((left = gate_deliver(&t->gate)) == CURL_WRITEFUNC_PAUSE) {
        for (t->paused = true; t->paused; clock_sleep_until(clock_now_ns() + NS_PER_MS)) {
            if (!progress(t->shadow)) {
                gate_discard(&t->gate);
                return aborted(t);
            }
        }
    }
    if (left && r == CURLE_OK) {
        static const char text[] = "Failure writing output to destination";
        memcpy(transfer_error(t), text, sizeof text);
        return CURLE_WRITE_ERROR;
    }
    return r;
}

static CURLcode run(struct transfer *t, int64_t now_ns)
{
    struct shadow *s = t->shadow;
    struct attempt a = {0};
    CURLcode r = CURLE_OK;
    for (;;) {
        struct admission ad = call_admit(&t->call, now_ns);
        if (ad.answer == ANSWER_REFUSE)
            return t->call.attempts ? deliver(t, r) : refuse(s, &ad, now_ns);
        if (ad.answer == ANSWER_GO) {
            int64_t at_ns = 0;
            gate_discard(&t->gate);
            r = attempt(t, &a, now_ns);
            if (!again(t, &a, &at_ns))
                return deliver(t, r);
            ad.at_ns = at_ns;
        }
        if (!wait_until(s, ad.at_ns)) {
            gate_discard(&t->gate);
            if (!t->call.attempts)
                refuse_forget(s);
            return aborted(t);
        }
        now_ns = clock_now_ns();
    }
}

static CURLcode guarded(struct shadow *s, struct engine *e, int64_t now_ns)
{
    struct transfer t __attribute__((cleanup(transfer_leave)));
    transfer_begin(&t, s, e, now_ns);
    CURLcode r = run(&t, now_ns);
    s->recovered = r == CURLE_OK && t.call.attempts > 1;
    call_end(&t.call, clock_now_ns(), clock_wall_ns());
    t.ended = true;
    return r;
}

CURLcode easy_perform(struct shadow *s)
{
    struct engine *e;
    if (s->transfer || !(e = engine_get()))
        return s->api->easy_perform(s->handle); /* the same handle again: libcurl says no */
    s->recovered = false;
    if (s->target_known && s->no_target)
        return s->api->easy_perform(s->handle);
    int64_t now_ns = clock_now_ns();
    if (!target_bind(s, e, now_ns))
        return s->api->easy_perform(s->handle);
    health_start();
    atomic_fetch_add_explicit(&e->board->header->transfers_easy, 1, memory_order_relaxed);
    CURLcode r = guarded(s, e, now_ns);
    health_inline(now_ns);
    return r;
}

/* ---- what the program asks ------------------------------------------------------------------ */

bool easy_getinfo(const struct shadow *s, CURLINFO info, void *out)
{
    if (unlikely(s->transfer != NULL))
        return gate_getinfo(&s->transfer->gate, info, out);
    if (info == CURLINFO_OS_ERRNO && s->recovered) {
        *(long *)out = 0; /* of a failure that the program has not seen */
        return true;
    }
    return false;
}

bool easy_pause(struct shadow *s, int bitmask)
{
    if (!s->transfer || !s->transfer->delivering)
        return false;
    s->transfer->paused = bitmask & CURLPAUSE_RECV;
    return true;
}
