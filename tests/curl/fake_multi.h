/* SPDX-License-Identifier: MIT
 *
 * The multi interface of the scripted libcurl: every handle makes the next attempt of its script in
 * the turn after it was added, or so many turns later. It tells its timer as libcurl does: at once
 * when a handle is added, nothing (-1) when none is left, and a value only when it changed. */
#ifndef FAKE_MULTI_H
#define FAKE_MULTI_H

#include "fake_curl.h"

#define FAKE_HANDLES 32

struct fake_multi {
    CURL *handles[FAKE_HANDLES];
    int turns_left[FAKE_HANDLES];
    bool done[FAKE_HANDLES];
    int count;
    CURLMsg messages[FAKE_HANDLES];
    int message_begin, message_end;

    int slow;          /* turns that each attempt takes; 0: one */
    CURLMcode refuses; /* what adding answers */
    int adds, removes, turns, most_at_once;
    int polls, waits, timeout_seen; /* of polls and waits */
    bool in_callback;
    bool unguarded; /* before 7.82: its timer callback may do anything */

    curl_multi_timer_callback timer_fn;
    void *timer_data;
    long timer_told, own_timeout_ms; /* -1: none */
    curl_push_callback push_fn;
    void *push_data;
    void (*notify_fn)(CURLM *, unsigned, CURL *, void *);
    void *notify_data;
};

struct fake_multi *fake_multi_of(CURLM *m);
/* libcurl's timer changes. */
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
