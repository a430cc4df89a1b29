/* SPDX-License-Identifier: MIT
 *
 * cancel PATH: a thread is cancelled while it waits for the answer to PATH or for the next attempt;
 * other threads continue. Joining it must not take long. */
#include "host.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

static void *work(void *path)
{
    struct answer a;
    CURL *h = curl_easy_init();
    prepare(h, path, &a);
    curl_easy_perform(h);
    for (;;)
        pause();
    return NULL;
}

int main(int argc, char **argv)
{
    REQUIRE(argc > 1);
    for (int i = 0; i < 3; i++) {
        pthread_t t;
        void *result = NULL;
        struct timespec limit;
        REQUIRE(!pthread_create(&t, NULL, work, argv[1]));
        usleep(300 * 1000);
        REQUIRE(!pthread_cancel(t));
        clock_gettime(CLOCK_REALTIME, &limit);
        limit.tv_sec += 2;
        REQUIRE(!pthread_timedjoin_np(t, &result, &limit));
        REQUIRE(result == PTHREAD_CANCELED);
    }
    fetch("afterwards", "ok/afterwards");
    return 0;
}
