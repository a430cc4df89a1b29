/* SPDX-License-Identifier: MIT
 *
 * The multi interface of the scripted libcurl: every handle makes the next attempt of its script
 * in the turn after it was added, or a given number of turns later. The timer callback is called
 * as by libcurl: with 0 while a handle has had no turn yet, with -1 when no handle is left, and
 * only when the value changed. When the timer callback fails, all transfers fail, and no
 * callback is called any more. */
#ifndef FAKE_MULTI_H
#define FAKE_MULTI_H

#include "fake_curl.h"

#define FAKE_HANDLES 32

/* How a turn that the timer causes treats the value that was set before. */
enum fake_timer {
    TIMER_FORGETS,   /* up to 8.9: forgotten, so -1 is not set again */
    TIMER_KEEPS,     /* 8.10 to 8.11.0: kept, so the same value is not set again */
    TIMER_TELLS_ALL, /* since 8.11.1: kept, and every value is set again */
};

struct fake_multi {
    CURL *handles[FAKE_HANDLES];
    int turns_left[FAKE_HANDLES];
    bool done[FAKE_HANDLES], fresh[FAKE_HANDLES];
    int count;
    CURLMsg messages[FAKE_HANDLES];
    int message_begin, message_end;

    int slow;          /* turns per attempt; 0: one */
    CURLMcode refuses; /* the result of adding a handle */
    int adds, removes, turns, most_at_once;
    int polls, waits, timeout_seen; /* the timeout of the last poll or wait */
    bool in_callback;
    bool unguarded;            /* before 7.82: the timer callback may call any function */
    bool ignores_timer_result; /* before 7.81: the result of the timer callback is ignored */
    bool dead;                 /* a callback failed */
    int added_in_failure;      /* handles added then: up to 8.x libcurl crashes later */
    bool socket_refuses;       /* the program's socket callback fails in the next turn */

    curl_multi_timer_callback timer_fn;
    void *timer_data;
    enum fake_timer timer;
    long timer_told, own_timeout_ms; /* -1: none */
    bool timer_spent;                /* the last value is to be set again */
    curl_push_callback push_fn;
    void *push_data;
    void (*notify_fn)(CURLM *, unsigned, CURL *, void *);
    void *notify_data;
};

struct fake_multi *fake_multi_of(CURLM *m);
/* Changes libcurl's timer. */
void fake_multi_expire(CURLM *m, long timeout_ms);

CURLM *fake_multi_init(void);
CURLMcode fake_multi_cleanup(CURLM *m);
CURLMcode fake_multi_add(CURLM *m, CURL *h);
CURLMcode fake_multi_remove(CURLM *m, CURL *h);
CURLMcode fake_multi_perform(CURLM *m, int *running);
CURLMcode fake_multi_socket_action(CURLM *m, curl_socket_t fd, int events, int *running);
CURLMcode fake_multi_fdset(CURLM *m, fd_set *in, fd_set *out, fd_set *err, int *highest);
CURLMcode fake_multi_timeout(CURLM *m, long *timeout_ms);
CURLMsg *fake_multi_info_read(CURLM *m, int *left);
CURLMcode fake_multi_setopt(CURLM *m, CURLMoption option, ...);
CURLMcode fake_multi_wait(CURLM *m, struct curl_waitfd *extra, unsigned n, int ms, int *ready);
CURLMcode fake_multi_poll(CURLM *m, struct curl_waitfd *extra, unsigned n, int ms, int *ready);
CURL **fake_multi_get_handles(CURLM *m);
CURLMcode fake_multi_get_offt(CURLM *m, int info, curl_off_t *out);
CURLMcode fake_multi_notify(CURLM *m, unsigned type);

#endif
