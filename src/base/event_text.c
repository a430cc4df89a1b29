/* SPDX-License-Identifier: MIT
 *
 * Events as JSON and in words. */
#include "base/events.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "base/words.h"

#include <string.h>
#include <unistd.h>

/* The longest path that an event shows; of a longer one the end, which tells more. And the longest value.
 * A line that is longer than its buffer is not written at all. */
#define PATH_SHOWN  400
#define VALUE_SHOWN 200

static const char *kind_name(enum event_kind k)
{
    static const char names[][9] = {"retry",  "wait",    "reject",   "breaker", "health",
                                    "denied", "pause",   "adaptive", "slo",     "ignored",
                                    "end",    "attempt", "start",    "off"};
    return names[k];
}

static const char *end_of_path(const char *path, bool whole)
{
    size_t n = strlen(path);
    const char *slash = strrchr(path, '/');
    if (!whole)
        return slash ? slash + 1 : path;
    return n > PATH_SHOWN ? path + n - PATH_SHOWN : path;
}

/* "harden.ini:3", "HARDEN_RATE", "default", or with "preset off, " in front of these. */
static void put_source(struct text *t, const struct event_setting *s, bool whole_path)
{
    if (s->preset)
        text_fmt(t, "preset %s, ", s->preset);
    if (!s->file) {
        text_put(t, "default");
    } else if (strcmp(s->file, "environment") == 0) {
        text_put(t, "HARDEN_");
        for (const char *k = s->preset ? "retry" : s->key; *k; k++)
            text_putn(t, &(char){ascii_upper(*k)}, 1);
    } else {
        text_put(t, end_of_path(s->file, whole_path));
        if (s->line)
            text_fmt(t, ":%d", s->line);
    }
}

static bool is_upper_limit(const char *key)
{
    return strncmp(key, "max_", 4) == 0 || strcmp(key, "retry_after") == 0 ||
           strcmp(key, "hold_limit") == 0;
}

