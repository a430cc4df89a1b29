/* SPDX-License-Identifier: MIT
 *
 * late WHAT: a program of two threads that lives longer than a snapshot interval and has more
 * thread-local storage than fits on a small stack. The first thread exits early, stays, or exits
 * last: its counts must be written in each case. */
#include "host.h"

#include <pthread.h>
#include <unistd.h>

static _Thread_local char large[300 * 1024];

static void *work(void *arg)
{
    memset(large, 1, sizeof large);
    fetch("first", "f2/first");
    for (int i = 0; i < 40; i++) {
        fetch("more", "ok/more");
        usleep(10 * 1000);
    }
    printf("%d\n", large[sizeof large - 1]);
    return arg;
}

static void say(void)
{
    puts("at exit");
}

int main(int argc, char **argv)
{
    pthread_t t;
    pthread_attr_t attr;
    REQUIRE(argc > 1 && !atexit(say) && !pthread_attr_init(&attr));
    REQUIRE(!pthread_attr_setstacksize(&attr, sizeof large + (1 << 20)));
    REQUIRE(!pthread_create(&t, &attr, work, NULL));
    if (!strcmp(argv[1], "leave"))
        pthread_exit(NULL);
    REQUIRE(!pthread_join(t, NULL));
    if (!strcmp(argv[1], "leave-last"))
        pthread_exit(NULL);
    return 0;
}
