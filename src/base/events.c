/* SPDX-License-Identifier: MIT */
#include "base/events.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/shield.h"
#include "base/text.h"

#include <stdatomic.h>
#include <unistd.h>

static const char *_Atomic events_path;
static const char *_Atomic events_service = "";

void events_set(const char *path, const char *service)
{
    atomic_store(&events_service, service ? service : "");
    atomic_store(&events_path, path);
}

static const char *kind_name(enum event_kind k)
{
    static const char *const names[] = {"retry",  "wait",   "reject", "breaker",
                                        "health", "denied", "pause",  "ignored"};
    return names[k];
}

static void put_json(struct text *t, const struct event *e)
{
    json_open(t, '{');
    json_time(t, "time", clock_wall_ns());
    json_string(t, "service", atomic_load(&events_service));
    json_fixed(t, "pid", getpid(), 0);
    if (e->host)
        json_string(t, "host", e->host);
    json_string(t, "event", kind_name(e->kind));
    if (e->attempt)
        json_fixed(t, "attempt", e->attempt, 0);
    if (e->part)
        json_bool(t, "part", true);
    if (e->reason)
        json_string(t, "reason", e->reason);
    if (e->state)
        json_string(t, "state", e->state);
    if (e->kind == EVENT_RETRY || e->kind == EVENT_DENIED || e->curl || e->http || e->os_errno) {
        json_fixed(t, "curl", e->curl, 0);
        json_fixed(t, "http", e->http, 0);
    }
    if (e->os_errno)
        json_fixed(t, "errno", e->os_errno, 0);
    if (e->hint)
        json_string(t, "hint", e->hint);
    if (e->wait_ns >= 0)
        json_fixed(t, "wait_ms", e->wait_ns / NS_PER_MS, 0);
    if (e->ended_ns)
        json_time(t, "ended", e->ended_ns);
    if (e->observed)
        json_bool(t, "observed", true);
    json_close(t, '}');
    json_end(t);
}

/* "api.example.com: retry after attempt 1: http_5xx (http 503), in 412 ms" */
static void put_words(struct text *t, const struct event *e)
{
    text_put(t, e->host ? e->host : "?");
    text_put(t, ": ");
    text_put(t, kind_name(e->kind));
    if (e->part)
        text_put(t, " of a part");
    if (e->attempt)
        text_fmt(t, " after attempt %d", e->attempt);
    if (e->state)
        text_fmt(t, " is %s", e->state);
    if (e->reason)
        text_fmt(t, ": %s", e->reason);
    if (e->http)
        text_fmt(t, " (http %d)", e->http);
    else if (e->curl)
        text_fmt(t, " (curl %d)", e->curl);
    else if (e->os_errno)
        text_fmt(t, " (errno %d)", e->os_errno);
    if (e->hint)
        text_fmt(t, ", asked by the server: %s", e->hint);
    if (e->wait_ns >= 0)
        text_fmt(t, e->kind == EVENT_PAUSE ? ", for %lld ms" : ", in %lld ms",
                 (long long)(e->wait_ns / NS_PER_MS));
    if (e->observed)
        text_put(t, " (observed only)");
}

static enum log_level level_of(const struct event *e)
{
    bool usual = e->kind == EVENT_RETRY || e->kind == EVENT_WAIT || e->kind == EVENT_DENIED;
    return usual ? LOG_INFO : LOG_WARN;
}

static void write_event(void *event)
{
    const struct event *e = event;
    char buf[1536];
    if (level_of(e) <= log_level_now) {
        struct text t = TEXT_OVER(buf);
        put_words(&t, e);
        log_line(level_of(e), "%s", buf);
    }
    const char *path = atomic_load_explicit(&events_path, memory_order_acquire);
    if (!path)
        return;
    struct text t = TEXT_OVER(buf);
    put_json(&t, e);
    if (t.full)
        return; /* an incomplete line is not JSON */
    int err = log_append(path, t.p, t.n);
    static atomic_bool said;
    if (err && !atomic_exchange(&said, true))
        log_error("events: %s: cannot be written (errno %d)", path, -err);
}

void events_emit(const struct event *e)
{
    if (level_of(e) <= log_level_now || atomic_load_explicit(&events_path, memory_order_acquire))
        shield_run(write_event, (void *)e);
}
