/* SPDX-License-Identifier: MIT
 *
 * Many processes and threads take tokens of one rate concurrently, and some are killed. Every
 * start is recorded in shared memory, and the guarantee is checked for the record. This test
 * uses real time, because it needs real concurrency; it does not assert any speed. */
#include "engine/call/call.h"

#include "base/hash.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 8
#define THREADS   4
#define RUN_NS    (NS_PER_S)
#define STARTS    65536

static struct policy policy;
static struct config config;
static struct board *board;
static struct binding binding;

/* The record, in memory that all processes share. */
static struct record {
    _Atomic uint32_t n;
    int64_t start[STARTS];
} *record;
static struct record *records; /* one for each policy */

static void set_up(void)
{
    policy = (struct policy){
        .cost = 1,
        .limit_count = 1,
        .limits[0] = {.rate_count = 2,
                      .rates = {{.tokens = 2000,
                                 .burst = 50,
                                 .window_ns = NS_PER_S,
                                 .interval_ns = NS_PER_S / 2000},
                                {.tokens = 500,
                                 .burst = 400,
                                 .window_ns = NS_PER_S,
                                 .interval_ns = NS_PER_S / 500}}},
        .max_wait_ns = 20 * NS_PER_MS,
        .max_attempts = 1,
        .max_elapsed_ns = 30 * NS_PER_S,
        .retry_after_max_ns = 300 * NS_PER_S,
        .breaker = BREAKER_ON,
        .breaker_failures = 5,
        .breaker_ratio_percent = 50,
        .breaker_open_ns = 30 * NS_PER_S,
        .breaker_max_open_ns = 300 * NS_PER_S,
        .breaker_successes = 2,
        .unhealthy_after = 3,
        .healthy_after = 1,
    };
    int64_t now = clock_now_ns();
    board = board_open(NULL, 16, NULL);
    uint64_t key = board_key(hash_bytes("h", 1, 0));
    binding = (struct binding){.config = &config, .board = board, .policy = &policy, .key = key};
    binding.slot = board_slot(board, key, "h", SLOT_HOST, now);
    binding.bucket_key[0] = key;
    binding.name[0] = 'h';
    records = mmap(NULL, PROCESSES * sizeof *records, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(records != MAP_FAILED);
    record = records;
}

static void tear_down(void)
{
    munmap(records, PROCESSES * sizeof *records);
    board_close(board);
}

TestSuite(stress, .init = set_up, .fini = tear_down, .timeout = 60);

static void note_start(int64_t t)
{
    uint32_t i = atomic_fetch_add(&record->n, 1);
    if (i < STARTS)
        record->start[i] = t;
}

static void *hammer(void *arg)
{
    int64_t end = *(int64_t *)arg, now;
    struct binding mine = binding;
    while ((now = clock_now_ns()) < end) {
        struct call c;
        call_begin(&c, &mine, 0, now);
        struct admission ad = call_admit(&c, now);
        int64_t started = now;
        if (ad.answer == ANSWER_WAIT) {
            clock_sleep_until(ad.at_ns);
            started = ad.at_ns; /* the reserved start; a late wake-up only delays it */
            ad = call_admit(&c, clock_now_ns());
            if (ad.answer == ANSWER_WAIT) { /* woke up too late: the reserved start is lost */
                call_abandon(&c, clock_now_ns());
                continue;
            }
        }
        if (ad.answer != ANSWER_REFUSE) {
            note_start(started);
            struct attempt a = {.protocol = PROTOCOL_HTTP, .http_status = 200};
            int64_t at;
            call_report(&c, &a, clock_now_ns(), 0, 0, &at);
        }
        call_end(&c, clock_now_ns(), 0);
    }
    return NULL;
}

static pid_t start_process(int64_t end)
{
    pid_t pid = fork();
    if (pid)
        return pid;
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&t[i], NULL, hammer, &end))
            _exit(1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    _exit(0);
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* In every window from one start to another, at most burst + window / interval starts. */
static void check_rate(const int64_t *start, int n, const struct rate *r)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            cr_assert(le(i64, i - j + 1, r->burst + (start[i] - start[j]) / r->interval_ns));
}

