/* SPDX-License-Identifier: MIT
 *
 * Measures how much stack each call needs: each runs in a coroutine of its own, on a painted stack.
 * The arguments are the names of calls, in order; each call is made twice. Prints one line per
 * call: its name, the first or second time, and the bytes used below the coroutine's own. */
#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <ucontext.h>
#include <unistd.h>

enum { STACK = 256 << 10, PAINT = 0xa5 };

static int port;     /* has a listener */
static CURL *handle; /* used for perform; its URL is the next one */
static CURL *other;  /* used for the other calls */
static CURLM *multi;

static void connect_to(int to, int flags)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)to)};
    int fd = socket(AF_INET, SOCK_STREAM | flags, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(fd, (struct sockaddr *)&a, sizeof a);
    close(fd);
}

static void connects(void)
{
    connect_to(port, 0); /* a limit may refuse it */
}

static void refused(void)
{
    connect_to(1, 0);
}

static void nonblocking(void)
{
    connect_to(1, SOCK_NONBLOCK);
}

static void local(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/socket"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    REQUIRE(connect(fd, (struct sockaddr *)&a, sizeof a) == -1);
    close(fd);
}

static void datagram(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(!connect(fd, (struct sockaddr *)&a, sizeof a));
    close(fd);
}

static void resolves(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list;
    REQUIRE(!getaddrinfo("localhost", "80", &hints, &list));
    freeaddrinfo(list);
}

static void by_name(void)
{
    REQUIRE(gethostbyname("localhost"));
}

static void loads(void)
{
    void *library = dlopen("libpthread.so.0", RTLD_NOW);
    REQUIRE(library);
    dlclose(library);
}

static void begins(void)
{
    CURL *h = curl_easy_init();
    REQUIRE(h);
    curl_easy_cleanup(h);
}

static void begins_multi(void)
{
    CURLM *m = curl_multi_init();
    REQUIRE(m);
    curl_multi_cleanup(m);
}

static void sets(void)
{
    curl_easy_setopt(other, CURLOPT_USERAGENT, "stack");
    curl_easy_setopt(other, CURLOPT_TIMEOUT_MS, 5000L);
}

static void asks(void)
{
    long status;
    curl_easy_getinfo(other, CURLINFO_RESPONSE_CODE, &status);
}

static void resets(void)
{
    curl_easy_reset(other);
}

static void copies(void)
{
    CURL *h = curl_easy_duphandle(other);
    REQUIRE(h);
    curl_easy_cleanup(h);
}

static void performs(void)
{
    curl_easy_perform(handle);
}

static void to_nobody(void)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", 1);
    curl_easy_setopt(handle, CURLOPT_URL, url);
    curl_easy_perform(handle);
}

static void adds(void)
{
    REQUIRE(!curl_multi_add_handle(multi, handle));
}

static void runs(void)
{
    int running = 1;
    while (running && !curl_multi_perform(multi, &running))
        if (running)
            curl_multi_poll(multi, NULL, 0, 100, NULL);
}

static void reads(void)
{
    int left;
    while (curl_multi_info_read(multi, &left))
        ;
}

static void removes(void)
{
    REQUIRE(!curl_multi_remove_handle(multi, handle));
}

static const struct {
    const char *name;
    void (*call)(void);
} calls[] = {
    {"connect", connects},
    {"refused", refused},
    {"nonblocking", nonblocking},
    {"local", local},
    {"datagram", datagram},
    {"resolve", resolves},
    {"by-name", by_name},
    {"load", loads},
    {"init", begins},
    {"multi-init", begins_multi},
    {"setopt", sets},
    {"getinfo", asks},
    {"reset", resets},
    {"duphandle", copies},
    {"perform", performs},
    {"perform-refused", to_nobody},
    {"add", adds},
    {"run", runs},
    {"info-read", reads},
    {"remove", removes},
};

static ucontext_t here, there;
static void (*volatile now)(void);

static void coroutine(void)
{
    now();
}

static size_t depth_of(void (*call)(void))
{
    char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(stack != MAP_FAILED);
    memset(stack, PAINT, STACK);
    getcontext(&there);
    there.uc_stack.ss_sp = stack;
    there.uc_stack.ss_size = STACK;
    there.uc_link = &here;
    now = call;
    makecontext(&there, coroutine, 0);
    swapcontext(&here, &there);
    size_t free = 0;
    while (free < STACK && (unsigned char)stack[free] == PAINT)
        free++;
    munmap(stack, STACK);
    return STACK - free;
}

static int listening(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(!bind(fd, (struct sockaddr *)&a, n) && !listen(fd, 100));
    getsockname(fd, (struct sockaddr *)&a, &n);
    return ntohs(a.sin_port);
}

/* For "perform=f2/x", sets up the handle before the call. */
static void make(const char *name)
{
    static struct answer answer;
    if (!handle && strchr(name, '=')) {
        handle = curl_easy_init();
        multi = curl_multi_init();
    }
    if (!other && (!strcmp(name, "setopt") || !strcmp(name, "getinfo") || !strcmp(name, "reset") ||
                   !strcmp(name, "duphandle")))
        other = curl_easy_init();
    if (strchr(name, '='))
        prepare(handle, strchr(name, '=') + 1, &answer);
}

int main(int argc, char **argv)
{
    port = listening();
    for (int i = 1; i < argc; i++) {
        size_t n = strcspn(argv[i], "=");
        for (size_t k = 0; k < sizeof calls / sizeof *calls; k++)
            if (strlen(calls[k].name) == n && !strncmp(calls[k].name, argv[i], n))
                for (int time = 1; time <= 2; time++) {
                    make(argv[i]);
                    printf("%s %d %zu\n", argv[i], time, depth_of(calls[k].call));
                }
    }
    return 0;
}
