/* SPDX-License-Identifier: MIT
 *
 * Events: one JSON line per retry, denied retry, wait, rejection, pause, and change of a breaker, a status, an
 * adaptive rate or an SLO,
 * and one at the end of each request that failed, waited, was repeated or was refused, appended to the file
 * that the option `events` names. Each event also goes to the log, at level info (warn for rejections and
 * changes, debug for ends). A line is one write() to a descriptor that is opened with O_APPEND for it and
 * then closed, so lines of several processes do not mix. Nothing secret: host, method, numbers, names of
 * reasons, and what the configuration says. conf/events.schema.json has all members.
 *
 *     {"time":"2026-01-25T10:00:00.123Z","service":"legacy-client","pid":4711,"id":"4711-12",
 *      "host":"api.example.com","event":"retry","attempt":1,"reason":"http_5xx","curl":0,
 *      "http":503,"wait_ms":412}
 *
 * The trace is a second file, named by HARDEN_TRACE: it has the same lines, the end of every request, each
 * attempt, and what the process does at all.
 *
 * Costs one comparison if nothing is to be written. Preserves errno; never fails. Any thread. */
#ifndef BASE_EVENTS_H
#define BASE_EVENTS_H

#include "base/compiler.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum event_kind {
    EVENT_RETRY,
    EVENT_WAIT,
    EVENT_REJECT,
    EVENT_BREAKER,
    EVENT_HEALTH,
    EVENT_DENIED,   /* a retry that the budget did not allow */
    EVENT_PAUSE,    /* a server asked all requests to wait, or this is over */
    EVENT_ADAPTIVE, /* the adaptive rate of a host is on, was cut, or is off again */
    EVENT_SLO,      /* the error budget of a host began to burn, or this is over */
    EVENT_IGNORED,  /* a server asked for such a long wait that it must be a mistake */
    EVENT_END,      /* of a request */
    EVENT_ATTEMPT,  /* of a request; trace only */
    EVENT_START,    /* what the library does in this process; trace only */
    EVENT_OFF,      /* why it does nothing in this process */
};

/* The key that decided, its value as written, and where it is set. */
struct event_setting {
    const char *key;
    const char *value; /* NULL: omitted */
    const char *file;  /* a path, or "environment"; NULL: the default */
    int line;          /* 0: none */
    const char
        *preset; /* of `retry`, which gives this value and is set there; NULL: the key itself is */
};

/* Of EVENT_END and EVENT_ATTEMPT. */
struct event_request {
    const char *method; /* NULL: omitted */
    const char
        *not_retried;    /* why the failure was not followed by another attempt; NULL: omitted */
    const char *refused; /* "rate", "pause", "breaker", "concurrency"; NULL: omitted */
    const char *
        waited_for; /* "rate", "pause", "concurrency": its last wait before an attempt; NULL: omitted */
    int attempts;
    int64_t waited_ns;
    int64_t duration_ns; /* -1: omitted */
    bool clean;          /* not failed, delayed, repeated or refused: for the trace only */
};

/* Of EVENT_START. */
struct event_process {
    const char *mode;
    const char *config[4]; /* files that were read; NULL ends the list */
    const char *board;
};

struct event {
    enum event_kind kind;
    uint32_t id;        /* of the request: events_new_id(); 0: omitted */
    const char *host;   /* NULL: omitted */
    int attempt;        /* 0: omitted */
    bool part;          /* a pause of a part of the host only */
    bool observed;      /* observe mode: it would have happened in enforce mode */
    const char *reason; /* "rate", "gate", "breaker", "concurrency", a reason_name; NULL: omitted */
    const char *state;  /* new state of a breaker, status or pause; NULL: omitted */
    const char *hint;   /* the header line that asked for a pause; NULL: omitted */
    const char
        *place; /* where the next attempt is made, or this or the last one was; NULL: omitted */
    int curl;
    int http;
    int os_errno;
    uint64_t rate_milli; /* of EVENT_ADAPTIVE: requests in 1000 s; 0: omitted */
    int64_t wait_ns;     /* -1: omitted; for a permit the longest that is possible */
    int64_t
        ended_ns; /* when a pause, an adaptive rate, or the burning of an SLO, was over, wall clock; 0: omitted */
    const struct event_setting *setting; /* NULL: none decided; of EVENT_OFF always */
    union {
        const struct event_request *request;
        const struct event_process *process;
    };
};

/* path NULL: no file. The strings are kept, so they must live as long as the process. To be called after
 * log_set(): the log level counts, too. */
void events_set(const char *path, const char *service);
void events_trace(const char *path);
/* True if so much is traced that every request and every attempt has an event. */
bool events_are_traced(void);
void events_emit(const struct event *e);

/* Whether the events of a request are wanted at all, by a file, a trace, or the log at level debug. */
extern _Atomic bool events_wanted;
static inline bool events_are_wanted(void)
{
    return unlikely(atomic_load_explicit(&events_wanted, memory_order_relaxed));
}
/* A number that no other request of this process has; 0 unless events are wanted. */
uint32_t events_new_id(void);

/* ---- event_text.c: the two forms of an event ---- */
struct text;
void event_put_json(struct text *t, const struct event *e, const char *service);
/* "api.example.com: retry after attempt 1: http_5xx (http 503), in 412 ms" */
void event_put_words(struct text *t, const struct event *e);
/* What a not_retried means: "all attempts are used". Itself if it is not known. */
const char *event_reason_words(const char *not_retried);
/* Appends "max_elapsed = 10s allows no more (harden.ini:3)". whole_path: the path of the file as it is, else
 * its last part. */
void event_put_setting(struct text *t, const struct event_setting *s, bool whole_path);

#endif
