/* SPDX-License-Identifier: MIT
 *
 * One turn of a program's own loop over a multi handle, in the four styles that programs use:
 *
 *     poll      curl_multi_perform, curl_multi_poll
 *     wait      curl_multi_perform, curl_multi_wait, and a short sleep if nothing was to wait for
 *     fdset     curl_multi_perform, curl_multi_timeout, curl_multi_fdset, select
 *     socket    curl_multi_socket_action, epoll, and libcurl's two callbacks
 *
 *     struct turner t;
 *     turner_init(&t, STYLE_POLL);
 *     turner_add(&t, handle);
 *     for (;;) {
 *         turn_act(&t);
 *         ...curl_multi_info_read(t.multi, &left)...
 *         if (!t.running)        the usual end: a transfer missing from this count would be lost
 *             break;
 *         turn_wait(&t, 1000);
 *     }
 *     turner_free(&t); */
#ifndef TURN_H
#define TURN_H

#include <curl/curl.h>
#include <stdbool.h>
#include <sys/epoll.h>

enum style { STYLE_POLL, STYLE_WAIT, STYLE_FDSET, STYLE_SOCKET };

#define TURN_EVENTS 64

struct turner {
    enum style style;
    CURLM *multi;
    int running;
    long timer_calls, socket_calls;
    long wrong; /* callbacks with an unexpected argument or an unknown socket */
    /* the rest is for STYLE_SOCKET */
    double timer_at_ms; /* on the clock of now_ms; negative: none */
    int sockets;        /* number of sockets that libcurl asked us to watch */
    int epoll, idle, ready;
    struct epoll_event events[TURN_EVENTS];
};

double now_ms(void);
/* Returns false if there is no such style. */
bool style_of(const char *name, enum style *style);
void turner_init(struct turner *t, enum style style);
CURLMcode turner_add(struct turner *t, CURL *handle);
CURLMcode turn_act(struct turner *t);
/* Waits until there is something to do, at most this long. Returns false on timeout. */
bool turn_wait(struct turner *t, int at_most_ms);
/* Whether libcurl still has a timeout set. */
bool turner_timed(struct turner *t);
CURLMcode turner_free(struct turner *t);

#endif
