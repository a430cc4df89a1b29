/* SPDX-License-Identifier: MIT
 *
 * State shared by the files of the recorder: one handle and the behaviour of its callbacks. */
#ifndef RECORDER_STATE_H
#define RECORDER_STATE_H

#include "turn.h"

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

enum action { ACT_NONE, ACT_PAUSE, ACT_SHORT, ACT_ERROR };

struct trigger {
    enum action action;
    int at;
    int calls;
};

/* Consecutive bytes of a body. */
struct run {
    uint64_t hash;
    size_t bytes;
    const char *tag;
    long code;
};

struct recorder {
    CURL *handle;
    struct turner *loop; /* NULL: curl_easy_perform */
    struct run body_run;
    struct trigger on_write, on_header;
    const char *inflight, *nested_url;
    int inflight_done, paused;
    long long seen_body, abort_after, read_abort; /* -1: never */
    size_t read_size, read_at;
    char errors[CURL_ERROR_SIZE];
};

extern struct recorder rec;

/* recorder_calls.c: the callbacks, which record their calls */
void callbacks(void);
void flush_run(void);
/* At the second call after a callback has paused. */
void unpause(void);
size_t read_cb(char *p, size_t size, size_t n, void *data);
int seek_cb(void *data, curl_off_t offset, int origin);
curlioerr ioctl_cb(CURL *h, int command, void *data);

/* recorder_asked.c: all values of the handle that changed */
void ask_everything(void);
void forget_answers(void);

/* recorder_infos.c: the values of the handle after a transfer */
void print_infos(void);
void result(const char *how, CURLcode rc);
/* Both return text that the caller frees: the error buffer, and the output of print_infos. */
char *outcome_text(void);

/* recorder_loops.c: the multi interface */
void set_driver(const char *name);
void loop_perform(void);
void loop_in_flight(void);
void free_loops(void);

/* recorder_options.c: NAME=VALUE */
void set_pair(const char *name, char *v);
void free_options(void);

#endif
