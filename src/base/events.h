/* SPDX-License-Identifier: MIT
 *
 * Events: one JSON line per retry, retry that the budget denied, wait, rejection, breaker change and
 * health change, appended to the file that `events` names. The same fact goes to the log at level
 * info (warn for rejections and changes). A line is one write() to a descriptor opened with O_APPEND
 * for it and closed again, so lines of many processes do not mix. Nothing secret: host, numbers and
 * class names only.
 *
 *     {"time":"2026-01-25T10:00:00.123Z","service":"legacy-client","pid":4711,
 *      "host":"api.example.com","event":"retry","attempt":1,"reason":"http_5xx","curl":0,
 *      "http":503,"wait_ms":412}
 *
 * Costs nothing but a test when neither is on. Preserves errno; never fails to the outside. */
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
    EVENT_DENIED, /* a retry, by the budget */
};

struct event {
    enum event_kind kind;
    const char *host;
    int attempt;        /* 0: leave out */
    const char *reason; /* "rate", "gate", "breaker", a reason_name; NULL: leave out */
    const char *state;  /* new state of a breaker or status; NULL: leave out */
    int curl;
    int http;
    int os_errno;
    int64_t wait_ns; /* -1: leave out */
    bool observed;   /* observe mode: only would have happened */
};

/* path NULL: no file. The strings must live as long as the process. */
void events_set(const char *path, const char *service);
void events_emit(const struct event *e);

#endif
