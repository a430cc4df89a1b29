/* SPDX-License-Identifier: MIT */
#include "curl/transfer.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/precondition.h"
#include "base/rng.h"
#include "base/thread.h"
#include "curl/attempt_facts.h"
#include "curl/target.h"
#include "engine/publish/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool would_retry(void *ctx, int status)
{
    struct transfer *t = ctx;
    struct attempt a;
    if (status < 300 || t->reset || t->is_last)
        return false;
    attempt_facts_so_far(&a, t, status);
    return call_would_retry(&t->call, &a, clock_now_ns());
}

static void response_committed(void *ctx)
{
    transfer_relax_timeout(ctx);
}

/* What few hosts have. */
static __attribute__((noinline)) void init_special(struct transfer *t, enum driver driver)
{
    t->call.in_loop = driver == BY_MULTI;
    t->holds = t->holds && !t->call.observe;
    if (t->call.places)
        transfer_limit_places(t);
}

static void init_transfer(struct transfer *t, struct shadow *s, enum driver driver, int64_t now_ns)
{
    t->shadow = s;
    t->wrapped = t->read_wrapped = t->timeouts_set = t->set_for_retry = false;
    t->skips_dns_cache = t->avoids_reuse = false;
    t->performing = t->paused = t->reset = t->is_last = t->ended = false;
    t->relaxed_timeout_ms = -1;
    t->attempt_timeout_ns = INT64_MAX;
    t->previous.kept = false;
    t->error[0] = '\0';
    int64_t timeout_ns = shadow_timeout_ms(s->timeout_ms) * NS_PER_MS;
    t->app_deadline_ns = timeout_ns ? now_ns + timeout_ns : INT64_MAX;
    t->gate.shadow = s;
    t->gate.policy = s->binding.policy;
    t->gate.would_retry = would_retry;
    t->gate.committed = response_committed;
    t->gate.ctx = t;
    call_begin(&t->call, &s->binding, timeout_ns, now_ns);
    if (unlikely(t->call.id))
        t->call.method = s->protocol == PROTOCOL_HTTP ? attempt_facts_method(s) : NULL;
    t->holds = s->protocol == PROTOCOL_HTTP && !s->connect_only;
    if (unlikely(s->binding.special))
        init_special(t, driver);
    s->transfer = t;
}

struct transfer *transfer_begin(struct shadow *s, enum driver driver, int64_t now_ns)
{
    precondition(!s->transfer);
    struct engine *e;
    shadow_clear_last_result(s);
    if (unlikely(!monitor_is_current(now_ns)))
        monitor_refresh(now_ns);
    if ((s->target_known && s->no_target) || !(e = engine_get()) || !target_bind(s, e, now_ns))
        return NULL;
    if (!s->transfer_memory && !(s->transfer_memory = calloc(1, sizeof *s->transfer_memory)))
        return NULL;
    thread_forbid(false); /* a signal handler may have jumped out of a connect() */
    monitor_start();
    struct board_header *h = e->board->header;
    atomic_fetch_add_explicit(driver == BY_EASY ? &h->transfers_easy : &h->transfers_multi, 1,
                              memory_order_relaxed);
    init_transfer(s->transfer_memory, s, driver, now_ns);
    return s->transfer;
}

/* Read now: the program may free its list when it ends the transfer. */
static void note_idempotency_key(struct transfer *t)
{
    const struct shadow *s = t->shadow;
    t->idempotency_key =
        s->protocol == PROTOCOL_HTTP && target_request_header(s, "Idempotency-Key") != NULL;
}

static __attribute__((noinline)) void begin_special_attempt(struct transfer *t, int64_t now_ns)
{
    if (!t->call.observe)
        transfer_set_timeouts(t, now_ns);
    if (t->call.places)
        transfer_set_place(t, now_ns);
}

void transfer_begin_attempt(struct transfer *t, int64_t now_ns)
{
    precondition(!t->performing && !t->ended);
    gate_begin(&t->gate, !t->holds);
    if (!t->call.attempts) { /* the program may have changed options while it waited */
        request_body_begin(&t->body, t->shadow);
        note_idempotency_key(t);
    }
    request_body_begin_attempt(&t->body);
    if (likely(!t->shadow->binding.special))
        transfer_set_timeouts(t, now_ns);
    else
        begin_special_attempt(t, now_ns);
    if (!t->wrapped)
        transfer_wrap(t);
    t->shadow->last_info = NULL;
    t->started_ns = now_ns;
    t->performing = true;
}

