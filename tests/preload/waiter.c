/* SPDX-License-Identifier: MIT
 *
 * A plug-in whose constructor starts a thread that makes a whole transfer, and waits for it while
 * the loader's lock is held. */
#include "host.h"

#include <pthread.h>

/* Does not use fetch(), which calls dladdr() and takes the same lock. */
static void *transfer(void *unused)
{
    char url[512];
    struct answer a = {0};
    CURL *h = curl_easy_init();
    curl_easy_setopt(h, CURLOPT_URL, url_of("f1/waiter", url, sizeof url));
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, &a);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    CURLcode rc = curl_easy_perform(h);
    tell(h, "waiter: f1/waiter", rc, &a);
    curl_easy_cleanup(h);
    return unused;
}

__attribute__((constructor)) static void at_load(void)
{
    pthread_t thread;
    REQUIRE(!pthread_create(&thread, NULL, transfer, NULL));
    pthread_join(thread, NULL);
}
