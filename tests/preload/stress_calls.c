/* SPDX-License-Identifier: MIT */
#include "stress.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Listeners that never accept: the kernel completes the connections. fork and exec keep them; the
 * environment has their numbers. */
static struct sockaddr_in good, refused;
static struct sockaddr_un local = {.sun_family = AF_UNIX};
static socklen_t local_size;

static int listener(struct sockaddr *a, socklen_t size, bool listens)
{
    int fd = socket(a->sa_family, SOCK_STREAM, 0);
    REQUIRE(fd >= 0 && !bind(fd, a, size) && (!listens || !listen(fd, 4096)));
    REQUIRE(!getsockname(fd, a, &size));
    return fd;
}

void calls_prepare(void)
{
    char text[64];
    const char *known = getenv("STRESS_PORTS");
    unsigned port = 0, refusing = 0;
    good = refused = (struct sockaddr_in){.sin_family = AF_INET};
    good.sin_addr.s_addr = refused.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (known) {
        REQUIRE(sscanf(known, "%u %u %63s", &port, &refusing, text) == 3);
        good.sin_port = htons((uint16_t)port);
        refused.sin_port = htons((uint16_t)refusing);
    } else {
        listener((struct sockaddr *)&good, sizeof good, true);
        listener((struct sockaddr *)&refused, sizeof refused, false);
        snprintf(text, sizeof text, "stress-%d", (int)getpid());
    }
    strcpy(local.sun_path + 1, text);
    local_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(text));
    if (!known) {
        char ports[128];
        listener((struct sockaddr *)&local, local_size, true);
        snprintf(ports, sizeof ports, "%u %u %s", ntohs(good.sin_port), ntohs(refused.sin_port),
                 text);
        setenv("STRESS_PORTS", ports, 1);
    }
}

static int reach(const void *address, socklen_t size, int type)
{
    int fd = socket(((const struct sockaddr *)address)->sa_family, type, 0);
    if (fd < 0)
        return errno;
    int error = connect(fd, address, size) ? errno : 0;
    close(fd);
    return error;
}

static int tcp(void)
{
    return reach(&good, sizeof good, SOCK_STREAM);
}

static int tcp_refused(void)
{
    return reach(&refused, sizeof refused, SOCK_STREAM);
}

static int unix_stream(void)
{
    return reach(&local, local_size, SOCK_STREAM);
}

static int datagram(void)
{
    return reach(&good, sizeof good, SOCK_DGRAM);
}

static int nonblocking(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = 0;
    socklen_t size = sizeof error;
    if (fd < 0)
        return errno;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    if (connect(fd, (struct sockaddr *)&good, sizeof good))
        error = errno;
    if (error == EINPROGRESS && poll(&p, 1, 2000) == 1)
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    close(fd);
    return error;
}

static int name(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *list = NULL;
    int answer = getaddrinfo("127.0.0.1", "80", &hints, &list);
    if (!answer)
        freeaddrinfo(list);
    return answer;
}

static const struct {
    const char *name;
    int (*make)(void);
} calls[CALLS] = {{"tcp", tcp},           {"refused", tcp_refused},     {"local", unix_stream},
                  {"datagram", datagram}, {"nonblocking", nonblocking}, {"name", name}};

int call_any(unsigned kind)
{
    return calls[kind].make();
}

const char *call_name(unsigned kind)
{
    return calls[kind].name;
}

void call_curl(struct life *l)
{
    static const char *const plugs[] = {"plug-openssl.so", "plug-gnutls.so", "plug-multi.so"};
    const char *plug = plugs[pick(l, 3)];
    char file[4096], path[64];
    snprintf(file, sizeof file, "%s/%s", getenv("STRESS_DIR"), plug);
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    REQUIRE(library);
    int (*fetch)(const char *, const char *) =
        (int (*)(const char *, const char *))dlsym(library, "plug_fetch");
    REQUIRE(fetch);
    snprintf(path, sizeof path, "ok/%d-%u", (int)getpid(), pick(l, 1000000));
    fetch(plug, path);
}
