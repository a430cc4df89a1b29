/* SPDX-License-Identifier: MIT
 *
 * threads COUNT ROUNDS: many handles at once, none shared; every eighth handle is created in one
 * thread and cleaned up in another. */
#include "host.h"

#include <pthread.h>
#include <stdatomic.h>

static int rounds;

static atomic_int good;
static _Atomic(CURL *) left_over;

static void *work(void *arg)
{
    int me = (int)(long)arg;
    for (int i = 0; i < rounds; i++) {
        char path[64];
        struct answer a;
        CURL *h = curl_easy_init();
        snprintf(path, sizeof path, "%s/%d-%d", i % 25 ? "ok" : "f1", me, i);
        prepare(h, path, &a);
        if (!curl_easy_perform(h) && !strncmp(a.body, "attempt ", 8))
            good++;
        if (i % 8 == 0)
            h = atomic_exchange(&left_over, h);
        curl_easy_cleanup(h);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t t[32];
    REQUIRE(argc > 2);
    int count = atoi(argv[1]);
    rounds = atoi(argv[2]);
    REQUIRE(count <= 32);
    for (int i = 0; i < count; i++)
        REQUIRE(!pthread_create(&t[i], NULL, work, (void *)(long)i));
    for (int i = 0; i < count; i++)
        REQUIRE(!pthread_join(t[i], NULL));
    curl_easy_cleanup(left_over);
    printf("%d good\n", good);
    return good != count * rounds;
}
