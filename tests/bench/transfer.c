/* SPDX-License-Identifier: MIT
 *
 * An ordinary libcurl program, measured bare and under the library, of which it does not know.
 *
 *     transfer perform URL N       N transfers on one handle; for counting instructions
 *     transfer loop URL N          the same in an event loop of its own, with the multi interface
 *     transfer lifecycle URL N     N times init, 10 options, perform, cleanup; for counting too
 *     transfer latency URL N       prints "P50 P99" in microseconds
 *     transfer throughput URL N    prints MiB/s */
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t discard(char *data, size_t size, size_t count, void *total)
{
    (void)data;
    *(uint64_t *)total += size * count;
    return size * count;
}

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static CURL *open_handle(const char *url, uint64_t *total)
{
    CURL *h = curl_easy_init();
    if (!h)
        exit(1);
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, discard);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, total);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, 5L);
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(h, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(h, CURLOPT_USERAGENT, "bench");
    curl_easy_setopt(h, CURLOPT_FAILONERROR, 1L);
    return h;
}

static void perform(CURL *h)
{
    CURLcode code = curl_easy_perform(h);
    if (code != CURLE_OK) {
        fprintf(stderr, "%s\n", curl_easy_strerror(code));
        exit(1);
    }
}

static CURLcode turn_until_done(CURLM *m)
{
    int running = 1, left;
    while (running && curl_multi_perform(m, &running) == CURLM_OK)
        if (running)
            curl_multi_poll(m, NULL, 0, 1000, NULL);
    const CURLMsg *message = curl_multi_info_read(m, &left);
    return message ? message->data.result : CURLE_FAILED_INIT;
}

static void loop(CURL *h, long n)
{
    CURLM *m = curl_multi_init();
    for (long i = 0; i < n; i++) {
        curl_multi_add_handle(m, h);
        if (turn_until_done(m) != CURLE_OK)
            exit(1);
        curl_multi_remove_handle(m, h);
    }
    curl_multi_cleanup(m);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void latency(CURL *h, long n)
{
    double *us = calloc((size_t)n, sizeof *us);
    if (!us)
        exit(1);
    for (long i = 0; i < n / 10; i++)
        perform(h);
    for (long i = 0; i < n; i++) {
        double begun = now_us();
        perform(h);
        us[i] = now_us() - begun;
    }
    qsort(us, (size_t)n, sizeof *us, ascending);
    printf("%.3f %.3f\n", us[n / 2], us[n * 99 / 100]);
    free(us);
}

static void throughput(CURL *h, long n, const uint64_t *total)
{
    perform(h);
    uint64_t before = *total;
    double begun = now_us();
    for (long i = 0; i < n; i++)
        perform(h);
    printf("%.1f\n", (double)(*total - before) / 1048576 / ((now_us() - begun) / 1e6));
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    const char *mode = argv[1], *url = argv[2];
    long n = atol(argv[3]);
    uint64_t total = 0;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (strcmp(mode, "lifecycle") == 0) {
        for (long i = 0; i < n; i++) {
            CURL *h = open_handle(url, &total);
            perform(h);
            curl_easy_cleanup(h);
        }
        return 0;
    }
    CURL *h = open_handle(url, &total);
    if (strcmp(mode, "loop") == 0)
        loop(h, n);
    else if (strcmp(mode, "latency") == 0)
        latency(h, n);
    else if (strcmp(mode, "throughput") == 0)
        throughput(h, n, &total);
    else
        for (long i = 0; i < n; i++)
            perform(h);
    curl_easy_cleanup(h);
    return 0;
}
