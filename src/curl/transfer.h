/* SPDX-License-Identifier: MIT
 *
 * One request of the program: all attempts of it, whoever drives them.
 *
 *     struct transfer *t = transfer_begin(shadow, BY_EASY, now);     NULL: it is libcurl's alone
 *     while (call_admit(&t->call, now) says GO) {
 *         transfer_begin_attempt(t, now);
 *         r = ... libcurl transfers ...
 *         r = transfer_end_attempt(t, &a, r);
 *         if (!transfer_decide_retry(t, &a, &r, &at_ns))
 *             gate_deliver(&t->gate), and that was the last
 *     }
 *     transfer_end(t, r, now);                  counted
 *     transfer_leave(t);                        the handle is as the program made it
 *
 * It lies in memory that belongs to the handle, so that nothing points into a stack that a longjmp
 * has left. transfer_leave without transfer_end gives back what the engine lent. */
#ifndef CURL_TRANSFER_H
#define CURL_TRANSFER_H

#include "curl/fallback.h"
#include "curl/gate/gate.h"
#include "curl/request_body.h"
#include "curl/shadow.h"
#include "engine/call/call.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

/* libcurl calls the progress function four to five times a second when idle; so do we. */
#define PROGRESS_STEP_NS (200 * NS_PER_MS)

struct transfer {
    struct shadow *shadow;
    struct call call;
    struct gate gate;
    struct request_body body;
    struct fallback fallback;
    int64_t started_ns;  /* when the last attempt started */
    int64_t answered_ns; /* when it ended, and by the wall clock: a look at a clock costs as much as
                          * a decision */
    int64_t answered_wall_ns;
    int64_t app_deadline_ns; /* from CURLOPT_TIMEOUT(_MS); INT64_MAX: none */
    long timeout_ms;         /* the program's, as it was when we set ours */
    int64_t
        attempt_timeout_ns; /* that this attempt may take at most, where that is less than the program
                              * gave the whole request; INT64_MAX: it is not */
    long relaxed_timeout_ms; /* TIMEOUT_MS once a good answer streams; -1: as it is */
    bool wrapped;            /* our callbacks are on the handle */
    bool read_wrapped;
    bool timeouts_set;            /* our time limits are on the handle */
    bool skips_dns_cache;         /* and no name may come from libcurl's memory */
    bool holds;                   /* answers are held until they are judged */
    bool performing;              /* it is libcurl's turn; else we wait, or deliver what was held */
    bool paused;                  /* the program has paused what is being delivered */
    bool reset;                   /* it took its options back in flight */
    bool is_last;                 /* it wants this attempt to fail: no other one follows */
    bool idempotency_key;         /* among the request's headers, as they were when it began */
    bool ended;                   /* counted */
    const struct curl_api *outer; /* at work around us, in one of whose callbacks we are */
    char error[CURL_ERROR_SIZE];  /* where the program has no buffer */
};

enum driver { BY_EASY, BY_MULTI };

struct transfer *transfer_begin(struct shadow *s, enum driver driver, int64_t now_ns);
/* The handle is ready for libcurl. */
void transfer_begin_attempt(struct transfer *t, int64_t now_ns);
/* libcurl ended with r: fills *a. The code that the program is to get if this was the last one. */
CURLcode transfer_end_attempt(struct transfer *t, struct attempt *a, CURLcode r);
/* Whether another attempt follows, at *at_ns; the body is rewound then. *r, that code, becomes that of
 * the attempt before if this one was cut short by us: see earlier.h. */
bool transfer_decide_retry(struct transfer *t, struct attempt *a, CURLcode *r, int64_t *at_ns);
void transfer_end(struct transfer *t, CURLcode r, int64_t now_ns);
void transfer_leave(struct transfer *t);
/* Its memory; nothing is in flight. */
void transfer_free(struct transfer *t);

/* The program's progress callback, while nothing moves. False: it wants no more. */
bool transfer_progress(const struct shadow *s);
/* A failure of ours, with its text. */
CURLcode transfer_failed(struct transfer *t, CURLcode code, const char *text);
CURLcode transfer_aborted(struct transfer *t);
/* The program has refused what was held: with the text that libcurl has for that. */
CURLcode transfer_write_failed(struct transfer *t);

/* Our callbacks and bounds on the handle, and off again. */
void transfer_wrap(struct transfer *t);
void transfer_set_timeouts(struct transfer *t, int64_t now_ns);
void transfer_relax_timeout(struct transfer *t);
/* A name was not found: libcurl 8.16 and later would remember that for the next attempt. */
void transfer_skip_dns_cache(struct transfer *t);
void transfer_unwrap(struct transfer *t);
/* Whether the handle has an option of ours in place of the program's. */
bool transfer_replaces(const struct shadow *s, CURLoption option);
/* The program's options on a copy that was made of the handle in flight. */
void transfer_unwrap_copy(const struct transfer *t, CURL *copy);
/* What libcurl wrote, or is to write, into the error buffer. */
char *transfer_error(struct transfer *t);

#endif
