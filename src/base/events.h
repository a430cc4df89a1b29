/* SPDX-License-Identifier: MIT
 *
 * Events: one JSON line per retry, denied retry, wait, rejection, pause, breaker change and status change,
 * appended to the file that the option `events` names. Each event also goes to the log, at level info
 * (warn for rejections and changes). A line is one write() to a descriptor that is opened with O_APPEND
 * for it and then closed, so lines of several processes do not mix. Nothing secret: host, numbers and
 * names of reasons only.
 *
 *     {"time":"2026-01-25T10:00:00.123Z","service":"legacy-client","pid":4711,
 *      "host":"api.example.com","event":"retry","attempt":1,"reason":"http_5xx","curl":0,
 *      "http":503,"wait_ms":412}
 *
 * Costs one comparison if neither file nor log level is on. Preserves errno; never fails. Any thread. */
#ifndef BASE_EVENTS_H
#define BASE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

enum event_kind {
    EVENT_RETRY,
    EVENT_WAIT,
    EVENT_REJECT,
    EVENT_BREAKER,
    EVENT_HEALTH,
    EVENT_DENIED,  /* a retry that the budget did not allow */
    EVENT_PAUSE,   /* a server asked all requests to wait, or this is over */
    EVENT_IGNORED, /* a server asked for such a long wait that it must be a mistake */
};

struct event {
    enum event_kind kind;
    const char *host;
    int attempt;        /* 0: omitted */
    const char *reason; /* "rate", "gate", "breaker", a reason_name; NULL: omitted */
    const char *state;  /* new state of a breaker, status or pause; NULL: omitted */
    const char *hint;   /* the header line that asked for a pause; NULL: omitted */
    bool part;          /* a pause of a part of the host only */
    int curl;
    int http;
    int os_errno;
    int64_t wait_ns;  /* -1: omitted */
    int64_t ended_ns; /* when a pause was over, wall clock; 0: omitted */
    bool observed;    /* observe mode: it would have happened in enforce mode */
};

/* path NULL: no file. The strings are kept, so they must live as long as the process. */
void events_set(const char *path, const char *service);
void events_emit(const struct event *e);

#endif
