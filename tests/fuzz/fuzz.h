/* SPDX-License-Identifier: MIT
 *
 * Shared by the fuzz targets, each of which defines LLVMFuzzerTestOneInput and a few seeds.
 * libFuzzer has its own main; one of its mutations in 16 begins with a seed. With -DFUZZ_STANDALONE, a
 * small driver mutates the seeds instead, in the same way at each run, so that a compiler with
 * sanitizers is enough:
 *
 *     fuzz_hints             100,000 inputs
 *     fuzz_hints 5000000     more
 *     fuzz_hints FILE...     those files */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* NULL-terminated; text without NUL bytes. */
extern const char *const fuzz_seeds[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#ifndef FUZZ_STANDALONE

#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned random);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned random)
{
    unsigned seeds = 0;
    while (fuzz_seeds[seeds])
        seeds++;
    if (random % 16 == 0) {
        const char *seed = fuzz_seeds[random / 16 % seeds];
        size = strnlen(seed, size_max);
        memcpy(data, seed, size);
    }
    return LLVMFuzzerMutate(data, size, size_max);
}

#else

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUZZ_MAX 8192

static uint64_t fuzz_random(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15ULL;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Flips, overwrites, removes, duplicates or inserts a few bytes. */
static size_t fuzz_mutate(uint8_t *p, size_t n)
{
    for (uint64_t k = fuzz_random() % 8 + 1; k-- > 0;) {
        size_t at = n ? fuzz_random() % n : 0;
        size_t some = fuzz_random() % 16 + 1;
        switch (fuzz_random() % 5) {
        case 0:
            if (n)
                p[at] ^= (uint8_t)(1u << fuzz_random() % 8);
            break;
        case 1:
            if (n)
                p[at] = (uint8_t)fuzz_random();
            break;
        case 2:
            if (some > n - at)
                some = n - at;
            memmove(p + at, p + at + some, n - at - some);
            n -= some;
            break;
        case 3:
            if (n + some > FUZZ_MAX || some > n - at)
                break;
            memmove(p + at + some, p + at, n - at);
            n += some;
            break;
        default:
            if (n + some > FUZZ_MAX)
                break;
            memmove(p + at + some, p + at, n - at);
            for (size_t i = 0; i < some; i++)
                p[at + i] = (uint8_t)fuzz_random();
            n += some;
        }
    }
    return n;
}

/* A copy of exactly the input's size, so that a read past its end is detected. */
static void fuzz_one(const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    memcpy(copy, p, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static int fuzz_file(const char *path)
{
    static uint8_t buf[1 << 20];
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return 1;
    }
    fuzz_one(buf, fread(buf, 1, sizeof buf, f));
    fclose(f);
    return 0;
}

int main(int argc, char **argv)
{
    uint8_t buf[FUZZ_MAX];
    char *end = NULL;
    unsigned long runs = argc > 1 ? strtoul(argv[1], &end, 10) : 100000;
    if (end && *end) {
        int failed = 0;
        for (int i = 1; i < argc; i++)
            failed |= fuzz_file(argv[i]);
        return failed;
    }
    int seeds = 0;
    while (fuzz_seeds[seeds])
        seeds++;
    size_t n = 0;
    for (unsigned long i = 0; i < runs; i++) {
        if (i % 16 == 0) { /* then continue from the mutated input */
            const char *seed = fuzz_seeds[fuzz_random() % (uint64_t)seeds];
            n = strlen(seed);
            memcpy(buf, seed, n);
        }
        n = fuzz_mutate(buf, n);
        fuzz_one(buf, n);
    }
    return 0;
}

#endif
#endif
