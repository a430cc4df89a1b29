/* SPDX-License-Identifier: MIT
 *
 * The less common calls of a loop:
 *
 *     turns socket_all PATH      driven by curl_multi_socket_all
 *     turns wakeup PATH          another thread ends curl_multi_poll, whatever that waits for */
#define CURL_DISABLE_DEPRECATION /* curl_multi_socket_all */
#include "host.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

static CURLM *multi;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *wake(void *unused)
{
    usleep(200000);
    REQUIRE(curl_multi_wakeup(multi) == CURLM_OK);
    return unused;
}

static CURLcode by_socket_all(void)
{
    CURLcode rc = CURLE_FAILED_INIT;
    int running = 1, left;
    while (running && curl_multi_socket_all(multi, &running) == CURLM_OK)
        if (running)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &left));)
        rc = message->data.result;
    return rc;
}

/* By then the transfer has failed and, under the shim, waits for its next attempt. */
static void by_wakeup(void)
{
    pthread_t waker;
    int running = 1;
    for (double until = now_s() + 0.5; now_s() < until;) {
        curl_multi_perform(multi, &running);
        curl_multi_poll(multi, NULL, 0, 50, NULL);
    }
    REQUIRE(!pthread_create(&waker, NULL, wake, NULL));
    double begun = now_s();
    REQUIRE(curl_multi_poll(multi, NULL, 0, 30000, NULL) == CURLM_OK);
    printf("wakeup: %s\n", now_s() - begun < 5 ? "in time" : "unheard");
    pthread_join(waker, NULL);
}

int main(int argc, char **argv)
{
    struct answer a;
    REQUIRE(argc == 3);
    CURL *h = curl_easy_init();
    multi = curl_multi_init();
    prepare(h, argv[2], &a);
    REQUIRE(curl_multi_add_handle(multi, h) == CURLM_OK);
    if (!strcmp(argv[1], "wakeup"))
        by_wakeup();
    else
        tell(h, argv[2], by_socket_all(), &a);
    REQUIRE(curl_multi_remove_handle(multi, h) == CURLM_OK);
    curl_multi_cleanup(multi);
    curl_easy_cleanup(h);
    return 0;
}
