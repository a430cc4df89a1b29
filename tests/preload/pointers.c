/* SPDX-License-Identifier: MIT
 *
 * connect() with addresses that are wholly or partly unreadable, on each kind of socket: the result
 * must be the kernel's. The memory is readable at first, then half of it, then none. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
    int family, type;
} kinds[] = {{AF_INET, SOCK_STREAM},
             {AF_INET, SOCK_STREAM | SOCK_NONBLOCK},
             {AF_INET, SOCK_DGRAM},
             {AF_INET6, SOCK_STREAM},
             {AF_UNIX, SOCK_STREAM}};

static void try(const char *what, const void *address, socklen_t length)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        int fd = socket(kinds[i].family, kinds[i].type, 0);
        errno = 77;
        int r = connect(fd, address, length);
        printf("%s %zu %d: %d %d\n", what, i, (int)length, r, errno);
        close(fd);
    }
    errno = 77;
    int r = connect(-1, address, length);
    printf("%s none %d: %d %d\n", what, (int)length, r, errno);
}

static void try_lengths(const char *what, const void *address)
{
    static const socklen_t lengths[] = {0, 1, 2, 8, 16, 28, 110, 128, 129, -1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        try(what, address, lengths[i]);
}

static void *all(void *unused)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct sockaddr_in discard = {.sin_family = AF_INET, .sin_port = htons(9)};
    discard.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    char *across = p + page - sizeof discard / 2;
    try_lengths("NULL", NULL);
    try_lengths("8", (void *)8);
    try_lengths("-1", (void *)-1);
    memcpy(across, &discard, sizeof discard);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    printf("good: %d\n", connect(fd, (struct sockaddr *)across, sizeof discard));
    mprotect(p + page, page, PROT_NONE);
    try_lengths("half", across);
    munmap(p, page);
    try_lengths("none", across);
    close(fd);
    return unused;
}

int main(void)
{
    pthread_t t;
    all(NULL);
    pthread_create(&t, NULL, all, NULL);
    pthread_join(t, NULL);
    return 0;
}
