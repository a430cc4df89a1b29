/* SPDX-License-Identifier: MIT
 *
 * The minimal cost of a preloaded connect() that limits and observes: the real function by a lazily
 * bound pointer, a look-up of the address in shared memory, two clock reads, one compare-and-swap
 * for the limit and two counters. The benchmark preloads it instead of the library (compiled with
 * -shared). */
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

enum { HOSTS = 1024, INTERVAL_NS = 1, BURST_NS = 1000000000 };

struct host {
    _Atomic uint64_t key;
    _Atomic int64_t tat_ns;
    _Atomic uint64_t requests, duration_ns;
} __attribute__((aligned(64)));

typedef int connect_function(int fd, const struct sockaddr *address, socklen_t length);

static connect_function *_Atomic real;
static struct host *hosts;
static __thread int depth __attribute__((tls_model("initial-exec")));

__attribute__((constructor)) static void map(void)
{
    hosts = mmap(NULL, HOSTS * sizeof *hosts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                 -1, 0);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static struct host *host_of(const struct sockaddr_in *a)
{
    unsigned __int128 p = (unsigned __int128)(((uint64_t)a->sin_addr.s_addr << 16 | a->sin_port) ^
                                              0x9e3779b97f4a7c15ULL) *
                          0xa0761d6478bd642fULL;
    uint64_t key = ((uint64_t)p ^ (uint64_t)(p >> 64)) | 1;
    for (uint64_t i = key % HOSTS;; i = (i + 1) % HOSTS) {
        uint64_t seen = atomic_load_explicit(&hosts[i].key, memory_order_acquire);
        if (seen == key ||
            (!seen && (atomic_compare_exchange_strong(&hosts[i].key, &seen, key) || seen == key)))
            return &hosts[i];
    }
}

static int admit(struct host *h, int64_t now)
{
    int64_t tat = atomic_load_explicit(&h->tat_ns, memory_order_relaxed), next;
    do {
        next = (tat > now ? tat : now) + INTERVAL_NS;
        if (next - BURST_NS > now)
            return 0;
    } while (!atomic_compare_exchange_weak_explicit(&h->tat_ns, &tat, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return 1;
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    connect_function *next = atomic_load_explicit(&real, memory_order_acquire);
    if (!next) {
        next = (connect_function *)dlsym(RTLD_NEXT, "connect");
        atomic_store_explicit(&real, next, memory_order_release);
    }
    if (depth || !address || address->sa_family != AF_INET || length < sizeof(struct sockaddr_in))
        return next(fd, address, length);
    struct host *h = host_of((const struct sockaddr_in *)(const void *)address);
    int64_t begun = now_ns();
    if (!admit(h, begun)) {
        errno = ETIMEDOUT;
        return -1;
    }
    depth++;
    int r = next(fd, address, length), saved = errno;
    depth--;
    atomic_fetch_add_explicit(&h->duration_ns, (uint64_t)(now_ns() - begun), memory_order_relaxed);
    atomic_fetch_add_explicit(&h->requests, 1, memory_order_relaxed);
    errno = saved;
    return r;
}
