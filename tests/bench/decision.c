/* SPDX-License-Identifier: MIT
 *
 * What one rate decision costs: the floor, which is a clock read and one compare-and-swap, and the
 * whole life of an allowed request in the engine.
 *
 *     decision WHAT WORKERS HOSTS ITERATIONS      prints ns a decision, as one worker sees it
 *
 * WHAT: floor, or request (begin, admit, report, end; one clock read, as in the floor), or clocks
 * (the same with a read before and one after, as a transfer has). WORKERS: 1, 2t (threads), 2p
 * (processes). All workers use the same hosts, in an order of their own. */
#include "base/clock.h"
#include "base/hash.h"
#include "engine/call.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define INTERVAL_NS 1
#define BURST       1000000000

struct word {
    _Alignas(CACHE_LINE) _Atomic int64_t tat_ns;
};

/* Shared by all workers, processes too. */
struct shared {
    _Atomic int ready;
    int64_t elapsed_ns[64];
};

static int workers, hosts;
static bool processes;
static long iterations;
static struct shared *shared;
static struct word *words;
static const struct config *config;
static struct board *board;
static const char *what;

static void *map_shared(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return p;
}

static uint32_t next_host(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)((*state >> 32) * (uint64_t)hosts >> 32);
}

static bool floor_decide(_Atomic int64_t *tat, int64_t now)
{
    int64_t old = atomic_load_explicit(tat, memory_order_relaxed), next;
    do {
        next = (old > now ? old : now) + INTERVAL_NS;
        if (next - (int64_t)BURST * INTERVAL_NS > now)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(tat, &old, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

static long loop_floor(uint64_t seed)
{
    long refused = 0;
    for (long i = 0; i < iterations; i++)
        refused += !floor_decide(&words[hosts > 1 ? next_host(&seed) : 0].tat_ns, clock_now_ns());
    return refused;
}

static struct binding *bind_all(void)
{
    struct binding *b = calloc((size_t)hosts, sizeof *b);
    struct binding_parts parts = {0};
    for (int i = 0; b && i < hosts; i++) {
        char name[32];
        snprintf(name, sizeof name, "host%d.example.com", i);
        struct target t = {"http", name, 80, true, "/"};
        if (!call_bind(&b[i], config, board, &t, &parts, clock_now_ns()))
            exit(1);
    }
    return b;
}

static long loop_request(struct binding *b, uint64_t seed, bool two_clocks)
{
    struct attempt ok = {.protocol = PROTOCOL_HTTP,
                         .http_status = 200,
                         .method = "GET",
                         .replayable = true,
                         .committed = true,
                         .duration_ns = 20 * NS_PER_MS};
    int64_t wall = clock_wall_ns(), at;
    long refused = 0;
    hints_reset(&ok.hints);
    for (long i = 0; i < iterations; i++) {
        struct call c;
        int64_t now = clock_now_ns();
        struct binding *own = &b[hosts > 1 ? next_host(&seed) : 0];
        if (!call_bound(own, config))
            exit(1);
        call_begin(&c, own, 0, now);
        refused += call_admit(&c, now).answer != ANSWER_GO;
        if (two_clocks)
            now = clock_now_ns();
        call_report(&c, &ok, now, wall, 1, &at);
        call_end(&c, now, wall);
    }
    return refused;
}

static void *work(void *arg)
{
    int self = (int)(intptr_t)arg;
    uint64_t seed = 0x9e3779b97f4a7c15ULL * (uint64_t)(self + 1);
    bool is_floor = strcmp(what, "floor") == 0;
    struct binding *b = is_floor ? NULL : bind_all();
    atomic_fetch_add(&shared->ready, 1);
    while (atomic_load(&shared->ready) < workers)
        ;
    int64_t begun = clock_now_ns();
    long refused = is_floor ? loop_floor(seed) : loop_request(b, seed, strcmp(what, "clocks") == 0);
    shared->elapsed_ns[self] = clock_now_ns() - begun;
    if (refused)
        fprintf(stderr, "%ld of %ld refused: not the case that is measured\n", refused, iterations);
    free(b);
    return NULL;
}

static void run_threads(void)
{
    pthread_t t[64];
    for (intptr_t i = 1; i < workers; i++)
        pthread_create(&t[i], NULL, work, (void *)i);
    work((void *)0);
    for (int i = 1; i < workers; i++)
        pthread_join(t[i], NULL);
}

static void run_processes(void)
{
    for (int i = 0; i < workers; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            work((void *)(intptr_t)i);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
}

/* The configuration comes from a file, as everywhere: a rate that never refuses. */
static const struct config *configure(const char *dir)
{
    char path[256];
    snprintf(path, sizeof path, "%s/harden.ini", dir);
    FILE *f = fopen(path, "w");
    if (!f)
        return NULL;
    fprintf(f, "[host *]\nrate = %d/1s\nburst = %d\n", BURST / INTERVAL_NS, BURST);
    fclose(f);
    const struct config *c = config_load_file(path, NULL, NULL);
    unlink(path);
    return c && c->errors == 0 ? c : NULL;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    what = argv[1];
    workers = atoi(argv[2]);
    processes = strchr(argv[2], 'p') != NULL;
    hosts = atoi(argv[3]);
    iterations = atol(argv[4]);
    if (workers < 1 || workers > 64 || hosts < 1)
        return 2;
    shared = map_shared(sizeof *shared);
    words = map_shared((size_t)hosts * sizeof *words);
    char dir[] = "/dev/shm/harden-bench-XXXXXX";
    if (!mkdtemp(dir) || !(config = configure(dir)) ||
        !(board = board_open(dir, (uint32_t)hosts * 2, NULL))) {
        fprintf(stderr, "no configuration or no board\n");
        return 1;
    }
    if (processes)
        run_processes();
    else
        run_threads();
    char path[64];
    snprintf(path, sizeof path, "%s/board", dir);
    unlink(path);
    rmdir(dir);
    double sum = 0;
    for (int i = 0; i < workers; i++)
        sum += (double)shared->elapsed_ns[i] / (double)iterations;
    printf("%.2f\n", sum / workers);
    return 0;
}
