/* SPDX-License-Identifier: MIT
 *
 * Our time limits on the handle, for an attempt. */
#include "curl/transfer.h"

#include "base/clock.h"
#include "base/compiler.h"

#include <limits.h>

static int64_t ms_left(int64_t deadline_ns, int64_t now_ns)
{
    if (deadline_ns == INT64_MAX)
        return 0;
    int64_t left = (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    return left > 0 ? left : 1;
}

/* The smaller of two limits; 0 means none. */
static int64_t smaller_limit(int64_t a, int64_t b)
{
    if (!a || !b)
        return a ? a : b;
    return a < b ? a : b;
}

static int64_t ms_rounded_up(int64_t ns)
{
    return (ns + NS_PER_MS - 1) / NS_PER_MS;
}

static long option_ms(int64_t ms)
{
    return ms < LONG_MAX ? (long)ms : LONG_MAX;
}

/* ms: the limit of the attempt; 0: none. It counts as ours if it is less than the program's; in a
 * further attempt always, because without us the program would not have waited for that attempt. */
static void note_own_limit(struct transfer *t, int64_t ms)
{
    int64_t given = shadow_timeout_ms(t->timeout_ms);
    bool ours = ms && (!given || ms < given || t->call.attempts > 0);
    t->attempt_timeout_ns = ours ? ms * NS_PER_MS : INT64_MAX;
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
    int64_t given = shadow_timeout_ms(s->timeout_ms);
    int64_t connect_given = shadow_timeout_ms(s->connect_timeout_ms);
    int64_t program = first ? given : ms_left(t->app_deadline_ns, now_ns);
    int64_t answered = smaller_limit(program, ms_rounded_up(p->attempt_timeout_ns));
    bool must_answer = t->holds && t->call.attempts > 0;
    int64_t waiting =
        must_answer ? smaller_limit(answered, ms_left(t->call.deadline_ns, now_ns)) : answered;
    int64_t connecting = smaller_limit(connect_given, ms_rounded_up(p->connect_timeout_ns));
    bool stall = p->stall_timeout_ns && !s->low_speed_time_s;
    t->relaxed_timeout_ms = waiting == answered ? -1 : option_ms(answered);
    note_own_limit(t, waiting);
    if (likely(waiting == given && connecting == connect_given && !stall && !t->timeouts_set))
        return;

    const struct curl_api *api = s->api;
    t->timeouts_set = true;
    api->easy_setopt(s->handle, CURLOPT_TIMEOUT_MS, option_ms(waiting));
    api->easy_setopt(s->handle, CURLOPT_CONNECTTIMEOUT_MS, option_ms(connecting));
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
    t->skips_dns_cache = true;
    t->shadow->api->easy_setopt(t->shadow->handle, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
}
