/* SPDX-License-Identifier: MIT */
#include "curl/easy.h"

#include "base/bell.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/events.h"
#include "curl/attempt_facts.h"
#include "curl/current_api.h"
#include "curl/multi/multi.h"
#include "curl/refusal.h"
#include "curl/transfer.h"
#include "curl/uncovered.h"
#include "engine/publish/monitor.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define PAUSE_STEP_NS (1 * NS_PER_MS)

/* Runs when the frame is left by return, by an exception from a callback, or by pthread_cancel. */
static void leave_transfer(struct transfer **frame)
{
    int saved = errno;
    current_api_leave((*frame)->outer);
    transfer_leave(*frame);
    errno = saved;
}

static bool sleep_until(const struct shadow *s, int64_t at_ns)
{
    for (int64_t now = clock_now_ns(); now < at_ns; now = clock_now_ns()) {
        if (!transfer_progress(s))
            return false;
        int64_t step = now + PROGRESS_STEP_NS;
        clock_sleep_until(step < at_ns ? step : at_ns);
    }
    return true;
}

/* Until at_ns, or until another request has ended. *progress_ns: of all these waits of the transfer. */
static bool sleep_until_rung(const struct transfer *t, int64_t at_ns, int64_t *progress_ns)
{
    uint32_t value;
    _Atomic uint32_t *bell = call_bell(&t->call, &value);
    int64_t now_ns = clock_now_ns();
    if (now_ns - *progress_ns >= PROGRESS_STEP_NS) {
        *progress_ns = now_ns;
        if (!transfer_progress(t->shadow))
            return false;
    }
    bell_wait(bell, value, at_ns);
    pthread_testcancel(); /* like a sleep */
    return true;
}

static CURLcode perform_attempt(struct transfer *t, struct attempt *a, int64_t now_ns)
{
    const struct shadow *s = t->shadow;
    transfer_begin_attempt(t, now_ns);
    current_api_enter(s->api);
    CURLcode r = s->api->easy_perform(s->handle);
    current_api_leave(t->outer);
    return transfer_end_attempt(t, a, r);
}

/* Waits until the program has unpaused. 0, or the code with which the transfer ends. */
static CURLcode wait_for_unpause(struct transfer *t)
{
    int64_t progress_ns = 0;
    for (t->paused = true; t->paused;) {
        int64_t now_ns = clock_now_ns();
        if (now_ns >= t->app_deadline_ns)
            return transfer_failed(t, CURLE_OPERATION_TIMEDOUT, "Operation timed out while paused");
        if (now_ns - progress_ns >= PROGRESS_STEP_NS) {
            if (!transfer_progress(t->shadow))
                return transfer_aborted(t);
            progress_ns = now_ns;
        }
        if (t->paused)
            clock_sleep_until(now_ns + PAUSE_STEP_NS);
    }
    return CURLE_OK;
}

/* Delivers what is still held, after libcurl has ended. */
static CURLcode deliver_rest(struct transfer *t, CURLcode r)
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
        return transfer_write_failed(t);
    return r;
}

/* False: the program ends the transfer, and *r is the result. */
static bool wait_for_next(struct transfer *t, const struct admission *ad, int64_t *progress_ns,
                          CURLcode *r)
{
    bool continues = ad->why == REFUSED_CONCURRENCY ? sleep_until_rung(t, ad->at_ns, progress_ns)
                                                    : sleep_until(t->shadow, ad->at_ns);
    if (!continues) {
        gate_discard(&t->gate);
        if (!t->call.attempts)
            refusal_reset_info(t->shadow);
        *r = transfer_aborted(t);
        return false;
    }
    if (t->reset && t->call.attempts) {
        *r = deliver_rest(t, *r);
        return false;
    }
    return true;
}

static CURLcode refuse_request(const struct shadow *s, const struct admission *why, int64_t now_ns)
{
    refusal_reset_info(s);
    return refusal_result(s, why, now_ns);
}

static CURLcode make_attempts(struct transfer *t, int64_t now_ns)
{
    struct attempt a = {0};
    CURLcode r = CURLE_OK;
    int64_t progress_ns = now_ns;
    for (;;) {
        struct admission ad = call_admit(&t->call, now_ns);
        if (ad.answer == ANSWER_REFUSE)
            return t->call.attempts ? deliver_rest(t, r) : refuse_request(t->shadow, &ad, now_ns);
        if (ad.answer == ANSWER_GO) {
            int64_t at_ns = 0;
            gate_keep_attempt(&t->gate);
            r = perform_attempt(t, &a, now_ns);
            if (!transfer_decide_retry(t, &a, &r, &at_ns))
                return deliver_rest(t, r);
            ad.at_ns = at_ns;
        }
        if (!wait_for_next(t, &ad, &progress_ns, &r))
            return r;
        now_ns = clock_now_ns();
    }
}

