/* SPDX-License-Identifier: MIT
 *
 * A program whose own event loop has a callback that fails.
 *
 *     failing timer|socket NTH URL
 *
 * Adds a transfer, runs one turn of the loop, adds a second transfer and loops until no transfer
 * runs. The NTH call of the chosen callback returns -1. From then on the program uses
 * curl_multi_perform, because it no longer learns about sockets and timeouts. Then it removes both
 * transfers. If the timer callback failed, it does everything again without a failure; after a
 * failed socket callback it does not, because libcurl 7.88 then uses freed memory. Prints errors of
 * the calls, the results, and how often a callback was called after the failure. */
#include "turn.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOCKETS    8
#define LONGEST_MS 5000

static CURLM *multi;
static const char *failing;
static int nth, calls, after, running;
static double timer_at_ms = -1;
static struct pollfd sockets[SOCKETS];
static int socket_count;

static int answer(const char *name)
{
    after += nth > 0 && calls >= nth;
    if (strcmp(name, failing) != 0)
        return 0;
    return ++calls == nth ? -1 : 0;
}

static int on_timer(CURLM *m, long ms, void *data)
{
    (void)m, (void)data;
    timer_at_ms = ms < 0 ? -1 : now_ms() + (double)ms;
    return answer("timer");
}

/* CURL_POLL_REMOVE never fails. */
static int on_socket(CURL *h, curl_socket_t s, int what, void *data, void *known)
{
    int i = 0;
    (void)h, (void)data, (void)known;
    while (i < socket_count && sockets[i].fd != s)
        i++;
    if (what == CURL_POLL_REMOVE) {
        if (i < socket_count)
            sockets[i] = sockets[--socket_count];
        return 0;
    }
    socket_count += i == socket_count;
    sockets[i].fd = s;
    sockets[i].events =
        (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    return answer("socket");
}

static size_t on_body(char *p, size_t size, size_t n, void *data)
{
    (void)p, (void)data;
    return size * n;
}

static void print_error(const char *what, CURLMcode r)
{
    if (r)
        printf("%s: %d\n", what, r);
}

static void turn(void)
{
    struct pollfd ready[SOCKETS];
    int n = socket_count;
    long ms = -1;
    if (nth > 0 && calls >= nth) {
        print_error("perform", curl_multi_perform(multi, &running));
        return;
    }
    print_error("timeout", curl_multi_timeout(multi, &ms));
    poll(sockets, (nfds_t)n, ms < 0 || ms > 20 ? 20 : (int)ms);
    memcpy(ready, sockets, sizeof ready);
    for (int i = 0; i < n; i++)
        if (ready[i].revents)
            print_error("socket", curl_multi_socket_action(multi, ready[i].fd, 0, &running));
    if (timer_at_ms >= 0 && timer_at_ms <= now_ms()) {
        timer_at_ms = -1;
        print_error("timer", curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running));
    }
}

static void run_transfers(const char *url)
{
    CURL *h[2];
    int results[2] = {-1, -1}, left;
    for (int i = 0; i < 2; i++) {
        h[i] = curl_easy_init();
        curl_easy_setopt(h[i], CURLOPT_URL, url);
        curl_easy_setopt(h[i], CURLOPT_WRITEFUNCTION, on_body);
        print_error("add", curl_multi_add_handle(multi, h[i]));
        turn();
    }
    for (double end_ms = now_ms() + LONGEST_MS; running && now_ms() < end_ms;)
        turn();
    for (CURLMsg *m; (m = curl_multi_info_read(multi, &left));)
        results[m->easy_handle == h[1]] = m->data.result;
    printf("running %d, results %d %d\n", running, results[0], results[1]);
    for (int i = 0; i < 2; i++) {
        print_error("remove", curl_multi_remove_handle(multi, h[i]));
        curl_easy_cleanup(h[i]);
    }
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    failing = argv[1];
    nth = atoi(argv[2]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    run_transfers(argv[3]);
    printf("%s: called %d times afterwards\n", calls < nth ? "not failed" : "failed", after);
    nth = 0;
    if (strcmp(failing, "timer") == 0)
        run_transfers(argv[3]);
    print_error("cleanup", curl_multi_cleanup(multi));
    curl_global_cleanup();
    return 0;
}
