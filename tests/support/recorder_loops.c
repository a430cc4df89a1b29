/* SPDX-License-Identifier: MIT */
#include "recorder_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libcurl always has work or a timeout that is nearer than this. */
#define SILENCE_MS 5000
#define LONGEST_MS 20000
#define PAUSED_MS  10

static struct turner loops[4]; /* one per style */

void set_driver(const char *name)
{
    enum style style;
    if (strcmp(name, "easy") == 0) {
        rec.loop = NULL;
        return;
    }
    if (!style_of(name, &style))
        exit(3);
    rec.loop = &loops[style];
    if (!rec.loop->multi)
        turner_init(rec.loop, style);
}

/* Prints each message and how many libcurl says remain. */
static void take_messages(CURLcode *rc)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(rec.loop->multi, &left));) {
        flush_run();
        printf("message %d handle=%s left=%d\n", m->msg,
               m->easy_handle == rec.handle ? "ours" : "WRONG", left);
        *rc = m->data.result;
    }
}

static void run_loop(CURLcode *rc)
{
    double began = now_ms();
    for (;;) {
        CURLMcode r = turn_act(rec.loop);
        if (r != CURLM_OK)
            printf("turn %d\n", r);
        take_messages(rc);
        if (!rec.loop->running)
            return;
        unpause();
        if (!turn_wait(rec.loop, rec.paused ? PAUSED_MS : SILENCE_MS) && !rec.paused)
            printf("a turn without anything to do\n");
        if (now_ms() - began > LONGEST_MS) {
            printf("the loop does not end\n");
            return;
        }
    }
}

void loop_perform(void)
{
    CURLcode rc = (CURLcode)-1;
    int left = -1;
    printf("add %d\n", turner_add(rec.loop, rec.handle));
    run_loop(&rc);
    result("perform", rc);
    char *before = outcome_text();
    printf("running %d, timed %d, sockets %d, wrong %ld\n", rec.loop->running,
           turner_timed(rec.loop), rec.loop->sockets, rec.loop->wrong);
    printf("remove %d\n", curl_multi_remove_handle(rec.loop->multi, rec.handle));
    printf("message %s", curl_multi_info_read(rec.loop->multi, &left) ? "WRONG" : "none");
    printf(" left=%d, timed %d\n", left, turner_timed(rec.loop));
    char *after = outcome_text();
    if (strcmp(before, after) != 0)
        printf("removed: %s", after);
    free(before);
    free(after);
}

/* Makes the calls that are forbidden in a callback and prints their results. */
void loop_in_flight(void)
{
    CURLM *m = rec.loop->multi;
    CURL *h = curl_easy_init();
    fd_set sets[3] = {0};
    int n = 0;
    long ms;
    printf("in flight: add another %d", curl_multi_add_handle(m, h));
    printf(", add itself %d", curl_multi_add_handle(m, rec.handle));
    printf(", remove another %d", curl_multi_remove_handle(m, h));
    printf(", remove itself %d\n", curl_multi_remove_handle(m, rec.handle));
    printf("in flight: perform %d", curl_multi_perform(m, &n));
    printf(", action %d", curl_multi_socket_action(m, CURL_SOCKET_TIMEOUT, 0, &n));
    printf(", poll %d", curl_multi_poll(m, NULL, 0, 0, &n));
    printf(", wait %d", curl_multi_wait(m, NULL, 0, 0, &n));
    printf(", fdset %d", curl_multi_fdset(m, &sets[0], &sets[1], &sets[2], &n));
    printf(", timeout %d", curl_multi_timeout(m, &ms));
    printf(", setopt %d", curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, 5L));
    printf(", message %s", curl_multi_info_read(m, &n) ? "some" : "none");
    printf(", cleanup %d\n", curl_multi_cleanup(m));
    curl_easy_cleanup(h);
}

void free_loops(void)
{
    for (int i = 0; i < 4; i++)
        if (loops[i].multi)
            printf("multi cleanup %d\n", turner_free(&loops[i]));
}
