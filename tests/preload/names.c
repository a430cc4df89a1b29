/* SPDX-License-Identifier: MIT
 *
 * Ways to resolve a name and connect to the address: names WAY. The connection must be counted
 * under the requested name. */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char name[] = "localhost";
static struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};

static struct in_addr of_list(struct addrinfo *list)
{
    struct in_addr a = {0};
    if (list)
        a = ((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr;
    freeaddrinfo(list);
    return a;
}

static struct in_addr of_entry(const struct hostent *entry)
{
    struct in_addr a = {0};
    if (entry)
        memcpy(&a, entry->h_addr_list[0], sizeof a);
    return a;
}

static struct in_addr by_getaddrinfo(void)
{
    struct addrinfo *list = NULL;
    getaddrinfo(name, NULL, &hints, &list);
    return of_list(list);
}

static struct in_addr by_gethostbyname(void)
{
    return of_entry(gethostbyname(name));
}

static struct in_addr by_gethostbyname2(void)
{
    return of_entry(gethostbyname2(name, AF_INET));
}

static struct in_addr by_gethostbyname_r(void)
{
    char room[1024];
    struct hostent entry, *found = NULL;
    int error;
    gethostbyname_r(name, &entry, room, sizeof room, &found, &error);
    return of_entry(found);
}

static struct in_addr by_gethostbyname2_r(void)
{
    char room[1024];
    struct hostent entry, *found = NULL;
    int error;
    gethostbyname2_r(name, AF_INET, &entry, room, sizeof room, &found, &error);
    return of_entry(found);
}

static struct in_addr by_getaddrinfo_a(int mode)
{
    struct gaicb question = {.ar_name = name, .ar_request = &hints}, *all[] = {&question};
    getaddrinfo_a(mode, all, 1, NULL);
    while (mode == GAI_NOWAIT && gai_error(&question) == EAI_INPROGRESS)
        gai_suspend((const struct gaicb *const *)all, 1, NULL);
    return of_list(question.ar_result);
}

static struct in_addr by_waiting(void)
{
    return by_getaddrinfo_a(GAI_WAIT);
}

static struct in_addr by_asking(void)
{
    return by_getaddrinfo_a(GAI_NOWAIT);
}

static const struct {
    const char *way;
    struct in_addr (*resolve)(void);
} ways[] = {
    {"getaddrinfo", by_getaddrinfo},
    {"gethostbyname", by_gethostbyname},
    {"gethostbyname2", by_gethostbyname2},
    {"gethostbyname_r", by_gethostbyname_r},
    {"gethostbyname2_r", by_gethostbyname2_r},
    {"getaddrinfo_a-wait", by_waiting},
    {"getaddrinfo_a", by_asking},
};

int main(int argc, char **argv)
{
    const char *colon = strrchr(getenv("BASE") + 7, ':');
    for (size_t i = 0; argc > 1 && i < sizeof ways / sizeof *ways; i++) {
        if (strcmp(ways[i].way, argv[1]))
            continue;
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(colon + 1))};
        to.sin_addr = ways[i].resolve();
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        printf("%s: %d\n", argv[1], connect(fd, (struct sockaddr *)&to, sizeof to));
        return 0;
    }
    return 1;
}
