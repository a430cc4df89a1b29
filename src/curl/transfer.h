/* SPDX-License-Identifier: MIT
 *
 * One request of the program with all its attempts, for the easy driver and the multi driver.
 *
 *     struct transfer *t = transfer_begin(shadow, BY_EASY, now);     NULL: leave it to libcurl
 *     while (call_admit(&t->call, now).answer == ANSWER_GO) {
 *         transfer_begin_attempt(t, now);
 *         r = ... libcurl transfers ...
 *         r = transfer_end_attempt(t, &a, r);
 *         if (!transfer_decide_retry(t, &a, &r, &at_ns))
 *             gate_deliver(&t->gate), and that was the last
 *     }
 *     transfer_end(t, r, now);                  counts it
 *     transfer_leave(t);                        restores the handle's options
 *
 * Its memory belongs to the handle, so that nothing points into a stack frame that a longjmp has
 * left. transfer_leave without transfer_end abandons the call (call.h). One thread at a time, like
 * the handle. */
#ifndef CURL_TRANSFER_H
#define CURL_TRANSFER_H

#include "curl/gate/gate.h"
#include "curl/previous_result.h"
#include "curl/request_body.h"
#include "curl/shadow.h"
#include "engine/call/call.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

/* libcurl calls the progress function four to five times a second when idle, and so do we. */
#define PROGRESS_STEP_NS (200 * NS_PER_MS)

struct transfer {
    struct shadow *shadow;
    struct call call;
    struct gate gate;
    struct request_body body;
    struct previous_result previous;
    /* On the handle in place of the program's CURLOPT_CONNECT_TO; NULL: none. */
    struct curl_slist *connect_to;
    int64_t started_ns;       /* when the last attempt started */
    int64_t answered_ns;      /* when it ended; kept because reading a clock is expensive */
    int64_t answered_wall_ns; /* the same by the wall clock */
    int64_t app_deadline_ns;  /* from CURLOPT_TIMEOUT(_MS); INT64_MAX: none */
    long timeout_ms;          /* CURLOPT_TIMEOUT_MS of the program when we set our own */
    /* Our limit for this attempt, if less than that of the program; INT64_MAX: none. */
    int64_t attempt_timeout_ns;
    /* CURLOPT_TIMEOUT_MS from when a good response has been committed; -1: unchanged. */
    long relaxed_timeout_ms;
    bool wrapped;                 /* our callbacks are set on the handle */
    bool read_wrapped;            /* also that for the request body */
    bool timeouts_set;            /* our time limits are set on the handle */
    bool set_for_retry;           /* one of the next two, or connect_to, is set */
    bool skips_dns_cache;         /* libcurl's DNS cache is switched off on the handle */
    bool avoids_reuse;            /* CURLOPT_FRESH_CONNECT is switched on on the handle */
    bool holds;                   /* responses are held until they are judged */
    bool performing;              /* libcurl performs; else we wait, or deliver what was held */
    bool paused;                  /* the program has paused the delivery */
    bool reset;                   /* it reset the options during the transfer */
    bool is_last;                 /* the program made this attempt fail: no other one may follow */
    bool idempotency_key;         /* the request has such a header */
    bool ended;                   /* it was counted */
    const struct curl_api *outer; /* the libcurl in one of whose callbacks we are; NULL: none */
    char error[CURL_ERROR_SIZE];  /* buffer if the program has set none */
};

enum driver { BY_EASY, BY_MULTI };

struct transfer *transfer_begin(struct shadow *s, enum driver driver, int64_t now_ns);
/* Prepares the handle for libcurl. */
void transfer_begin_attempt(struct transfer *t, int64_t now_ns);
/* libcurl has returned r: fills *a, and returns the code for the program if this was the last. */
CURLcode transfer_end_attempt(struct transfer *t, struct attempt *a, CURLcode r);
/* Whether another attempt follows, at *at_ns; if so, the request body has been rewound. *r is that
 * code; if this attempt was cut short by our limit, it becomes that of the one before
 * (previous_result.h). */
bool transfer_decide_retry(struct transfer *t, struct attempt *a, CURLcode *r, int64_t *at_ns);
void transfer_end(struct transfer *t, CURLcode r, int64_t now_ns);
void transfer_leave(struct transfer *t);
/* Frees its memory. No transfer may be under way. */
void transfer_free(struct transfer *t);

/* Calls the program's progress callback while we wait. False: it aborts the transfer. */
bool transfer_progress(const struct shadow *s);
/* Set the error text, and return the code. */
CURLcode transfer_failed(struct transfer *t, CURLcode code, const char *text);
CURLcode transfer_aborted(struct transfer *t);
/* A callback has refused held data: with libcurl's text for that. */
CURLcode transfer_write_failed(struct transfer *t);

/* Set on the handle: our callbacks, our time limits for the next attempt, and the limit for a
 * response that has been committed. */
void transfer_wrap(struct transfer *t);
void transfer_set_timeouts(struct transfer *t, int64_t now_ns);
void transfer_relax_timeout(struct transfer *t);
/* Which places the requests of the handle can reach, and where the next attempt goes, which was admitted. */
void transfer_limit_places(struct transfer *t);
void transfer_set_place(struct transfer *t, int64_t now_ns);
/* A name was not found: the next attempt would find that in the cache of libcurl 8.16 and later. */
void transfer_skip_dns_cache(struct transfer *t);
/* Whether the next attempt is kept from reusing a connection. */
void transfer_avoid_reuse(struct transfer *t, bool avoid);
/* Restores the program's options. */
void transfer_unwrap(struct transfer *t);
/* Whether the handle has our value for this option instead of the program's. */
bool transfer_replaces(const struct shadow *s, CURLoption option);
/* Sets the program's options on a copy that was made of the handle during a transfer. */
void transfer_unwrap_copy(const struct transfer *t, CURL *copy);
/* The error buffer that libcurl uses. */
char *transfer_error(struct transfer *t);

#endif
