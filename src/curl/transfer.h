/* SPDX-License-Identifier: MIT
 *
 * One perform of the program: all attempts of it. It lies in memory that belongs to the handle, so
 * that nothing points into a stack that a longjmp has left. Leaving easy_perform by return, C++
 * exception or pthread_cancel goes through transfer_leave, which puts the handle's options back. */
#ifndef CURL_TRANSFER_H
#define CURL_TRANSFER_H

#include "curl/body.h"
#include "curl/gate.h"
#include "curl/shadow.h"
#include "engine/call.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

struct transfer {
    struct shadow *shadow;
    struct call call;
    struct gate gate;
    struct body body;
    int64_t
        answered_ns; /* when the last attempt ended, and by the wall clock: a look at a clock costs
                              * as much as a decision */
    int64_t answered_wall_ns;
    int64_t app_deadline_ns; /* from CURLOPT_TIMEOUT(_MS); INT64_MAX: none */
    long timeout_ms;         /* the program's, as it was when we set ours */
    long relaxed_timeout_ms; /* TIMEOUT_MS once a good answer streams; -1: as it is */
    bool wrapped;            /* our callbacks are on the handle */
    bool read_wrapped;
    bool bounded;    /* our time limits are on the handle */
    bool shortened;  /* and this attempt has less time than the program gave the whole request */
    bool holds;      /* answers are held until they are judged */
    bool performing; /* inside libcurl; else we wait, or deliver what was held */
    bool paused;     /* the program has paused what is being delivered */
    bool reset;      /* it took its options back in flight */
    bool ended;      /* counted */
    const struct curl_api *outer; /* that performs around us, in one of whose callbacks we are */
    char error[CURL_ERROR_SIZE];  /* where the program has no buffer */
};

/* Our callbacks and bounds on the handle, and off again. */
void transfer_wrap(struct transfer *t);
void transfer_bound(struct transfer *t, int64_t now_ns);
void transfer_relax(struct transfer *t);
void transfer_unwrap(struct transfer *t);
/* The program's options on a copy that was made of the handle in flight. */
void transfer_unwrap_copy(const struct transfer *t, CURL *copy);
/* What libcurl wrote, or is to write, into the error buffer. */
char *transfer_error(struct transfer *t);

#endif