CURLcode transfer_end_attempt(struct transfer *t, struct attempt *a, CURLcode r)
{
    precondition(t->performing);
    t->performing = false;
    if (unlikely(t->body.changed))
        r = transfer_failed(t, CURLE_SEND_FAIL_REWIND,
                            "harden: the request body could not be repeated");
    else if (unlikely(r == CURLE_WRITE_ERROR && t->gate.short_write.happened))
        transfer_write_failed(t);
    t->answered_ns = clock_now_ns();
    t->answered_wall_ns = clock_wall_about_ns();
    attempt_facts_of_result(a, t, r, t->answered_ns - t->started_ns);
    return r;
}

static bool report_attempt(struct transfer *t, struct attempt *a, bool cut, int64_t *at_ns)
{
    int64_t now_ns = t->answered_ns, wall_ns = t->answered_wall_ns;
    bool good = a->curl_code == CURLE_OK && a->http_status < 300 && !a->header_cut;
    /* A request whose options were reset during the transfer cannot be repeated. */
    if (good || t->reset || t->is_last) {
        a->replayable = false;
        a->ended_by_program = !good;
        call_report(&t->call, a, now_ns, wall_ns, 0, at_ns);
        return false;
    }
    if (call_would_retry(&t->call, a, now_ns))
        a->replayable = t->call.observe ? request_body_may_rewind(&t->body, a->nothing_sent)
                                        : request_body_rewind(&t->body, a->nothing_sent);
    return cut ? call_report_cut(&t->call, a, now_ns, wall_ns, rng_next(), at_ns)
               : call_report(&t->call, a, now_ns, wall_ns, rng_next(), at_ns);
}

bool transfer_decide_retry(struct transfer *t, struct attempt *a, CURLcode *r, int64_t *at_ns)
{
    precondition(!t->performing && !t->ended);
    bool cut =
        t->previous.kept && !t->gate.delivered && (a->shortened || attempt_facts_place_unfit(a, t));
    bool again = report_attempt(t, a, cut, at_ns);
    if (again) {
        attempt_facts_keep_errno(t->shadow, a);
        if (attempt_facts_name_not_found(a))
            transfer_skip_dns_cache(t);
        transfer_avoid_reuse(t, attempt_facts_spoils_connection(a, t->shadow));
    }
    if (unlikely(cut))
        *r = previous_result_restore(t);
    else if (again)
        previous_result_keep(t, *r);
    return again;
}

void transfer_end(struct transfer *t, CURLcode r, int64_t now_ns)
{
    precondition(!t->performing && !t->ended);
    if (r)
        t->shadow->hidden_errno = 0; /* the program sees a failure */
    if (unlikely(t->call.id))
        call_set_result(&t->call, (int)r, t->call.result_errno);
    call_end(&t->call, now_ns, t->answered_wall_ns);
    t->ended = true;
}

void transfer_leave(struct transfer *t)
{
    precondition(t->shadow->transfer == t);
    transfer_unwrap(t);
    gate_end(&t->gate);
    if (unlikely(t->previous.kept) && !t->shadow->last_info)
        previous_result_clear(&t->previous);
    t->shadow->transfer = NULL;
    if (!t->ended)
        call_abandon(&t->call, clock_now_ns());
}

void transfer_free(struct transfer *t)
{
    previous_result_clear(&t->previous);
    hold_free(&t->gate.hold);
    hold_free(&t->gate.previous);
    free(t->connect_to); /* the handle was freed without our knowing */
    free(t);
}

bool transfer_progress(const struct shadow *s)
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

CURLcode transfer_failed(struct transfer *t, CURLcode code, const char *text)
{
    memcpy(transfer_error(t), text, strlen(text) + 1);
    return code;
}

CURLcode transfer_aborted(struct transfer *t)
{
    return transfer_failed(t, CURLE_ABORTED_BY_CALLBACK, "Callback aborted");
}

CURLcode transfer_write_failed(struct transfer *t)
{
    const struct short_write *r = &t->gate.short_write;
    unsigned version = t->shadow->api->version_num;
    char text[CURL_ERROR_SIZE];
    if (version >= 0x080800 && r->returned == CURL_WRITEFUNC_ERROR)
        snprintf(text, sizeof text, "client returned ERROR on write of %zu bytes", r->passed);
    else if (version >= 0x081400)
        snprintf(text, sizeof text,
                 "Failure writing output to destination, passed %zu returned %zu", r->passed,
                 r->returned);
    else if (version >= 0x080700)
        snprintf(text, sizeof text,
                 "Failure writing output to destination, passed %zu returned %zd", r->passed,
                 (ssize_t)r->returned);
    else if (r->header)
        return transfer_failed(t, CURLE_WRITE_ERROR, "Failed writing header");
    else if (version >= 0x074800)
        return transfer_failed(t, CURLE_WRITE_ERROR, "Failure writing output to destination");
    else
        snprintf(text, sizeof text, "Failed writing body (%zu != %zu)", r->returned, r->passed);
    return transfer_failed(t, CURLE_WRITE_ERROR, text);
}
