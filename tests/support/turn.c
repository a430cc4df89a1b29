/* SPDX-License-Identifier: MIT */
#include "turn.h"

#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#define NO_SOCKET_MS 100 /* the sleep that libcurl's manual recommends when it names no socket */
#define NO_WAIT_MS   10

double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

bool style_of(const char *name, enum style *style)
{
    static const char *const names[] = {"poll", "wait", "fdset", "socket"};
    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0) {
            *style = (enum style)i;
            return true;
        }
    return false;
}

/* ---- callbacks of the socket style ----------------------------------------------------------- */

static int on_socket(CURL *h, curl_socket_t s, int what, void *data, void *known)
{
    struct turner *t = data;
    struct epoll_event e = {.data.fd = s};
    (void)h;
    t->socket_calls++;
    if (known && known != t)
        t->wrong++;
    if (what == CURL_POLL_REMOVE) {
        if (known)
            t->sockets--;
        epoll_ctl(t->epoll, EPOLL_CTL_DEL, s, NULL);
        return 0;
    }
    e.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
    if (!known) {
        t->sockets++;
        curl_multi_assign(t->multi, s, t);
    }
    if (epoll_ctl(t->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, s, &e) != 0)
        t->wrong++;
    return 0;
}

static int on_timer(CURLM *multi, long ms, void *data)
{
    struct turner *t = data;
    t->timer_calls++;
    if (multi != t->multi)
        t->wrong++;
    t->timer_at_ms = ms < 0 ? -1 : now_ms() + (double)ms;
    return 0;
}

/* ---- life cycle ------------------------------------------------------------------------------ */

void turner_init(struct turner *t, enum style style)
{
    *t = (struct turner){.style = style, .timer_at_ms = -1, .epoll = -1};
    t->multi = curl_multi_init();
    if (style != STYLE_SOCKET)
        return;
    t->epoll = epoll_create1(EPOLL_CLOEXEC);
    curl_multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
    curl_multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
}

CURLMcode turner_add(struct turner *t, CURL *handle)
{
    CURLMcode r = curl_multi_add_handle(t->multi, handle);
    if (r == CURLM_OK)
        t->running++;
    return r;
}

CURLMcode turner_free(struct turner *t)
{
    CURLMcode r = curl_multi_cleanup(t->multi);
    if (t->epoll >= 0)
        close(t->epoll);
    t->multi = NULL;
    return r;
}

bool turner_timed(struct turner *t)
{
    long ms = -1;
    curl_multi_timeout(t->multi, &ms);
    return ms >= 0 || t->timer_at_ms >= 0;
}

/* ---- one turn --------------------------------------------------------------------------------- */

static CURLMcode act_on_sockets(struct turner *t)
{
    CURLMcode r = CURLM_OK;
    for (int i = 0; i < t->ready && r == CURLM_OK; i++) {
        unsigned e = t->events[i].events;
        int mask = (e & EPOLLIN ? CURL_CSELECT_IN : 0) | (e & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (e & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        r = curl_multi_socket_action(t->multi, t->events[i].data.fd, mask, &t->running);
    }
    t->ready = 0;
    if (r == CURLM_OK && t->timer_at_ms >= 0 && now_ms() >= t->timer_at_ms) {
        t->timer_at_ms = -1;
        r = curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &t->running);
    }
    return r;
}

CURLMcode turn_act(struct turner *t)
{
    if (t->style == STYLE_SOCKET)
        return act_on_sockets(t);
    return curl_multi_perform(t->multi, &t->running);
}

static void wait_for_set(struct turner *t, int at_most_ms)
{
    fd_set in, out, error;
    int highest = -1;
    long ms = -1;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&error);
    curl_multi_timeout(t->multi, &ms);
    curl_multi_fdset(t->multi, &in, &out, &error, &highest);
    if (ms < 0 || ms > at_most_ms)
        ms = at_most_ms;
    if (highest < 0 && ms > NO_SOCKET_MS)
        ms = NO_SOCKET_MS;
    struct timeval tv = {ms / 1000, ms % 1000 * 1000};
    select(highest + 1, &in, &out, &error, &tv);
}

static void wait_or_sleep(struct turner *t, int at_most_ms)
{
    int sockets = 0;
    curl_multi_wait(t->multi, NULL, 0, at_most_ms, &sockets);
    t->idle = sockets ? 0 : t->idle + 1;
    if (t->idle > 1)
        usleep((at_most_ms < NO_WAIT_MS ? at_most_ms : NO_WAIT_MS) * 1000);
}

static void wait_for_events(struct turner *t, int at_most_ms)
{
    int ms = at_most_ms;
    if (t->timer_at_ms >= 0) {
        double left = t->timer_at_ms - now_ms();
        if (left < ms)
            ms = left > 0 ? (int)left + 1 : 0;
    }
    int n = epoll_wait(t->epoll, t->events, TURN_EVENTS, ms);
    t->ready = n > 0 ? n : 0;
}

bool turn_wait(struct turner *t, int at_most_ms)
{
    double began = now_ms();
    if (t->style == STYLE_POLL)
        curl_multi_poll(t->multi, NULL, 0, at_most_ms, NULL);
    else if (t->style == STYLE_WAIT)
        wait_or_sleep(t, at_most_ms);
    else if (t->style == STYLE_FDSET)
        wait_for_set(t, at_most_ms);
    else
        wait_for_events(t, at_most_ms);
    return now_ms() - began < at_most_ms;
}