static CURLcode make_attempts_guarded(struct transfer *begun, int64_t now_ns, int64_t *ended_ns)
{
    struct transfer *t __attribute__((cleanup(leave_transfer))) = begun;
    t->outer = current_api_get();
    CURLcode r = make_attempts(t, now_ns);
    *ended_ns = clock_now_ns();
    transfer_end(t, r, *ended_ns);
    return r;
}

bool easy_is_guarded(const struct shadow *s)
{
    return s->api->version_num >= VERSION_GUARDS_CALLS &&
           (s->member ? multi_is_calling(s) : !!s->transfer);
}

/* libcurl's error for a handle that is in a multi handle. libcurl may not know that it is. */
static CURLcode fail_in_use(struct shadow *s)
{
    if (easy_is_guarded(s))
        return CURLE_RECURSIVE_API_CALL;
    s->connect_errno = 0;
    static const char text[] = "easy handle already used in multi handle";
    if (s->error_buffer)
        memcpy(s->error_buffer, text, sizeof text);
    return CURLE_FAILED_INIT;
}

static __attribute__((noinline)) CURLcode perform_uncovered(const struct shadow *s, int64_t now_ns)
{
    CURLcode r = s->api->easy_perform(s->handle);
    uncovered_ended(r, now_ns);
    return r;
}

CURLcode easy_perform(struct shadow *s)
{
    if ((s->transfer && !s->transfer->performing) || multi_is_detached(s))
        return fail_in_use(s);
    if (s->transfer || s->member) {
        s->connect_errno = 0; /* libcurl refuses the call, but clears OS_ERRNO */
        return s->api->easy_perform(s->handle);
    }
    int64_t now_ns = clock_now_ns(), ended_ns;
    struct transfer *t = transfer_begin(s, BY_EASY, now_ns);
    if (!t)
        return events_are_wanted() ? perform_uncovered(s, now_ns) : s->api->easy_perform(s->handle);
    CURLcode r = make_attempts_guarded(t, now_ns, &ended_ns);
    monitor_update(ended_ns);
    return r;
}

/* ---- curl_easy_getinfo, _header and _pause -------------------------------------------------- */

bool easy_getinfo(const struct shadow *s, CURLINFO info, void *out)
{
    bool known = s->transfer && held_info_get(&s->transfer->gate.info, info, out);
    if (unlikely(s->last_info != NULL) && !known)
        known = previous_result_getinfo(s, info, out);
    if (likely(info != CURLINFO_OS_ERRNO || !(s->hidden_errno | s->connect_errno)))
        return known;
    /* With last_info, libcurl's own value is that of the attempt that was cut short. */
    if (!known || (!*(long *)out && !s->last_info))
        *(long *)out = attempt_facts_shown_errno(s);
    else if (*(long *)out == s->hidden_errno)
        *(long *)out = 0;
    return true;
}

/* NULL unless a held piece is being delivered: libcurl's headers are newer than it then. */
static struct held_info *held_info_of(const struct shadow *s)
{
    struct held_info *held = s->transfer ? &s->transfer->gate.info : NULL;
    return held && held->shown ? held : NULL;
}

CURLHcode easy_header(const struct shadow *s, const char *name, size_t index, unsigned origin,
                      int request, struct curl_header **out)
{
    struct held_info *held = held_info_of(s);
    if (held)
        return held_info_header(held, name, index, origin, request, out);
    CURLHcode r = s->api->easy_header(s->handle, name, index, origin, request, out);
    struct headers *kept = previous_result_headers(s);
    return kept && out && r != CURLHE_BAD_ARGUMENT
               ? headers_find(kept, name, index, origin, request, out)
               : r;
}

struct curl_header *easy_nextheader(const struct shadow *s, unsigned origin, int request,
                                    struct curl_header *previous)
{
    struct held_info *held = held_info_of(s);
    struct headers *kept = previous_result_headers(s);
    return held   ? held_info_nextheader(held, origin, request, previous)
           : kept ? headers_next(kept, origin, request, previous)
                  : s->api->easy_nextheader(s->handle, origin, request, previous);
}

bool easy_pause(struct shadow *s, int bitmask)
{
    if (!s->transfer || s->transfer->performing)
        return false;
    s->transfer->paused = bitmask & CURLPAUSE_RECV;
    return true;
}
