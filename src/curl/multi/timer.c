/* SPDX-License-Identifier: MIT
 *
 * The timeout for the program: libcurl's, or that of the first parked member if it is sooner. */
#include "curl/multi/private.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/minmax.h"

#include <sys/select.h>

/* The first versions of libcurl that refuse calls from a timer callback (CURLM_RECURSIVE_API_CALL),
 * and that heed what the callback returns. */
#define VERSION_GUARDS_TIMER 0x075200
#define VERSION_HEEDS_TIMER  0x075100

/* program_due_ns: the timeout has expired, so the callback must be called for the next one. */
#define PROGRAM_TIMER_EXPIRED INT64_MIN

static int64_t own_due_ns(const struct multi *m)
{
    if (unlikely(m->aborted))
        return 0;
    const struct parked *first = park_first(&m->park);
    if (likely(!first))
        return PARK_FOREVER;
    if (m->progress_count && m->progress_at_ns < first->due_ns)
        return m->progress_at_ns;
    return first->due_ns;
}

/* Rounded up: a program that wakes too early finds nothing to do. */
static long ms_until(int64_t at_ns, int64_t now_ns)
{
    if (at_ns == PARK_FOREVER)
        return -1;
    return at_ns > now_ns ? (long)((at_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

/* ---- the timer callback --------------------------------------------------------------------- */

static int64_t after_ms(int64_t now_ns, long ms)
{
    if (ms < 0)
        return PARK_FOREVER;
    return ms < (PARK_FOREVER - now_ns) / NS_PER_MS ? now_ns + ms * NS_PER_MS : PARK_FOREVER - 1;
}

static int call_timer(struct multi *m, int64_t at_ns, long ms)
{
    m->program_due_ns = at_ns;
    int r = m->timer_fn(m->handle, ms, m->timer_data);
    m->aborted = r == -1 && m->api->version_num >= VERSION_HEEDS_TIMER;
    return r;
}

/* libcurl sets a timeout once and hardly ever repeats it, so it is kept until our own has expired.
 * As long as our own is not sooner, the program gets libcurl's value when libcurl sets it. */
int multi_timer_callback(CURLM *handle, long timeout_ms, void *multi)
{
    struct multi *m = multi;
    (void)handle;
    int64_t now_ns = clock_now_ns();
    m->libcurl_due_ns = after_ms(now_ns, timeout_ms);
    m->libcurl_set_timer = true;
    if (unlikely(m->aborted))
        return -1; /* so that libcurl aborts too */
    if (m->mute_timer)
        return 0;
    int64_t due = own_due_ns(m);
    if (likely(m->libcurl_due_ns <= due))
        return call_timer(m, m->libcurl_due_ns, timeout_ms);
    return due == m->program_due_ns ? 0 : call_timer(m, due, ms_until(due, now_ns));
}

void multi_timer_expired(struct multi *m)
{
    m->libcurl_set_timer = false;
    if (m->program_due_ns != PARK_FOREVER)
        m->program_due_ns = PROGRAM_TIMER_EXPIRED;
}

/* libcurl has not set its timer in this turn: it has no timeout any more (before 8.10 it does not
 * report that), or still the same one (8.10 and 8.11.0 do not repeat it). If it never had one, the
 * program got our own, and multi_timer_update withdraws it. */
void multi_timer_resync(struct multi *m)
{
    long ms = -1;
    if (likely(m->libcurl_set_timer) || m->libcurl_due_ns == PARK_FOREVER || m->aborted)
        return;
    m->api->multi_timeout(m->handle, &ms);
    m->libcurl_due_ns = after_ms(clock_now_ns(), ms);
    if (ms < 0)
        m->program_due_ns = PARK_FOREVER;
}

CURLMcode multi_timer_update(struct multi *m)
{
    if (likely(!m->timer_fn || m->depth) || unlikely(m->aborted))
        return CURLM_OK;
    int64_t due = smaller(m->libcurl_due_ns, own_due_ns(m));
    if (due == m->program_due_ns)
        return CURLM_OK;
    bool outer = m->in_callback;
    m->in_callback = outer || m->api->version_num >= VERSION_GUARDS_TIMER;
    call_timer(m, due, ms_until(due, clock_now_ns()));
    m->in_callback = outer;
    return m->aborted ? CURLM_ABORTED_BY_CALLBACK : CURLM_OK;
}

/* ---- curl_multi_timeout, _poll and _wait ---------------------------------------------------- */

CURLMcode multi_timeout(struct multi *m, long *timeout_ms)
{
    CURLMcode r = m->api->multi_timeout(m->handle, timeout_ms);
    int64_t due = own_due_ns(m);
    if (r || due == PARK_FOREVER)
        return r;
    long own_ms = ms_until(due, clock_now_ns());
    if (*timeout_ms < 0 || own_ms < *timeout_ms)
        *timeout_ms = own_ms;
    return r;
}

static int limit_timeout(const struct multi *m, int timeout_ms)
{
    int64_t due = own_due_ns(m);
    if (due == PARK_FOREVER || timeout_ms < 0)
        return timeout_ms;
    long own_ms = ms_until(due, clock_now_ns());
    return own_ms < timeout_ms ? (int)own_ms : timeout_ms;
}

CURLMcode multi_poll(struct multi *m, struct curl_waitfd *extra, unsigned n, int timeout_ms,
                     int *ready)
{
    return m->api->multi_poll(m->handle, extra, n, limit_timeout(m, timeout_ms), ready);
}

static bool has_sockets(const struct multi *m)
{
    fd_set in, out, err;
    int highest = -1;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&err);
    return !m->api->multi_fdset(m->handle, &in, &out, &err, &highest) && highest >= 0;
}

/* curl_multi_wait returns at once when there is no socket to wait for: the loop of a program with
 * parked transfers only would spin. */
CURLMcode multi_wait(struct multi *m, struct curl_waitfd *extra, unsigned n, int timeout_ms,
                     int *ready)
{
    if (!m->park.count)
        return m->api->multi_wait(m->handle, extra, n, timeout_ms, ready);
    if (m->api->multi_poll)
        return multi_poll(m, extra, n, timeout_ms, ready);
    int ms = limit_timeout(m, timeout_ms), seen = 0;
    int64_t until_ns = clock_now_ns() + ms * NS_PER_MS;
    CURLMcode r = m->api->multi_wait(m->handle, extra, n, ms, &seen);
    if (ready)
        *ready = seen;
    if (!r && !seen && !n && !has_sockets(m))
        clock_sleep_until(until_ns); /* before 7.66, without curl_multi_poll */
    return r;
}
