/* SPDX-License-Identifier: MIT
 *
 * Measures the cost of one rate decision: the floor (a clock read and one compare-and-swap) and the
 * engine's part in an allowed request.
 *
 *     decision WHAT WORKERS HOSTS VISITED ITERATIONS   prints ns per decision of one worker
 *
 * WHAT: floor; decision (admit and report with one clock read, as in the floor); request (the same
 * with begin, end and a second clock read, as in a transfer); bounded (a request with a limit of
 * concurrency that is never reached). WORKERS: 1, 2t (threads), 2p (processes). HOSTS are on the
 * board; the first VISITED of them are used in random order. */
#include "base/clock.h"
#include "base/hash.h"
#include "engine/call/call.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* A token per nanosecond: faster than any worker can take them. */
#define INTERVAL_NS 1
#define BURST       1000000
#define BATCH       64

struct word {
    _Alignas(CACHE_LINE) _Atomic int64_t tat_ns;
};

/* Shared by all workers, including processes. */
struct shared {
    _Atomic int ready;
    int64_t elapsed_ns[64];
};

static int workers, hosts, visited;
static bool processes;
static long iterations;
static struct shared *shared;
static struct word *words;
static const struct config *config;
static struct board *board;
static const char *what, *setting = "";

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
    return (uint32_t)((*state >> 32) * (uint64_t)visited >> 32);
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
        refused += !floor_decide(&words[visited > 1 ? next_host(&seed) : 0].tat_ns, clock_now_ns());
    return refused;
}

static struct binding *bind_all(void)
{
    struct binding *b = calloc((size_t)hosts, sizeof *b);
    struct header_source parts = {0};
    for (int i = 0; b && i < hosts; i++) {
        char name[32];
        snprintf(name, sizeof name, "host%d.example.com", i);
        struct target t = {
            .scheme = "http", .host = name, .port = 80, .default_port = true, .path = "/"};
        if (!call_bind(&b[i], config, board, &t, &parts, clock_now_ns()))
            exit(1);
    }
    return b;
}

static struct attempt good_attempt(void)
{
    struct attempt a = {.protocol = PROTOCOL_HTTP,
                        .http_status = 200,
                        .method = "GET",
                        .replayable = true,
                        .committed = true,
                        .duration_ns = 20 * NS_PER_MS};
    return a;
}

static struct binding *pick(struct binding *b, uint64_t *seed)
{
    struct binding *own = &b[visited > 1 ? next_host(seed) : 0];
    if (!binding_is_current(own, config, own->board))
        exit(1);
    return own;
}

/* Begin and end run for a batch of calls at a time, outside the measured time. */
static long loop_decision(struct binding *b, uint64_t seed, int64_t *elapsed_ns)
{
    struct call calls[BATCH];
    struct attempt ok = good_attempt();
    int64_t wall = clock_wall_ns(), at;
    long refused = 0;
    *elapsed_ns = 0;
    for (long i = 0; i < iterations; i += BATCH) {
        for (int k = 0; k < BATCH; k++)
            call_begin(&calls[k], pick(b, &seed), 0, clock_now_ns());
        int64_t begun = clock_now_ns();
        for (int k = 0; k < BATCH; k++) {
            int64_t now = clock_now_ns();
            refused += call_admit(&calls[k], now).answer != ANSWER_GO;
            call_report(&calls[k], &ok, now, wall, 1, &at);
        }
        *elapsed_ns += clock_now_ns() - begun;
        for (int k = 0; k < BATCH; k++)
            call_end(&calls[k], clock_now_ns(), wall);
    }
    return refused;
}

static long loop_request(struct binding *b, uint64_t seed)
{
    struct attempt ok = good_attempt();
    int64_t wall = clock_wall_ns(), at;
    long refused = 0;
    for (long i = 0; i < iterations; i++) {
        struct call c;
        int64_t now = clock_now_ns();
        call_begin(&c, pick(b, &seed), 0, now);
        refused += call_admit(&c, now).answer != ANSWER_GO;
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
    long refused;
    struct binding *b = is_floor ? NULL : bind_all();
    atomic_fetch_add(&shared->ready, 1);
    while (atomic_load(&shared->ready) < workers)
        ;
    int64_t begun = clock_now_ns();
    if (strcmp(what, "decision") == 0) {
        refused = loop_decision(b, seed, &shared->elapsed_ns[self]);
    } else {
        refused = is_floor ? loop_floor(seed) : loop_request(b, seed);
        shared->elapsed_ns[self] = clock_now_ns() - begun;
    }
    /* A worker that is preempted for longer than the burst lasts is refused: a few are expected. */
    if (refused * 1000 > iterations)
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

static void complain(void *ctx, const char *line)
{
    (void)ctx;
    fprintf(stderr, "%s\n", line);
}

/* Read from a file, as always: a rate that never refuses. */
static const struct config *configure(void)
{
    char path[] = "/dev/shm/harden-bench-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        return NULL;
    dprintf(fd, "[host *]\nrate = %d/1ms\n%s\n", BURST, setting);
    if (strcmp(what, "bounded") == 0)
        dprintf(fd, "concurrency = 8\n");
    close(fd);
    const struct config *c = config_load_file(path, complain, NULL);
    unlink(path);
    return c && c->errors == 0 ? c : NULL;
}

/* A shared board with a private name, removed at exit. */
static struct board *open_board(void)
{
    char dir[] = "/dev/shm/harden-bench-XXXXXX", path[64];
    if (!mkdtemp(dir))
        return NULL;
    struct board *b = board_open(dir, (uint32_t)hosts * 2, NULL);
    snprintf(path, sizeof path, "%s/" BOARD_NAME, dir);
    unlink(path);
    rmdir(dir);
    return b && b->shared ? b : NULL;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    what = argv[1];
    char *colon = strchr(argv[1], ':');
    if (colon) {
        *colon = '\0';
        setting = colon + 1;
    }
    workers = atoi(argv[2]);
    processes = strchr(argv[2], 'p') != NULL;
    hosts = atoi(argv[3]);
    visited = atoi(argv[4]);
    iterations = atol(argv[5]) / BATCH * BATCH;
    if (workers < 1 || workers > 64 || hosts < 1 || visited < 1 || visited > hosts)
        return 2;
    shared = map_shared(sizeof *shared);
    words = map_shared((size_t)hosts * sizeof *words);
    config = configure();
    board = open_board();
    if (!config || !board) {
        fprintf(stderr, "no configuration or no board\n");
        return 1;
    }
    if (processes)
        run_processes();
    else
        run_threads();
    double sum = 0;
    for (int i = 0; i < workers; i++)
        sum += (double)shared->elapsed_ns[i] / (double)iterations;
    printf("%.2f\n", sum / workers);
    return 0;
}
