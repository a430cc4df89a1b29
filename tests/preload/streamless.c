/* SPDX-License-Identifier: MIT
 *
 * A program that closes its standard streams and still writes to them in another thread while it
 * connects: streamless COUNT. Its sockets have higher numbers. */
#include "raw.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define REQUIRE(cond)                                                                              \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            dprintf(out, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                                \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static int out;
static atomic_bool done;
static atomic_long hits;

static void *scribble(void *unused)
{
    while (!done)
        for (int fd = 0; fd < 3; fd++)
            if (write(fd, "stray words", 11) == 11)
                hits++;
    return unused;
}

static struct sockaddr_in server(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned port = 0;
    REQUIRE(sscanf(getenv("BASE"), "http://127.0.0.1:%u", &port) == 1);
    a.sin_port = htons((uint16_t)port);
    return a;
}

int main(int argc, char **argv)
{
    enum { MOST = 100 };
    int fd[MOST], count = argc > 1 ? atoi(argv[1]) : 0;
    pthread_t writer;
    out = fcntl(1, F_DUPFD_CLOEXEC, 10);
    struct sockaddr_in to = server();
    REQUIRE(count > 0 && count <= MOST);
    for (int i = 0; i < count; i++)
        REQUIRE((fd[i] = socket(AF_INET, SOCK_STREAM, 0)) > 2);
    for (int i = 0; i < 3; i++)
        close(i);
    REQUIRE(!pthread_create(&writer, NULL, scribble, NULL));
    for (int i = 0; i < count; i++) {
        REQUIRE(!connect(fd[i], (struct sockaddr *)&to, sizeof to));
        close(fd[i]);
        usleep(20 * 1000);
    }
    done = true;
    REQUIRE(!pthread_join(writer, NULL));
    dprintf(out, "%d connected, %ld stray writes went into a file\n", count, hits);
    return 0;
}
