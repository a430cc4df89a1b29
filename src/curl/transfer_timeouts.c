/* SPDX-License-Identifier: MIT
 *
 * Our time limits and other options on the handle, for an attempt. */
#include "curl/transfer.h"

#include "base/clock.h"
#include "base/compiler.h"

#include <limits.h>

static int64_t ms_rounded_up(int64_t ns)
{
    return (ns + NS_PER_MS - 1) / NS_PER_MS;
}

/* Until a deadline, at least 1; 0: there is none. */
static int64_t ms_left(int64_t deadline_ns, int64_t now_ns)
{
    if (deadline_ns == INT64_MAX)
        return 0;
    int64_t left = ms_rounded_up(deadline_ns - now_ns);
    return left > 0 ? left : 1;
}

/* The smaller of two limits; 0 means none. */
static int64_t smaller_limit(int64_t a_ms, int64_t b_ms)
{
    if (!a_ms || !b_ms)
        return a_ms ? a_ms : b_ms;
    return a_ms < b_ms ? a_ms : b_ms;
}

static long option_ms(int64_t ms)
{
    return ms < LONG_MAX ? (long)ms : LONG_MAX;
}

/* ms: the limit of the attempt; 0: none. It is our own if it is less than the program's, and in
 * every further attempt, which the program alone would not have made. */
static void note_own_limit(struct transfer *t, int64_t ms)
{
    int64_t given_ms = shadow_timeout_ms(t->timeout_ms);
    bool own = ms && (!given_ms || ms < given_ms || t->call.attempts > 0);
    t->attempt_timeout_ns = own ? ms * NS_PER_MS : INT64_MAX;
}

/* The program's own limits always apply, the policy's in addition. A further attempt must bring a
 * response before the policy's deadline; when the response has been committed, only the program's
 * limit and the policy's limit for an attempt are left. */
void transfer_set_timeouts(struct transfer *t, int64_t now_ns)
{
    const struct shadow *s = t->shadow;
    const struct policy *p = t->call.policy;
    bool first = t->call.attempts == 0 && now_ns - t->call.begun_ns < NS_PER_MS;
    t->timeout_ms = s->timeout_ms;
    t->relaxed_timeout_ms = -1;
    t->attempt_timeout_ns = INT64_MAX;
    if (likely(first && !t->timeouts_set && !p->attempt_timeout_ns && !p->connect_timeout_ns &&
               !p->stall_timeout_ns))
        return; /* the program's own limits, unchanged */
    int64_t given_ms = shadow_timeout_ms(s->timeout_ms);
    int64_t connect_given_ms = shadow_timeout_ms(s->connect_timeout_ms);
    int64_t program_ms = first ? given_ms : ms_left(t->app_deadline_ns, now_ns);
    int64_t committed_ms = smaller_limit(program_ms, ms_rounded_up(p->attempt_timeout_ns));
    bool must_answer = t->holds && t->call.attempts > 0;
    int64_t attempt_ms = must_answer
                             ? smaller_limit(committed_ms, ms_left(t->call.deadline_ns, now_ns))
                             : committed_ms;
    int64_t connect_ms = smaller_limit(connect_given_ms, ms_rounded_up(p->connect_timeout_ns));
    bool stall = p->stall_timeout_ns && !s->low_speed_time_s;
    t->relaxed_timeout_ms = attempt_ms == committed_ms ? -1 : option_ms(committed_ms);
    note_own_limit(t, attempt_ms);
    if (likely(attempt_ms == given_ms && connect_ms == connect_given_ms && !stall &&
               !t->timeouts_set))
        return;

    const struct curl_api *api = s->api;
    t->timeouts_set = true;
    api->easy_setopt(s->handle, CURLOPT_TIMEOUT_MS, option_ms(attempt_ms));
    api->easy_setopt(s->handle, CURLOPT_CONNECTTIMEOUT_MS, option_ms(connect_ms));
    if (stall) {
        api->easy_setopt(s->handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
        api->easy_setopt(s->handle, CURLOPT_LOW_SPEED_TIME,
                         (long)((p->stall_timeout_ns + NS_PER_S - 1) / NS_PER_S));
    }
}

void transfer_relax_timeout(struct transfer *t)
{
    if (t->relaxed_timeout_ms >= 0 && t->timeout_ms == t->shadow->timeout_ms) {
        t->shadow->api->easy_setopt(t->shadow->handle, CURLOPT_TIMEOUT_MS, t->relaxed_timeout_ms);
        note_own_limit(t, t->relaxed_timeout_ms);
    }
    t->relaxed_timeout_ms = -1;
}

void transfer_skip_dns_cache(struct transfer *t)
{
    if (t->call.observe || t->reset)
        return;
    t->skips_dns_cache = t->set_for_retry = true;
    t->shadow->api->easy_setopt(t->shadow->handle, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
}

void transfer_avoid_reuse(struct transfer *t, bool avoid)
{
    const struct shadow *s = t->shadow;
    if (t->avoids_reuse == avoid || t->reset)
        return;
    t->avoids_reuse = avoid;
    t->set_for_retry = true;
    s->api->easy_setopt(s->handle, CURLOPT_FRESH_CONNECT, avoid ? 1L : (long)s->fresh_connect);
}
