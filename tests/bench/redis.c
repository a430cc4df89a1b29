/* SPDX-License-Identifier: MIT
 *
 * For comparison: the same decision by a Redis server over a unix socket, with GCRA in a script
 * that the server has compiled before (EVALSHA).
 *
 *     redis SOCKET ITERATIONS      prints ns per decision */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char script[] =
    "local t=redis.call('TIME') local now=t[1]*1000000+t[2] "
    "local tat=tonumber(redis.call('GET',KEYS[1]) or 0) if tat<now then tat=now end "
    "tat=tat+tonumber(ARGV[1]) if tat-tonumber(ARGV[2])>now then return 0 end "
    "redis.call('SET',KEYS[1],string.format('%.0f',tat)) return 1";

/* Answers are short, so one read is one answer. */
static void ask(int fd, const char *request, size_t n, char *answer, size_t size)
{
    ssize_t got;
    if (write(fd, request, n) != (ssize_t)n || (got = read(fd, answer, size - 1)) <= 0) {
        perror("redis");
        exit(1);
    }
    answer[got] = '\0';
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    long n = atol(argv[2]);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(a.sun_path, sizeof a.sun_path, "%s", argv[1]);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
        perror(argv[1]);
        return 1;
    }
    char request[1024], answer[256], sha[41];
    int length =
        snprintf(request, sizeof request, "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$%zu\r\n%s\r\n",
                 strlen(script), script);
    ask(fd, request, (size_t)length, answer, sizeof answer);
    if (sscanf(answer, "$40\r\n%40s", sha) != 1)
        return 1;
    length = snprintf(request, sizeof request,
                      "*6\r\n$7\r\nEVALSHA\r\n$40\r\n%s\r\n$1\r\n1\r\n$15\r\napi.example.com\r\n"
                      "$1\r\n1\r\n$10\r\n1000000000\r\n",
                      sha);
    ask(fd, request, (size_t)length, answer, sizeof answer);
    int64_t begun = clock_now_ns();
    for (long i = 0; i < n; i++) {
        ask(fd, request, (size_t)length, answer, sizeof answer);
        if (strcmp(answer, ":1\r\n") != 0)
            return 1;
    }
    printf("%.2f\n", (double)(clock_now_ns() - begun) / (double)n);
    return 0;
}
