/* SPDX-License-Identifier: MIT
 *
 * Runs many transfers in many threads and measures the resources of the process.
 *
 *     load "URL..." THREADS SECONDS COUNT
 *
 * Each thread performs transfers on a handle of its own, with the URLs in turn, until SECONDS have
 * passed or it has made COUNT transfers. Prints a JSON line: successes per thread, failures, and
 * the resident size, open descriptors and threads of the process, measured after the first URL at a
 * tenth of the way and in the last round. %d in a URL is replaced by a number that grows with each
 * transfer; a URL that begins with + gets a new handle. */
#include <curl/curl.h>
#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define URLS_MAX 32

struct worker {
    pthread_t thread;
    double until;
    long count, good, bad;
};

struct cost {
    long rss_kb, heap_kb, fds, threads;
};

static struct cost early, late;
static atomic_long numbers;
static char *urls[URLS_MAX];
static int url_count;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static long entries(const char *path)
{
    long n = 0;
    DIR *d = opendir(path);
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n - 3; /* ".", "..", and the descriptor of the directory itself */
}

static struct cost measure(void)
{
    struct cost c = {0};
    char line[256];
    malloc_trim(0);
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f)) {
        sscanf(line, "VmRSS: %ld", &c.rss_kb);
        sscanf(line, "Threads: %ld", &c.threads);
    }
    if (f)
        fclose(f);
    c.heap_kb = (long)(mallinfo2().uordblks / 1024);
    c.fds = entries("/proc/self/fd");
    return c;
}

static size_t sink(char *p, size_t size, size_t n, void *data)
{
    (void)p, (void)data;
    return size * n;
}

static CURL *new_handle(void)
{
    CURL *h = curl_easy_init();
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, sink);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    return h;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    CURL *h = new_handle();
    for (long i = 0; i < w->count && now() < w->until; i++) {
        char url[512];
        const char *form = urls[i % url_count];
        if (*form == '+') {
            form++;
            curl_easy_cleanup(h);
            h = new_handle();
        }
        snprintf(url, sizeof url, form, (int)atomic_fetch_add(&numbers, 1));
        curl_easy_setopt(h, CURLOPT_URL, url);
        long code = 0;
        CURLcode rc = curl_easy_perform(h);
        curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &code);
        if (rc == CURLE_OK && code == 200)
            w->good++;
        else
            w->bad++;
        if (i == w->count / 10 / url_count * url_count)
            early = measure();
        if (i == (w->count - 1) / url_count * url_count)
            late = measure();
    }
    curl_easy_cleanup(h);
    return NULL;
}

static void print_cost(const char *name, struct cost c)
{
    printf(",\"%s\":{\"rss_kb\":%ld,\"heap_kb\":%ld,\"fds\":%ld,\"threads\":%ld}", name, c.rss_kb,
           c.heap_kb, c.fds, c.threads);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    int threads = (int)strtol(argv[2], NULL, 10);
    for (char *p = argv[1], *url; url_count < URLS_MAX && (url = strsep(&p, " "));)
        urls[url_count++] = url;
    struct worker *w = calloc((size_t)threads, sizeof *w);
    long bad = 0;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    for (int i = 0; i < threads; i++) {
        w[i].until = now() + strtod(argv[3], NULL);
        w[i].count = strtol(argv[4], NULL, 10);
        if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
            return 1;
    }
    printf("{\"good\":[");
    for (int i = 0; i < threads; i++) {
        pthread_join(w[i].thread, NULL);
        printf("%s%ld", i ? "," : "", w[i].good);
        bad += w[i].bad;
    }
    printf("],\"bad\":%ld", bad);
    print_cost("early", early);
    print_cost("late", late);
    printf("}\n");
    free(w);
    curl_global_cleanup();
    return 0;
}