void event_put_setting(struct text *t, const struct event_setting *s, bool whole_path)
{
    text_put(t, s->key);
    if (s->value)
        text_fmt(t, " = %.200s", s->value);
    if (is_upper_limit(s->key))
        text_put(t, " allows no more");
    if (s->value) {
        text_put(t, " (");
        put_source(t, s, whole_path);
        text_put(t, ")");
    }
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void put_result(struct text *t, const struct event *e)
{
    json_fixed(t, "curl", e->curl, 0);
    json_fixed(t, "http", e->http, 0);
    json_fixed(t, "errno", e->os_errno, 0);
}

static void put_end(struct text *t, const struct event *e)
{
    const struct event_request *r = e->request;
    json_object(t, "result");
    put_result(t, e);
    json_close(t, '}');
    json_fixed(t, "attempts", r->attempts, 0);
    json_fixed(t, "waited_s", r->waited_ns / NS_PER_MS, 3);
    if (r->waited_for)
        json_string(t, "waited_for", r->waited_for);
    if (r->duration_ns >= 0)
        json_fixed(t, "duration_ms", r->duration_ns / NS_PER_US, 3);
    if (r->not_retried)
        json_string(t, "not_retried", r->not_retried);
    if (r->refused)
        json_string(t, "refused", r->refused);
}

static void put_process(struct text *t, const struct event_process *p)
{
    json_string(t, "mode", p->mode);
    json_array(t, "config");
    for (int i = 0; i < (int)array_size(p->config) && p->config[i]; i++)
        json_element(t, end_of_path(p->config[i], true));
    json_close(t, ']');
    json_string(t, "board", end_of_path(p->board, true));
}

static void put_setting(struct text *t, const struct event_setting *s)
{
    char source[PATH_SHOWN + 64], value[VALUE_SHOWN + 1];
    struct text out = TEXT_OVER(source), shown = TEXT_OVER(value);
    json_string(t, "setting", s->key);
    if (!s->value)
        return;
    text_put(&shown, s->value);
    if (shown.full)
        memcpy(value + shown.n - 3, "...", 3);
    json_string(t, "value", value);
    put_source(&out, s, true);
    json_string(t, "source", source);
}

static void put_facts(struct text *t, const struct event *e)
{
    if (e->kind == EVENT_END) {
        put_end(t, e);
    } else if (e->kind == EVENT_ATTEMPT) {
        put_result(t, e);
        json_fixed(t, "duration_ms", e->request->duration_ns / NS_PER_US, 3);
    } else {
        if (e->kind == EVENT_RETRY || e->kind == EVENT_DENIED || e->curl || e->http ||
            e->os_errno) {
            json_fixed(t, "curl", e->curl, 0);
            json_fixed(t, "http", e->http, 0);
        }
        if (e->os_errno)
            json_fixed(t, "errno", e->os_errno, 0);
    }
}

void event_put_json(struct text *t, const struct event *e, const char *service)
{
    bool of_request = e->kind == EVENT_END || e->kind == EVENT_ATTEMPT;
    json_open(t, '{');
    json_time(t, "time", clock_wall_ns());
    json_string(t, "service", service);
    json_fixed(t, "pid", getpid(), 0);
    if (e->id) {
        json_key(t, "id");
        text_fmt(t, "\"%d-%u\",", (int)getpid(), e->id);
    }
    if (e->host)
        json_string(t, "host", e->host);
    json_string(t, "event", kind_name(e->kind));
    if (of_request && e->request->method)
        json_string(t, "method", e->request->method);
    if (e->attempt)
        json_fixed(t, "attempt", e->attempt, 0);
    if (e->part)
        json_bool(t, "part", true);
    if (e->reason)
        json_string(t, "reason", e->reason);
    if (e->state)
        json_string(t, "state", e->state);
    put_facts(t, e);
    if (e->kind == EVENT_START)
        put_process(t, e->process);
    if (e->place)
        json_string(t, "place", e->place);
    if (e->hint)
        json_string(t, "hint", e->hint);
    if (e->rate_milli)
        json_fixed(t, "rate", (int64_t)e->rate_milli, 3);
    if (e->wait_ns >= 0)
        json_fixed(t, "wait_ms", e->wait_ns / NS_PER_MS, 0);
    if (e->ended_ns)
        json_time(t, "ended", e->ended_ns);
    if (e->setting)
        put_setting(t, e->setting);
    if (e->observed)
        json_bool(t, "observed", true);
    json_close(t, '}');
    json_end(t);
}

/* ---- words ---------------------------------------------------------------------------------- */

const char *event_reason_words(const char *not_retried)
{
    static const struct {
        char name[16], words[56];
    } reasons[] = {
        {"class", "such a result is not repeated"},
        {"method", "such a request is not repeated after that"},
        {"committed", "the program has seen a part of the response"},
        {"hold_limit", "the response is larger than what is held"},
        {"body", "the request body cannot be sent again"},
        {"attempts", "all attempts are used"},
        {"hint", "the server asks for a longer wait"},
        {"deadline", "no time is left"},
        {"program_timeout", "the program's own time-out leaves no time"},
        {"breaker", "the circuit is open"},
        {"budget", "the retry budget is empty"},
        {"rate", "the wait for a token would be too long"},
        {"pause", "the wait for the end of a pause would be too long"},
        {"concurrency", "the wait for another request to end would be too long"},
        {"observe", "it is only observed"},
        {"off", "retries are off"},
        {"program", "the program has ended or changed it"},
        {"nonblocking", "the socket does not block"},
        {"uncovered", "a transfer like this is not covered"},
    };
    for (size_t i = 0; i < array_size(reasons); i++)
        if (!strcmp(reasons[i].name, not_retried))
            return reasons[i].words;
    return not_retried;
}

static void put_failure(struct text *t, const struct event *e)
{
    if (e->http)
        text_fmt(t, " (http %d)", e->http);
    else if (e->curl)
        text_fmt(t, " (curl %d)", e->curl);
    else if (e->os_errno)
        text_fmt(t, " (errno %d)", e->os_errno);
}

/* "enforce; configuration: /etc/harden/harden.ini; board: /run/user/1000/harden/board.16" */
static void put_process_words(struct text *t, const struct event_process *p)
{
    text_fmt(t, "mode %s; configuration: ", p->mode);
    for (int i = 0; i < (int)array_size(p->config) && p->config[i]; i++)
        text_fmt(t, "%s%s", i ? ", " : "", end_of_path(p->config[i], true));
    text_fmt(t, "%s; board: %s", p->config[0] ? "" : "no file", end_of_path(p->board, true));
}

static void put_off_words(struct text *t, const struct event *e)
{
    text_put(t, "does nothing in this process: ");
    event_put_setting(t, e->setting, true);
}

static bool is_crowd(const char *reason)
{
    return strcmp(reason, "concurrency") == 0;
}

/* "4711-12: GET (http 503), 3 attempts, waited 912 ms; not repeated: all attempts are used:
 * max_attempts = 3 (/etc/harden/harden.ini:3)" */
static void put_end_words(struct text *t, const struct event *e)
{
    const struct event_request *r = e->request;
    text_fmt(t, "end of %d-%u: %s", (int)getpid(), e->id, r->method ? r->method : "request");
    put_failure(t, e);
    if (e->place)
        text_fmt(t, " at %s", e->place);
    text_fmt(t, ", %d attempt%s, waited %lld ms", r->attempts, r->attempts == 1 ? "" : "s",
             (long long)(r->waited_ns / NS_PER_MS));
    if (r->waited_for)
        text_fmt(t, " for a %s", is_crowd(r->waited_for) ? "permit" : r->waited_for);
    if (r->refused)
        text_fmt(t, "; refused: %s", r->refused);
    if (r->not_retried)
        text_fmt(t, "; not repeated: %s", event_reason_words(r->not_retried));
    if (e->setting) {
        text_put(t, ": ");
        event_put_setting(t, e->setting, true);
    }
}

static void put_wait(struct text *t, const struct event *e)
{
    bool crowd = e->reason && is_crowd(e->reason);
    if (crowd && e->kind == EVENT_REJECT)
        return; /* it is not known when a request ends */
    if (crowd)
        text_fmt(t, ", for %lld ms at most", (long long)(e->wait_ns / NS_PER_MS));
    else if (e->kind == EVENT_REJECT && e->setting) {
        text_put(t, ", needs ");
        text_fixed(t, e->wait_ns / NS_PER_MS, 3);
        text_put(t, " s");
    } else {
        text_fmt(t, e->kind == EVENT_PAUSE ? ", for %lld ms" : ", in %lld ms",
                 (long long)(e->wait_ns / NS_PER_MS));
    }
}

static void put_event_words(struct text *t, const struct event *e)
{
    text_put(t, kind_name(e->kind));
    if (e->part)
        text_put(t, " of a part");
    if (e->attempt)
        text_fmt(t, " after attempt %d", e->attempt);
    if (e->state)
        text_fmt(t, " is %s", e->state);
    if (e->reason)
        text_fmt(t, ": %s", e->reason);
    put_failure(t, e);
    if (e->hint)
        text_fmt(t, ", asked by the server: %s", e->hint);
    if (e->rate_milli) {
        text_put(t, ", to ");
        text_fixed(t, (int64_t)e->rate_milli, 3);
        text_put(t, "/s");
    }
    if (e->wait_ns >= 0)
        put_wait(t, e);
    if (e->place)
        text_fmt(t, ", at %s", e->place);
    if (e->setting) {
        text_put(t, ", ");
        event_put_setting(t, e->setting, true);
    }
}

void event_put_words(struct text *t, const struct event *e)
{
    if (e->kind == EVENT_START) {
        put_process_words(t, e->process);
        return;
    }
    if (e->kind == EVENT_OFF) {
        put_off_words(t, e);
        return;
    }
    if (e->host)
        text_fmt(t, "%s: ", e->host);
    if (e->kind == EVENT_END)
        put_end_words(t, e);
    else
        put_event_words(t, e);
    if (e->observed)
        text_put(t, " (observed only)");
}
