/* SPDX-License-Identifier: MIT
 *
 * The program is told one time: the earlier of libcurl's and of what is parked. */
#include "curl/multi_parts.h"

#include "base/clock.h"
#include "base/compiler.h"

#include <sys/select.h>

/* From here on libcurl answers calls from a timer callback with CURLM_RECURSIVE_API_CALL. */
#define VERSION_GUARDS_TIMER 0x075200

static int64_t due_ns(const struct multi *m)
{
    const struct parked *first = park_first(&m->park);
    if (likely(!first))
        return PARK_FOREVER;
    if (m->watched && m->progress_at_ns < first->due_ns)
        return m->progress_at_ns;
    return first->due_ns;
}

/* Rounded up: whoever wakes too early turns in vain. */
static long ms_until(int64_t at_ns, int64_t now_ns)
{
    if (at_ns == PARK_FOREVER)
        return -1;
    return at_ns > now_ns ? (long)((at_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- the timer callback --------------------------------------------------------------------- */

/* libcurl says a time once, and never repeats it. So it is kept, for when ours has passed. */
int multi_on_timer(CURLM *handle, long timeout_ms, void *multi)
{
    struct multi *m = multi;
    int64_t now_ns = clock_now_ns();
    m->libcurl_due_ns = timeout_ms < 0 ? PARK_FOREVER : now_ns + timeout_ms * NS_PER_MS;
    if (m->timer_refused)
        return -1;
    int64_t due = earlier(m->libcurl_due_ns, due_ns(m));
    if (m->quiet || due == m->told_ns)
        return 0;
    m->told_ns = due;
    return m->timer_fn(handle, due == m->libcurl_due_ns ? timeout_ms : ms_until(due, now_ns),
                       m->timer_data);
}

void multi_timer_spent(struct multi *m)
{
    m->told_ns = PARK_FOREVER;
    if (m->libcurl_due_ns <= clock_now_ns())
        m->libcurl_due_ns = PARK_FOREVER;
}

CURLMcode multi_retime(struct multi *m)
{
    if (likely(!m->timer_fn || m->depth))
        return CURLM_OK;
    int64_t due = earlier(m->libcurl_due_ns, due_ns(m));
    if (due == m->told_ns)
        return CURLM_OK;
    m->told_ns = due;
    bool outer = m->in_callback;
    m->in_callback = outer || m->api->version_num >= VERSION_GUARDS_TIMER;
    int r = m->timer_fn(m->handle, ms_until(due, clock_now_ns()), m->timer_data);
    m->in_callback = outer;
    if (r != -1)
        return CURLM_OK;
    m->timer_refused = true;
    return CURLM_ABORTED_BY_CALLBACK;
}

/* ---- who asks ------------------------------------------------------------------------------- */

CURLMcode multi_timeout(struct multi *m, long *timeout_ms)
{
    CURLMcode r = m->api->multi_timeout(m->handle, timeout_ms);
    int64_t due = due_ns(m);
    if (r || due == PARK_FOREVER)
        return r;
    long ours = ms_until(due, clock_now_ns());
    if (*timeout_ms < 0 || ours < *timeout_ms)
        *timeout_ms = ours;
    return r;
}

static int shortened(const struct multi *m, int timeout_ms)
{
    int64_t due = due_ns(m);
    if (due == PARK_FOREVER || timeout_ms < 0)
        return timeout_ms;
    long ours = ms_until(due, clock_now_ns());
    return ours < timeout_ms ? (int)ours : timeout_ms;
}

CURLMcode multi_poll(struct multi *m, struct curl_waitfd *extra, unsigned n, int timeout_ms,
                     int *ready)
{
    return m->api->multi_poll(m->handle, extra, n, shortened(m, timeout_ms), ready);
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

/* Without a socket to wait for curl_multi_wait returns at once, and a loop that has only parked
 * transfers would spin. */
CURLMcode multi_wait(struct multi *m, struct curl_waitfd *extra, unsigned n, int timeout_ms,
                     int *ready)
{
    if (!m->park.count)
        return m->api->multi_wait(m->handle, extra, n, timeout_ms, ready);
    if (m->api->multi_poll)
        return multi_poll(m, extra, n, timeout_ms, ready);
    int ms = shortened(m, timeout_ms), seen = 0;
    int64_t until_ns = clock_now_ns() + ms * NS_PER_MS;
    CURLMcode r = m->api->multi_wait(m->handle, extra, n, ms, &seen);
    if (ready)
        *ready = seen;
    if (!r && !seen && !n && !has_sockets(m))
        clock_sleep_until(until_ns); /* before 7.66 */
    return r;
}
