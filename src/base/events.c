/* SPDX-License-Identifier: MIT */
#include "base/events.h"

#include "base/log.h"
#include "base/shield.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static const char *_Atomic events_path;
static const char *_Atomic trace_path;
static const char *_Atomic events_service = "";
static _Atomic uint32_t last_id;

_Atomic bool events_wanted;

static const char *file(const char *_Atomic *path)
{
    return atomic_load_explicit(path, memory_order_acquire);
}

static void update_wanted(void)
{
    atomic_store(&events_wanted,
                 file(&events_path) || file(&trace_path) || log_level_now >= LOG_DEBUG);
}

void events_set(const char *path, const char *service)
{
    atomic_store(&events_service, service ? service : "");
    atomic_store(&events_path, path);
    update_wanted();
}

void events_trace(const char *path)
{
    atomic_store(&trace_path, path);
    update_wanted();
}

bool events_are_traced(void)
{
    return file(&trace_path) != NULL;
}

uint32_t events_new_id(void)
{
    if (!events_are_wanted())
        return 0;
    uint32_t id = atomic_fetch_add_explicit(&last_id, 1, memory_order_relaxed) + 1;
    return id ? id : 1;
}

static bool is_for_trace_only(const struct event *e)
{
    return e->kind == EVENT_ATTEMPT || e->kind == EVENT_START ||
           (e->kind == EVENT_END && e->request->clean);
}

static bool is_logged(const struct event *e, enum log_level *level)
{
    switch (e->kind) {
    case EVENT_ATTEMPT:
        return false;
    case EVENT_END:
        *level = LOG_DEBUG;
        return *level <= log_level_now && !e->request->clean;
    case EVENT_START:
    case EVENT_OFF:
        *level = LOG_DEBUG;
        break;
    case EVENT_RETRY:
    case EVENT_WAIT:
    case EVENT_DENIED:
        *level = LOG_INFO;
        break;
    case EVENT_ADAPTIVE: /* there may be one cut a second */
        *level = strcmp(e->state, "cut") == 0 ? LOG_INFO : LOG_WARN;
        break;
    default:
        *level = LOG_WARN;
    }
    return *level <= log_level_now;
}

static void say_once(const char *path, const char *what, atomic_bool *said, int err)
{
    if (err && !atomic_exchange(said, true))
        log_error("%s: %s: cannot be written (errno %d)", what, path, -err);
}

static void write_event(void *event)
{
    static atomic_bool events_said, trace_said;
    const struct event *e = event;
    char buf[2560];
    enum log_level level;
    if (is_logged(e, &level)) {
        struct text t = TEXT_OVER(buf);
        event_put_words(&t, e);
        log_line(level, "%s", buf);
    }
    const char *path = is_for_trace_only(e) ? NULL : file(&events_path), *trace = file(&trace_path);
    if (!path && !trace)
        return;
    struct text t = TEXT_OVER(buf);
    event_put_json(&t, e, atomic_load(&events_service));
    if (t.full)
        return; /* an incomplete line is not JSON */
    if (path)
        say_once(path, "events", &events_said, log_append(path, t.p, t.n));
    int err = trace ? log_append(trace, t.p, t.n) : 0;
    if (err !=
        -ENOENT) /* the command that has asked for the trace has ended, and removed its directory */
        say_once(trace, "HARDEN_TRACE", &trace_said, err);
}

void events_emit(const struct event *e)
{
    enum log_level level;
    if (is_logged(e, &level) || file(&trace_path) || (!is_for_trace_only(e) && file(&events_path)))
        shield_run(write_event, (void *)e);
}
