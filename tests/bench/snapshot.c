/* SPDX-License-Identifier: MIT
 *
 * Measures the cost of the two files of a snapshot: CPU time from opening to renaming, for each.
 *
 *     snapshot HOSTS DIRECTORY      prints "JSON PROM FLOOR" in us, then the bytes of both
 *
 * The floor: the same number of bytes, copied and written in the same portions without formatting.
 * Each value is the median of several turns, because a program writes its files repeatedly, and in
 * a virtual machine only the first turn pays for memory that comes from the hypervisor. */
#include "engine/publish/snapshot.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/replace.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TURNS 7

static double cpu_us(void)
{
    return (double)clock_read_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e3;
}

static void fill(struct board *b, int hosts)
{
    for (int i = 0; i < hosts; i++) {
        char name[40];
        int n = snprintf(name, sizeof name, "host%d.example.com", i);
        struct slot *s =
            board_slot(b, hash_bytes(name, (size_t)n, 0), name, SLOT_HOST, clock_now_ns());
        slot_count(s, COUNT_REQUESTS, 120 + (uint64_t)i);
        slot_count(s, COUNT_SUCCESSES, 117);
        slot_count(s, COUNT_RETRIES, 11);
        for (int k = 0; k < 131; k++)
            slot_attempt(s, (k + i % 50) * 4 * NS_PER_MS);
    }
}

static bool write_bytes(const char *path, char *room, off_t bytes)
{
    static char block[65536];
    struct replacement f;
    replacement_open(&f, path, room, sizeof block);
    for (; bytes > 0; bytes -= (off_t)sizeof block)
        text_putn(&f.text, block, bytes < (off_t)sizeof block ? (size_t)bytes : sizeof block);
    return replacement_close(&f) == 0;
}

/* Measures JSON, PROM and FLOOR in microseconds. */
static bool turn(const char *dir, char *room, size_t size, const struct snapshot_context *c,
                 double us[3], off_t bytes[2])
{
    void (*const render[])(struct text *, const struct snapshot_context *) = {snapshot_render,
                                                                              metrics_render};
    static const char *const names[] = {"health.json", "metrics.prom"};
    us[2] = 0;
    for (int i = 0; i < 2; i++) {
        char path[4096];
        struct replacement f;
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        double begun = cpu_us();
        replacement_open(&f, path, room, size);
        render[i](&f.text, c);
        if (replacement_close(&f) != 0)
            return false;
        us[i] = cpu_us() - begun;
        if (stat(path, &st) != 0)
            return false;
        bytes[i] = st.st_size;
        begun = cpu_us();
        if (!write_bytes(path, room, bytes[i]))
            return false;
        us[2] += cpu_us() - begun;
    }
    return true;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int hosts = atoi(argv[1]);
    struct board *b = board_open(argv[2], (uint32_t)hosts * 2, NULL);
    if (!b || hosts < 1)
        return 1;
    fill(b, hosts);
    const char *hooks[] = {"curl_easy_perform", NULL};
    struct snapshot_context c = {.board = b,
                                 .service = "bench",
                                 .pid = 1,
                                 .seq = 1,
                                 .now_ns = clock_now_ns(),
                                 .wall_ns = clock_wall_ns(),
                                 .interval_ns = 10 * NS_PER_S,
                                 .hooks = hooks};
    size_t size = snapshot_room(b);
    char *room = malloc(size);
    double us[3][TURNS];
    off_t bytes[2];
    for (int i = 0; room && i < TURNS; i++) {
        double one[3];
        if (!turn(argv[2], room, size, &c, one, bytes))
            return 1;
        for (int k = 0; k < 3; k++)
            us[k][i] = one[k];
    }
    for (int k = 0; k < 3; k++) {
        qsort(us[k], TURNS, sizeof us[k][0], by_size);
        printf("%.1f ", us[k][TURNS / 2]);
    }
    printf("%lld %lld\n", (long long)bytes[0], (long long)bytes[1]);
    free(room);
    return 0;
}
