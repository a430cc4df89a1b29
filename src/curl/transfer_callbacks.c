/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "base/compiler.h"
#include "curl/transfer.h"

#include <limits.h>

char *transfer_error(struct transfer *t)
{
    return t->shadow->error_buffer ? t->shadow->error_buffer : t->error;
}

void transfer_wrap(struct transfer *t)
{
    const struct shadow *s = t->shadow;
    const struct curl_api *api = s->api;
    CURL *h = s->handle;
    api->easy_setopt(h, CURLOPT_WRITEFUNCTION, gate_body);
    api->easy_setopt(h, CURLOPT_WRITEDATA, &t->gate);
    api->easy_setopt(h, CURLOPT_HEADERFUNCTION, gate_header);
    api->easy_setopt(h, CURLOPT_HEADERDATA, &t->gate);
    if (!s->error_buffer)
        api->easy_setopt(h, CURLOPT_ERRORBUFFER, t->error);
    t->read_wrapped = request_body_is_wrapped(&t->body);
    if (t->read_wrapped) {
        api->easy_setopt(h, CURLOPT_READFUNCTION, request_body_read);
        api->easy_setopt(h, CURLOPT_READDATA, &t->body);
        if (t->body.seek_fn) {
            api->easy_setopt(h, CURLOPT_SEEKFUNCTION, request_body_seek);
            api->easy_setopt(h, CURLOPT_SEEKDATA, &t->body);
        } else if (t->body.ioctl_fn) {
            api->easy_setopt(h, CURLOPT_IOCTLFUNCTION, request_body_ioctl);
            api->easy_setopt(h, CURLOPT_IOCTLDATA, &t->body);
        }
    }
    t->wrapped = true;
}

static void unwrap_on(const struct transfer *t, CURL *h)
{
    const struct shadow *s = t->shadow;
    const struct curl_api *api = s->api;
    api->easy_setopt(h, CURLOPT_WRITEFUNCTION, s->write_fn);
    api->easy_setopt(h, CURLOPT_WRITEDATA, s->write_data);
    api->easy_setopt(h, CURLOPT_HEADERFUNCTION, s->header_fn);
    api->easy_setopt(h, CURLOPT_HEADERDATA, s->header_data);
    api->easy_setopt(h, CURLOPT_ERRORBUFFER, s->error_buffer);
    if (t->read_wrapped) {
        api->easy_setopt(h, CURLOPT_READFUNCTION, s->read_fn);
        api->easy_setopt(h, CURLOPT_READDATA, s->read_data);
        api->easy_setopt(h, CURLOPT_SEEKFUNCTION, s->seek_fn);
        api->easy_setopt(h, CURLOPT_SEEKDATA, s->seek_data);
        api->easy_setopt(h, CURLOPT_IOCTLFUNCTION, s->ioctl_fn);
        api->easy_setopt(h, CURLOPT_IOCTLDATA, s->ioctl_data);
    }
    if (t->timeouts_set) {
        api->easy_setopt(h, CURLOPT_TIMEOUT_MS, s->timeout_ms);
        api->easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, s->connect_timeout_ms);
        api->easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, s->low_speed_limit);
        api->easy_setopt(h, CURLOPT_LOW_SPEED_TIME, s->low_speed_time_s);
    }
    if (t->skips_dns_cache)
        api->easy_setopt(h, CURLOPT_DNS_CACHE_TIMEOUT, s->dns_cache_s);
}

void transfer_unwrap(struct transfer *t)
{
    if (!t->wrapped)
        return;
    unwrap_on(t, t->shadow->handle);
    t->wrapped = t->read_wrapped = t->timeouts_set = t->skips_dns_cache = false;
}

void transfer_unwrap_copy(const struct transfer *t, CURL *copy)
{
    if (t->wrapped)
        unwrap_on(t, copy);
}

bool transfer_replaces(const struct shadow *s, CURLoption option)
{
    const struct transfer *t = s->transfer;
    if (!t || !t->wrapped || t->reset)
        return false;
    switch (option) {
    case CURLOPT_WRITEFUNCTION:
    case CURLOPT_WRITEDATA:
    case CURLOPT_HEADERFUNCTION:
    case CURLOPT_HEADERDATA:
        return true;
    case CURLOPT_READFUNCTION:
    case CURLOPT_READDATA:
    case CURLOPT_SEEKFUNCTION:
    case CURLOPT_SEEKDATA:
    case CURLOPT_IOCTLFUNCTION:
    case CURLOPT_IOCTLDATA:
        return t->read_wrapped;
    case CURLOPT_DNS_CACHE_TIMEOUT:
        return t->skips_dns_cache;
    default:
        return false;
    }
}

/* ---- time ----------------------------------------------------------------------------------- */

static int64_t ms_left(int64_t deadline_ns, int64_t now_ns)
{
    if (deadline_ns == INT64_MAX)
        return 0;
    int64_t left = (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
    return left > 0 ? left : 1;
}

/* The smaller of two bounds of which 0 is none. */
static int64_t tighter(int64_t a, int64_t b)
{
    if (!a || !b)
        return a ? a : b;
    return a < b ? a : b;
}

static int64_t ms_up(int64_t ns)
{
    return (ns + NS_PER_MS - 1) / NS_PER_MS;
}

static long option_ms(int64_t ms)
{
    return ms < LONG_MAX ? (long)ms : LONG_MAX;
}

/* Of what the attempt may take, and 0 is no bound, only what is less than the program gave is ours; of
 * a further attempt, all that is left: the program would not have waited for it. */
static void set_bound(struct transfer *t, int64_t ms)
{
    int64_t given = shadow_timeout_ms(t->timeout_ms);
    bool ours = ms && (!given || ms < given || t->call.attempts > 0);
    t->attempt_timeout_ns = ours ? ms * NS_PER_MS : INT64_MAX;
}

/* The time limits of the next attempt. The program's own always hold; ours are added where it has
 * none. A further attempt must come to an answer before the policy's deadline; once the answer
 * streams, only the program's bound and the policy's bound for an attempt are left. */
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
        return; /* the program's own bounds, as they are */
    int64_t given = shadow_timeout_ms(s->timeout_ms);
    int64_t connect_given = shadow_timeout_ms(s->connect_timeout_ms);
    int64_t program = first ? given : ms_left(t->app_deadline_ns, now_ns);
    int64_t answered = tighter(program, ms_up(p->attempt_timeout_ns));
    bool must_answer = t->holds && t->call.attempts > 0;
    int64_t waiting =
        must_answer ? tighter(answered, ms_left(t->call.deadline_ns, now_ns)) : answered;
    int64_t connecting = tighter(connect_given, ms_up(p->connect_timeout_ns));
    bool stall = p->stall_timeout_ns && !s->low_speed_time_s;
    t->relaxed_timeout_ms = waiting == answered ? -1 : option_ms(answered);
    set_bound(t, waiting);
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
        set_bound(t, t->relaxed_timeout_ms);
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