static int check_record(void)
{
    int n = (int)record->n;
    cr_assert(lt(int, n, STARTS));
    qsort(record->start, (size_t)n, sizeof *record->start, by_time);
    int first = 0;
    /* Entries of processes that were killed before they wrote the time. */
    while (first < n && !record->start[first])
        first++;
    for (int i = 0; i < policy.limits[0].rate_count; i++)
        check_rate(record->start + first, n - first, &policy.limits[0].rates[i]);
    return n;
}

Test(stress, processes_and_threads_together_never_exceed_the_rates)
{
    int64_t end = clock_now_ns() + RUN_NS;
    for (int i = 0; i < PROCESSES; i++)
        start_process(end);
    for (int i = 0, status; i < PROCESSES; i++) {
        wait(&status);
        cr_assert(eq(int, status, 0));
    }
    int n = check_record();
    cr_assert(lt(int, 300, n)); /* no tokens are lost */
    cr_assert(eq(u64, slot_counter(binding.slot, COUNT_ATTEMPTS), (uint64_t)n));
    cr_assert(eq(u64, slot_counter(binding.slot, COUNT_SUCCESSES), (uint64_t)n));
    cr_assert(eq(u64, slot_counter(binding.slot, COUNT_REQUESTS),
                 (uint64_t)n + slot_counter(binding.slot, COUNT_RATE_REJECTED)));
}

/* Different rates and windows in different orders, with more windows than a bucket has words. */
static void vary_policy(int own)
{
    static const int64_t windows[] = {NS_PER_S,     NS_PER_S / 2, NS_PER_S / 5,
                                      3 * NS_PER_S, NS_PER_S / 4, 2 * NS_PER_S};
    struct limit *l = &policy.limits[0];
    for (int i = 0; i < l->rate_count; i++) {
        int64_t window = windows[(own + (own % 2 ? i : 2 - i)) % 6];
        uint32_t tokens = (uint32_t)(window / (NS_PER_S / 300)) * (1 + (uint32_t)own % 3);
        l->rates[i] = (struct rate){.tokens = tokens,
                                    .burst = tokens / (i ? 2 : 8),
                                    .window_ns = window,
                                    .interval_ns = (window + tokens - 1) / tokens};
    }
    binding.refreshed_ns = 0;
    record = &records[own];
}

Test(stress, processes_with_different_policies_keep_their_own_rates)
{
    int64_t end = clock_now_ns() + RUN_NS;
    struct policy common = policy;
    for (int i = 0; i < PROCESSES; i++) {
        vary_policy(i);
        start_process(end);
        policy = common;
    }
    for (int i = 0, status; i < PROCESSES; i++) {
        wait(&status);
        cr_assert(eq(int, status, 0));
    }
    int n = 0;
    for (int i = 0; i < PROCESSES; i++) {
        vary_policy(i);
        n += check_record();
        policy = common;
    }
    cr_assert(lt(int, 0, n), "the process with the lowest rate may get nothing");
}

Test(stress, killing_processes_at_any_time_stops_no_other_process_and_exceeds_no_rate)
{
    int64_t end = clock_now_ns() + RUN_NS, now;
    pid_t pid[PROCESSES];
    uint64_t seed = (uint64_t)end;
    for (int i = 0; i < PROCESSES; i++)
        pid[i] = start_process(end);
    while ((now = clock_now_ns()) < end - RUN_NS / 10) {
        seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
        int victim = (int)(seed >> 40) % PROCESSES;
        kill(pid[victim], SIGKILL);
        waitpid(pid[victim], NULL, 0);
        pid[victim] = start_process(end);
        clock_sleep_until(now + (int64_t)(seed >> 33) % (10 * NS_PER_MS));
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        waitpid(pid[i], &status, 0);
        cr_assert(eq(int, status, 0));
    }
    check_record();
    /* Later callers are served as if no process had been killed. */
    struct call c;
    now = clock_now_ns() + NS_PER_S;
    call_begin(&c, &binding, 0, now);
    cr_assert(eq(int, call_admit(&c, now).answer, ANSWER_GO));
}
