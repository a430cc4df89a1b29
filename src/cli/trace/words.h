/* SPDX-License-Identifier: MIT
 *
 * The events of a trace in words: for print.c. */
#ifndef CLI_TRACE_WORDS_H
#define CLI_TRACE_WORDS_H

#include "cli/trace/trace.h"

#define TRACE_RESULT_SIZE   80
#define TRACE_WORDS_SIZE    1024
#define TRACE_DURATION_SIZE 24

/* "HTTP 503", "curl 28 (OPERATION_TIMEDOUT)", "Connection refused", "ok". */
const char *trace_result(const struct trace_event *e, char out[TRACE_RESULT_SIZE]);
/* "12.3 ms", "1.5 s". */
const char *trace_duration(int64_t ns, char out[TRACE_DURATION_SIZE]);
/* "waits 400 ms for a token: rate = 5/1s (harden.ini:3)"; "" for an event that needs no words. */
const char *trace_words(const struct trace_event *e, char out[TRACE_WORDS_SIZE]);

#endif
