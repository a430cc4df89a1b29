/* SPDX-License-Identifier: MIT
 *
 * A plug-in of the stress host whose constructor connects while the loader's lock is held. If
 * STRESS_CONSTRUCTOR says so, it connects in a thread and waits for it. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int stress_result = -1;

static void *reach(void *unused)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_port = htons((uint16_t)atoi(getenv("STRESS_PORTS")));
    stress_result = connect(fd, (struct sockaddr *)&a, sizeof a) ? errno : 0;
    close(fd);
    return unused;
}

__attribute__((constructor)) static void at_load(void)
{
    pthread_t t;
    if (!strcmp(getenv("STRESS_CONSTRUCTOR"), "here"))
        reach(NULL);
    else if (!pthread_create(&t, NULL, reach, NULL))
        pthread_join(t, NULL);
}
